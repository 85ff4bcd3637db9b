// What happens by itself: following the history, sending, judging how it went.
#include "webhook/desk.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "webhook/desk_write.h"
#include "webhook/protocol.h"

namespace sluice::webhook {

namespace {

constexpr Span kTidyEvery = Span::seconds(60);
/// Pause after webhooks.db could not be written, or the record not be read.
constexpr Span kTroublePause = Span::seconds(1);
constexpr std::string_view kOverdue = "not taken within 24 hours";

Fate fate_of(const Verdict& verdict) {
  const Attempt& attempt = verdict.attempt;
  if (attempt.error.empty()) return Fate::delivered;
  return attempt.at + attempt.took >= verdict.delivery.until ? Fate::given_up : Fate::retry;
}

}  // namespace

Instant Desk::step(Instant now) {
  if (!report(stores_, settle_all(now))) return now + kTroublePause;
  bool more = false;
  if (!lanes_.empty() && now >= look_at_) {
    auto derived = derive(now);
    if (!report(reads_, derived ? Result<>{} : std::unexpected(derived.error()))) {
      look_at_ = now + kTroublePause;
    } else {
      more = *derived;
      look_at_ = more ? now : now + options_.look_every;
    }
  }
  tidy(now);
  fill(now);
  return more ? now : next_wake(now);
}

bool Desk::report(bool& works, const Result<>& result) {
  const bool fine = result.has_value();
  if (std::exchange(works, fine) == fine) return fine;
  if (fine) {
    spdlog::warn("webhooks go on");
  } else {
    spdlog::critical("alarm: webhooks stand still: {}", result.error().message);
  }
  return fine;
}

// ---- how attempts went -------------------------------------------------------------------------

/// The verdicts stay where they are until they are stored: what is not known to be delivered is in
/// flight, and is not sent again.
Result<> Desk::settle_all(Instant now) {
  if (verdicts_.empty()) return {};
  auto written = write([&]() -> Result<> {
    for (const Verdict& verdict : verdicts_) {
      const auto lane = lanes_.find(verdict.delivery.endpoint_no);
      if (lane == lanes_.end()) continue;  // removed meanwhile
      if (auto settled = settle(verdict, lane->second, now); !settled) return settled;
    }
    return {};
  });
  if (!written) return written;
  for (const Verdict& verdict : verdicts_)
    learn(verdict);
  verdicts_.clear();
  return {};
}

Result<> Desk::settle(const Verdict& verdict, Lane& lane, Instant now) {
  const Delivery& delivery = verdict.delivery;
  const Fate fate = fate_of(verdict);
  const bool delivered = fate == Fate::delivered;
  const Instant next = now + retry_pause(delivery.attempts + 1, options_.jitter());
  if (auto done = book_->finish(delivery, verdict.attempt, fate, next); !done) return done;
  if (delivered && lane.failures >= kDoubtAfter) {
    return book_->pull_ahead(lane.endpoint.no, now);
  }
  if (!delivered && lane.failures >= kDoubtAfter) {
    // It just showed that it takes nothing: what is overdue need not be tried one by one.
    auto given_up = book_->give_up_overdue(lane.endpoint.no, now, kOverdue);
    if (!given_up) return std::unexpected(given_up.error());
    counts_.given_up += static_cast<std::uint64_t>(*given_up);
    lane.is_miscounted = lane.is_miscounted || *given_up > 0;
  }
  return {};
}

void Desk::learn(const Verdict& verdict) {
  in_flight_.erase(verdict.delivery.no);
  const auto found = lanes_.find(verdict.delivery.endpoint_no);
  if (found == lanes_.end()) return;
  Lane& lane = found->second;
  --lane.in_flight;
  const Attempt& attempt = verdict.attempt;
  const Instant now = attempt.at + attempt.took;
  if (attempt.error.empty()) {
    if (lane.failures >= kDoubtAfter) {
      spdlog::info("webhook {} takes deliveries again", lane.endpoint.id);
    }
    ++counts_.attempts_ok;
    ++counts_.delivered;
    lane.failures = 0;
    lane.held_until = Instant{};
  } else {
    ++(attempt.status == 0 ? counts_.attempts_failed : counts_.attempts_refused);
    if (fate_of(verdict) == Fate::given_up) ++counts_.given_up;
    if (++lane.failures == kDoubtAfter) {
      spdlog::warn("webhook {} failed {} times in a row, last: {}", lane.endpoint.id, lane.failures,
                   attempt.error);
    }
    const Span hold = endpoint_hold(lane.failures, options_.jitter());
    if (hold > Span{0}) lane.held_until = std::max(lane.held_until, now + hold);
  }
  count(lane, fate_of(verdict));
}

/// Counting all that waits for each that was sent would make a long queue slower by its length.
void Desk::count(Lane& lane, Fate fate) {
  if (lane.is_miscounted) return recount(lane);
  if (fate == Fate::retry) return;
  lane.pending = std::max<std::int64_t>(lane.pending - 1, 0);
  if (fate == Fate::given_up) ++lane.failed;
}

void Desk::recount(Lane& lane) {
  lane.is_miscounted = false;
  // A count that cannot be read shows again with the next write.
  lane.pending = book_->pending(lane.endpoint.no).value_or(lane.pending);
  lane.failed = book_->failed(lane.endpoint.no).value_or(lane.failed);
}

// ---- events ------------------------------------------------------------------------------------

/// True: there is more to read at once.
Result<bool> Desk::derive(Instant now) {
  auto changes = source_.read(position_, told_);
  if (!changes) return std::unexpected(changes.error());
  if (changes->head < position_) {
    spdlog::error(
        "alarm: webhooks had followed the record to row {} and it ends at {}: an older record was "
        "restored; events begin with what happens from now on",
        position_, changes->head);
    auto begun = write([this] { return begin_at_head(); });
    if (!begun) return std::unexpected(begun.error());
    return false;
  }
  head_ = changes->head;
  const bool moved = changes->next != position_ || !changes->changes.empty();
  if (!moved && changes->back.empty() && changes->sold_out.empty()) return false;
  auto written = write([&] { return record(*changes, now); });
  if (!written) return std::unexpected(written.error());
  position_ = changes->next;
  for (const ItemNo item : changes->back)
    told_.erase(item);
  for (const store::SoldOutItem& item : changes->sold_out)
    told_.insert(item.no);
  return changes->next < changes->head || !changes->sold_out.empty();
}

Result<> Desk::record(const store::Changes& changes, Instant now) {
  for (const ItemNo item : changes.back) {
    if (auto done = book_->tell(item, false); !done) return done;
  }
  for (const store::SoldOutItem& item : changes.sold_out) {
    if (auto done = book_->tell(item.no, true); !done) return done;
  }
  for (const Event& event : events_of(changes, options_.write_order, now)) {
    if (auto done = enqueue(event, now); !done) return done;
  }
  return book_->set_position(changes.next);
}

Result<> Desk::enqueue(const Event& event, Instant now) {
  ++counts_.events;
  for (auto& [no, lane] : lanes_) {
    if (!lane.endpoint.events.has(event.type)) continue;
    if (lane.pending >= kMaxPending) {
      auto logged = book_->log_refused(
          no, event, now, fmt::format("not tried: {} deliveries wait already", kMaxPending));
      if (!logged) return std::unexpected(logged.error());
      if (*logged) ++counts_.given_up;
      continue;
    }
    auto queued = book_->enqueue(no, event, now);
    if (!queued) return std::unexpected(queued.error());
    if (*queued) ++lane.pending;
  }
  return {};
}

/// An endpoint is told what happens from its registration on. In a transaction.
Result<> Desk::begin_at_head() {
  for (const ItemNo item : told_) {
    if (auto done = book_->tell(item, false); !done) return done;
  }
  told_.clear();
  auto first = source_.read(0, {});
  if (!first) return std::unexpected(first.error());
  position_ = first->head;
  head_ = position_;
  for (;;) {
    auto now_sold_out = source_.read(position_, told_);
    if (!now_sold_out) return std::unexpected(now_sold_out.error());
    if (now_sold_out->sold_out.empty()) break;
    for (const store::SoldOutItem& item : now_sold_out->sold_out) {
      told_.insert(item.no);
      if (auto done = book_->tell(item.no, true); !done) return done;
    }
  }
  return book_->set_position(position_);
}

// ---- sending -----------------------------------------------------------------------------------

void Desk::fill(Instant now) {
  for (auto& [no, lane] : lanes_) {
    if (!report(stores_, fill(lane, now))) return;
  }
}

Result<> Desk::fill(Lane& lane, Instant now) {
  if (lane.endpoint.paused || now < lane.held_until) return {};
  const std::size_t allowed = lane.failures >= kDoubtAfter ? 1 : kAtOnce;
  if (lane.in_flight >= allowed) return {};
  // Those in flight are still due in the book, so that a crash sends them again.
  auto due = book_->due(lane.endpoint.no, now, allowed + kAtOnce);
  if (!due) return std::unexpected(due.error());
  for (Delivery& delivery : *due) {
    if (lane.in_flight >= allowed) break;
    if (!in_flight_.insert(delivery.no).second) continue;
    ++lane.in_flight;
    sender_.send(Parcel{std::move(delivery), lane.endpoint.url, lane.endpoint.secret});
  }
  return {};
}

void Desk::tidy(Instant now) {
  if (now < tidy_at_) return;
  bool more = false;
  const auto written = write([&]() -> Result<> {
    auto pruned = book_->prune(now - options_.retention);
    if (!pruned) return std::unexpected(pruned.error());
    more = *pruned;
    return {};
  });
  if (!report(stores_, written)) {
    tidy_at_ = now + kTroublePause;
    return;
  }
  for (auto& [no, lane] : lanes_)
    recount(lane);
  tidy_at_ = more ? now : now + kTidyEvery;
  if (auto moved = book_->database().checkpoint_if_due(); !moved) report(stores_, moved);
}

Instant Desk::next_wake(Instant now) {
  Instant wake = tidy_at_;
  if (lanes_.empty()) return wake;
  wake = std::min(wake, look_at_);
  for (const auto& [no, lane] : lanes_) {
    // One in flight wakes the thread by its end.
    if (lane.endpoint.paused || lane.in_flight > 0) continue;
    const auto due = book_->next_due(no);
    if (!due) return now + kTroublePause;
    if (*due) wake = std::min(wake, std::max(**due, lane.held_until));
  }
  return std::max(wake, now);
}

Counts Desk::counts() const {
  Counts counts = counts_;
  counts.healthy = stores_ && reads_;
  counts.endpoints = lanes_.size();
  counts.in_flight = in_flight_.size();
  counts.behind = static_cast<std::uint64_t>(std::max<std::int64_t>(head_ - position_, 0));
  for (const auto& [no, lane] : lanes_) {
    counts.pending += static_cast<std::uint64_t>(lane.pending);
    counts.failed += static_cast<std::uint64_t>(lane.failed);
    if (lane.endpoint.paused || lane.failures >= kDoubtAfter) ++counts.endpoints_held;
  }
  return counts;
}

}  // namespace sluice::webhook
