// What operators ask of the desk: endpoints, the delivery log, sending again.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "base/text.h"
#include "webhook/desk.h"
#include "webhook/desk_write.h"
#include "webhook/protocol.h"

namespace sluice::webhook {

namespace {

std::unexpected<Fault> fault(FaultKind kind, std::string message = {}) {
  return std::unexpected(Fault{kind, std::move(message)});
}

std::unexpected<Fault> storage(const Error& error) {
  return fault(FaultKind::storage, error.message);
}

}  // namespace

// ---- start and end -----------------------------------------------------------------------------

Result<std::unique_ptr<Desk>> Desk::open(DeskOptions options, Source& source, Sender& sender,
                                         Instant now) {
  const std::string directory = options.directory;
  std::unique_ptr<Desk> desk(new Desk(std::move(options), source, sender));
  auto book = Book::open(directory);
  if (!book) return std::unexpected(book.error());
  desk->book_ = std::move(*book);
  if (auto loaded = desk->load(now); !loaded) return std::unexpected(loaded.error());
  if (auto adopted = desk->adopt_configured(now); !adopted) {
    return std::unexpected(adopted.error());
  }
  return desk;
}

Result<> Desk::load(Instant now) {
  auto endpoints = book_->endpoints();
  if (!endpoints) return std::unexpected(endpoints.error());
  for (Endpoint& endpoint : *endpoints) {
    Lane& lane = lanes_[endpoint.no];
    lane.endpoint = std::move(endpoint);
    recount(lane);
    // Nor is it that this server was down: what ran out meanwhile was not tried.
    auto extended = write([&] { return book_->extend(lane.endpoint.no, now, now + kKeepTrying); });
    if (!extended) return extended;
  }
  auto position = book_->position();
  if (!position) return std::unexpected(position.error());
  position_ = head_ = *position;
  auto told = book_->told();
  if (!told) return std::unexpected(told.error());
  told_ = std::move(*told);
  return {};
}

Result<> Desk::adopt_configured(Instant now) {
  const std::string id(kConfiguredId);
  auto known = find(id);
  if (!options_.configured) {
    if (!known) return {};
    spdlog::warn("webhook {} is not configured any more: what waited for it is dropped", id);
    const std::int64_t no = (*known)->endpoint.no;
    auto written = write_through([&] { return book_->remove(no); });
    if (written) lanes_.erase(no);
    return written;
  }
  if (auto fine = check(*options_.configured); !fine) return fail(fine.error().message);
  if (!known) {
    auto added = insert(*options_.configured, id, now);
    return added ? Result<>{} : fail(added.error().message);
  }
  Endpoint next = (*known)->endpoint;
  next.url = options_.configured->url;
  next.secret = options_.configured->secret;
  next.events = options_.configured->events;
  auto written = write_through([&] { return book_->update(next); });
  if (written) (*known)->endpoint = std::move(next);
  return written;
}

Result<> Desk::close() {
  return book_->database().close();
}

// ---- endpoints ---------------------------------------------------------------------------------

Outcome<Desk::Lane*> Desk::find(const std::string& id) {
  for (auto& [no, lane] : lanes_) {
    if (lane.endpoint.id == id) return &lane;
  }
  return fault(FaultKind::unknown_endpoint);
}

Outcome<Desk::Lane*> Desk::find_own(const std::string& id) {
  if (id == kConfiguredId && find(id)) return fault(FaultKind::configured);
  return find(id);
}

Outcome<std::vector<EndpointState>> Desk::endpoints(Instant now) {
  std::vector<EndpointState> all;
  for (const auto& [no, lane] : lanes_) {
    auto one = endpoint(lane.endpoint.id, now);
    if (one) all.push_back(std::move(*one));
  }
  return all;
}

Outcome<EndpointState> Desk::endpoint(const std::string& id, Instant now) {
  auto found = find(id);
  if (!found) return std::unexpected(found.error());
  const Lane& lane = **found;
  EndpointState state{lane.endpoint, lane.pending, lane.failed, lane.failures, {}};
  if (lane.held_until > now) state.resumes_at = lane.held_until;
  return state;
}

Outcome<EndpointDraft> Desk::check(EndpointDraft draft) const {
  if (auto fine = check_url(draft.url); !fine)
    return fault(FaultKind::invalid, fine.error().message);
  if (draft.secret.empty()) draft.secret = new_secret();
  if (auto fine = check_secret(draft.secret); !fine) {
    return fault(FaultKind::invalid, fine.error().message);
  }
  if (draft.events.empty()) {
    return fault(FaultKind::invalid,
                 fmt::format("No events are named; there are {}.", EventSet::all().text()));
  }
  if (lanes_.size() >= kMaxEndpoints) return fault(FaultKind::too_many);
  return draft;
}

Outcome<Endpoint> Desk::add(EndpointDraft draft, Instant now) {
  auto fine = check(std::move(draft));
  if (!fine) return std::unexpected(fine.error());
  return insert(std::move(*fine), new_endpoint_id(), now);
}

Outcome<Endpoint> Desk::insert(EndpointDraft draft, std::string id, Instant now) {
  Endpoint endpoint;
  endpoint.id = std::move(id);
  endpoint.url = std::move(draft.url);
  endpoint.secret = std::move(draft.secret);
  endpoint.events = draft.events;
  endpoint.description = std::move(draft.description);
  endpoint.created_at = now;
  const bool first = lanes_.empty();
  auto written = write_through([&]() -> Result<> {
    if (auto inserted = book_->insert(endpoint); !inserted) return inserted;
    return first ? begin_at_head() : Result<>{};
  });
  if (!written) return storage(written.error());
  lanes_[endpoint.no].endpoint = endpoint;
  return endpoint;
}

Outcome<std::pair<Endpoint, Endpoint>> Desk::check(const std::string& id,
                                                   const EndpointChange& change) const {
  auto found = const_cast<Desk*>(this)->find_own(id);  // NOLINT: the lane is only read
  if (!found) return std::unexpected(found.error());
  const Endpoint& before = (*found)->endpoint;
  Endpoint after = before;
  if (change.url) after.url = *change.url;
  if (change.events) after.events = *change.events;
  if (change.description) after.description = *change.description;
  if (change.paused) after.paused = *change.paused;
  if (auto fine = check_url(after.url); !fine) {
    return fault(FaultKind::invalid, fine.error().message);
  }
  if (after.events.empty()) return fault(FaultKind::invalid, "No events are named.");
  return std::pair{before, after};
}

Outcome<EndpointState> Desk::change(const std::string& id, const EndpointChange& change,
                                    Instant now) {
  auto checked = check(id, change);
  if (!checked) return std::unexpected(checked.error());
  const auto& [before, after] = *checked;
  const bool resumes = before.paused && !after.paused;
  auto written = write_through([&]() -> Result<> {
    // Its pause is not the receiver's fault: what waited has its 24 hours from now on.
    if (resumes) {
      const Instant until = now + kKeepTrying;
      if (auto extended = book_->extend(after.no, until, until); !extended) return extended;
    }
    return book_->update(after);
  });
  if (!written) return storage(written.error());
  Lane& lane = lanes_.at(after.no);
  lane.endpoint = after;
  lane.held_until = Instant{};  // whoever changes an endpoint wants to see whether it works now
  return endpoint(id, now);
}

Outcome<Endpoint> Desk::renew_secret(const std::string& id) {
  auto found = find_own(id);
  if (!found) return std::unexpected(found.error());
  Endpoint next = (*found)->endpoint;
  next.secret = new_secret();
  if (auto written = write_through([&] { return book_->update(next); }); !written) {
    return storage(written.error());
  }
  (*found)->endpoint = next;
  return next;
}

Outcome<Endpoint> Desk::remove(const std::string& id) {
  auto found = find_own(id);
  if (!found) return std::unexpected(found.error());
  Endpoint endpoint = (*found)->endpoint;
  if (auto written = write_through([&] { return book_->remove(endpoint.no); }); !written) {
    return storage(written.error());
  }
  lanes_.erase(endpoint.no);
  tidy_at_ = Instant{};
  return endpoint;
}

// ---- deliveries --------------------------------------------------------------------------------

Outcome<Delivery> Desk::ping(const std::string& id, Instant now) {
  auto found = find(id);
  if (!found) return std::unexpected(found.error());
  Lane& lane = **found;
  const Event event = ping_event(++pings_, now);
  std::int64_t no = 0;
  auto written = write([&]() -> Result<> {
    // Before everything else that waits, so that whoever asks sees the answer.
    auto queued = book_->enqueue(lane.endpoint.no, event, now, Instant{0});
    if (!queued) return std::unexpected(queued.error());
    no = sqlite3_last_insert_rowid(book_->database().connection().raw());
    return {};
  });
  if (!written) return storage(written.error());
  lane.held_until = Instant{};
  ++lane.pending;
  return delivery(id, no);
}

Outcome<std::vector<Delivery>> Desk::deliveries(const std::string& id,
                                                const DeliveryFilter& filter) {
  auto found = find(id);
  if (!found) return std::unexpected(found.error());
  auto list = book_->list((*found)->endpoint.no, filter);
  if (!list) return storage(list.error());
  return std::move(*list);
}

Outcome<Delivery> Desk::delivery(const std::string& id, std::int64_t no) {
  auto found = find(id);
  if (!found) return std::unexpected(found.error());
  auto one = book_->find((*found)->endpoint.no, no);
  if (!one) return storage(one.error());
  if (!*one) return fault(FaultKind::unknown_delivery);
  return std::move(**one);
}

Outcome<Delivery> Desk::redeliver(const std::string& id, std::int64_t no, Instant now) {
  auto known = delivery(id, no);
  if (!known) return known;
  Lane& lane = *find(id).value();
  std::int64_t count = 0;
  auto written = write_through([&]() -> Result<> {
    auto again = book_->redeliver(lane.endpoint.no, no, now);
    if (!again) return std::unexpected(again.error());
    count = *again;
    return {};
  });
  if (!written) return storage(written.error());
  if (count == 0) return fault(FaultKind::not_failed);
  recount(lane);
  return delivery(id, no);
}

Outcome<std::int64_t> Desk::redeliver_failed(const std::string& id, Instant now) {
  auto found = find(id);
  if (!found) return std::unexpected(found.error());
  Lane& lane = **found;
  std::int64_t count = 0;
  auto written = write_through([&]() -> Result<> {
    auto again = book_->redeliver(lane.endpoint.no, std::nullopt, now);
    if (!again) return std::unexpected(again.error());
    count = *again;
    return {};
  });
  if (!written) return storage(written.error());
  recount(lane);
  return count;
}

}  // namespace sluice::webhook
