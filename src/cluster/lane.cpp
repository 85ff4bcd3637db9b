// The grabs of one sale on one node: asking Redis in batches, and what its answers mean.
#include "cluster/lane.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "cluster/wanted.h"

namespace sluice::cluster {

namespace {

using redis::GrabCode;
using sale::GrabOutcome;

/// While this many batches are with Redis the next one grows: at rest a grab is sent at once, in a
/// rush a call carries hundreds.
constexpr int kMostInFlight = 2;
constexpr Span kRetryPause{50};
constexpr Span kLookPause{100};
/// Entries of the outbox that are searched for a grab of unknown outcome.
constexpr std::uint32_t kMostSearched = 1024;

sale::OrderStatus status_of(redis::Standing standing) {
  using enum redis::Standing;
  switch (standing) {
    case reserved:
      return sale::OrderStatus::queued;
    case awaiting:
      return sale::OrderStatus::awaiting_payment;
    case sold:
      return sale::OrderStatus::paid;
    case released:
      return sale::OrderStatus::cancelled;
    case failed:
      return sale::OrderStatus::failed;
    case refunded:
      return sale::OrderStatus::refunded;
  }
  return sale::OrderStatus::failed;
}

sale::Order order_of(const redis::Reservation& reservation) {
  sale::Order order;
  order.id = reservation.id;
  order.amount = reservation.amount();
  order.created_at = reservation.created_at;
  order.expires_at = reservation.expires_at;
  order.item = reservation.item;
  order.quantity = static_cast<std::int32_t>(reservation.quantity);
  order.status = status_of(reservation.standing);
  return order;
}

}  // namespace

Lane::Lane(GateDesk& desk, SaleNo sale, std::string sale_id)
    : desk_(desk), sale_(sale), sale_id_(std::move(sale_id)), calls_(sale_id_) {}

bool Lane::idle() const {
  return waiting_.empty() && in_flight_ == 0 && unconfirmed_.empty() && relay_.size() == 0;
}

void Lane::turn(Instant now) {
  give_up(now);
  while (in_flight_ < kMostInFlight && !waiting_.empty() && now >= retry_at_)
    send(now);
  publish(now);
  remove_confirmed(now);
}

void Lane::give_up(Instant now) {
  // In order of arrival, but for those that were sent before: they are older and stand in front.
  while (!waiting_.empty() && now >= waiting_.front().give_up_at) {
    unavailable(waiting_.front());
    waiting_.pop_front();
  }
  if (now < look_at_waiters_at_) return;
  look_at_waiters_at_ = now + kLookPause;
  for (auto& [entry, waiters] : unconfirmed_) {
    std::erase_if(waiters, [&](Waiter& waiter) {
      if (now < waiter.grab.give_up_at) return false;
      unavailable(waiter.grab);
      return true;
    });
  }
  std::erase_if(unconfirmed_, [](const auto& entry) { return entry.second.empty(); });
}

Lane::Batch Lane::next_batch() {
  Batch batch;
  // Those of unknown outcome go by themselves: what their answer means depends on it.
  const bool doubtful = waiting_.front().doubtful;
  while (!waiting_.empty() && batch.size() < redis::kMaxBatch &&
         waiting_.front().doubtful == doubtful) {
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return batch;
}

void Lane::send(Instant now) {
  Batch batch = next_batch();
  const auto epoch = desk_.node.loadings.epoch_of(sale_);
  if (!epoch) return not_loaded(std::move(batch), now);
  std::vector<redis::Grab> grabs;
  grabs.reserve(batch.size());
  bool numbered = true;
  for (PendingGrab& pending : batch) {
    if (numbered && pending.grab.order == OrderId{}) {
      const auto id = desk_.numbers.next(now);
      numbered = id.has_value();
      pending.grab.order = id.value_or(OrderId{});
    }
    if (numbered) grabs.push_back(pending.grab);
  }
  if (!numbered) {
    for (PendingGrab& pending : batch)
      unavailable(pending);
    return;
  }
  use_epoch(*epoch);
  const redis::Stamp stamp{*epoch};
  const bool by_redis = desk_.node.options.redis_keeps_time;
  ++in_flight_;
  call(calls_.grab(stamp, grabs, by_redis ? std::nullopt : std::optional(now)),
       [this, batch = std::move(batch), epoch = *epoch](redis::Outcome&& outcome) mutable {
         --in_flight_;
         answered(std::move(batch), epoch, std::move(outcome));
       });
}

/// Long before its start, and long after its end, nobody loads it: then the catalog says enough.
void Lane::not_loaded(Batch&& batch, Instant now) {
  const engine::CatalogSale& sale = *desk_.catalog.get().sales[sale_.value];
  const bool will_be = is_wanted(sale, now, desk_.node.options.preload_ahead);
  const auto closed = will_be ? std::nullopt : sale::window_refusal(sale.sale, false, now);
  for (PendingGrab& pending : batch) {
    const std::int64_t quantity = pending.grab.quantity;
    if (!closed) {
      unavailable(pending);
    } else if (quantity < 1 || quantity > kMaxStock.units) {
      refuse(pending, GrabOutcome::invalid_quantity);
    } else {
      refuse(pending, *closed);
    }
  }
}

void Lane::use_epoch(std::uint64_t epoch) {
  if (epoch <= relay_epoch_) return;
  // Whoever loaded the sale anew has emptied its outbox first, or it was lost with everything.
  relay_.forget();
  relay_epoch_ = epoch;
}

void Lane::answered(Batch&& batch, std::uint64_t epoch, redis::Outcome&& outcome) {
  if (outcome.fate != redis::Fate::answered) {
    trouble(outcome.why);
    return again(std::move(batch), outcome.fate == redis::Fate::unknown, now());
  }
  const auto reply = redis::read_grabs(outcome.value, batch.size());
  if (!reply) return refused(std::move(batch), epoch, reply.error());
  trouble({});
  decided(std::move(batch), epoch, *reply);
}

void Lane::again(Batch&& batch, bool doubtful, Instant now) {
  for (PendingGrab& pending : batch)
    pending.doubtful = pending.doubtful || doubtful;
  waiting_.insert(waiting_.begin(), std::make_move_iterator(batch.begin()),
                  std::make_move_iterator(batch.end()));
  retry_at_ = now + kRetryPause;
}

void Lane::refused(Batch&& batch, std::uint64_t epoch, const redis::Refusal& refusal) {
  trouble(refusal.why);
  // Closed until somebody has loaded it again, and until this node knows under what epoch.
  desk_.node.loadings.drop(sale_, epoch);
  for (PendingGrab& pending : batch)
    unavailable(pending);
}

void Lane::decided(Batch&& batch, std::uint64_t epoch, const redis::GrabReply& answers) {
  std::vector<Waiter> fresh, doubtful;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    PendingGrab& pending = batch[i];
    const redis::GrabAnswer& answer = answers.answers[i];
    switch (answer.code) {
      case GrabCode::granted:
        desk_.sold_out.add_shopper(pending.grab.user);
        (pending.doubtful ? doubtful : fresh).push_back({*answer.reservation, std::move(pending)});
        break;
      case GrabCode::replayed: {
        engine::Reply replayed{GrabOutcome::replayed};
        replayed.order = order_of(*answer.reservation);
        reply(pending, replayed);
        break;
      }
      case GrabCode::sold_out:
        sold_out(pending, answer);
        refuse(pending, GrabOutcome::sold_out);
        break;
      case GrabCode::overloaded:
        unavailable(pending);
        break;
      case GrabCode::id_conflict:
        spdlog::error(
            "alarm: another node gives the same order numbers as this one; {} is asked "
            "for again under another number",
            to_text(pending.grab.order));
        pending.grab.order = {};
        pending.doubtful = false;
        waiting_.push_front(std::move(pending));
        break;
      default:
        refuse(pending, static_cast<GrabOutcome>(answer.code), answer.order);
    }
  }
  if (!fresh.empty()) {
    redis::OutboxEntry entry{answers.outbox_entry, {}};
    for (const Waiter& waiter : fresh)
      entry.orders.push_back(waiter.reservation);
    std::vector<redis::OutboxEntry> entries;
    entries.push_back(std::move(entry));
    unconfirmed_[answers.outbox_entry] = std::move(fresh);
    adopt(epoch, std::move(entries), now());
  }
  if (!doubtful.empty()) look_up(epoch, std::move(doubtful));
}

void Lane::sold_out(const PendingGrab& grab, const redis::GrabAnswer& answer) {
  if (desk_.sold_out.refused(grab.grab.item, answer.available, answer.revision, now())) {
    read_shoppers(grab.grab.item, answer.revision, "0");
  }
}

/// Nobody got a unit of the item after it was sold out, so that what is read now is complete for
/// it.
void Lane::read_shoppers(ItemNo item, std::uint64_t revision, std::string cursor) {
  call({"HSCAN", calls_.users(), std::move(cursor), "COUNT", "1000"},
       [this, item, revision](redis::Outcome&& outcome) {
         const redis::Value& page = outcome.value;
         const bool whole = outcome.fate == redis::Fate::answered &&
                            page.is(redis::Value::Kind::array) && page.items.size() == 2 &&
                            page.items[1].is(redis::Value::Kind::array);
         if (!whole) return desk_.sold_out.shoppers_read(item, revision, false);
         // Field and value, one after the other.
         for (std::size_t i = 0; i < page.items[1].items.size(); i += 2)
           desk_.sold_out.add_shopper(page.items[1].items[i].text);
         if (page.items[0].text == "0") return desk_.sold_out.shoppers_read(item, revision, true);
         read_shoppers(item, revision, page.items[0].text);
       });
}

/// A grab that was sent twice is granted: whether the broker has it is seen from the outbox, which
/// holds what is not confirmed.
void Lane::look_up(std::uint64_t epoch, std::vector<Waiter>&& doubtful) {
  call(calls_.outbox_before(now() + Span::seconds(3600), kMostSearched),
       [this, epoch, doubtful = std::move(doubtful)](redis::Outcome&& outcome) mutable {
         auto entries = outcome.fate == redis::Fate::answered
                            ? redis::read_outbox(outcome.value)
                            : redis::Answer<std::vector<redis::OutboxEntry>>(
                                  std::unexpected(redis::Refusal{{}, outcome.why}));
         if (!entries || entries->size() >= kMostSearched) {
           for (Waiter& waiter : doubtful)
             unavailable(waiter.grab);
           return;
         }
         found_in_outbox(epoch, std::move(doubtful), std::move(*entries));
       });
}

void Lane::found_in_outbox(std::uint64_t epoch, std::vector<Waiter>&& doubtful,
                           std::vector<redis::OutboxEntry>&& entries) {
  std::unordered_map<OrderId, const std::string*> entry_of;
  for (const redis::OutboxEntry& entry : entries) {
    for (const redis::Reservation& order : entry.orders)
      entry_of.emplace(order.id, &entry.id);
  }
  std::vector<std::string> wanted;
  for (Waiter& waiter : doubtful) {
    const auto found = entry_of.find(waiter.reservation.id);
    if (found == entry_of.end()) {
      grant(waiter);
    } else {
      wanted.push_back(*found->second);
      unconfirmed_[*found->second].push_back(std::move(waiter));
    }
  }
  std::erase_if(entries, [&](const redis::OutboxEntry& entry) {
    return std::ranges::find(wanted, entry.id) == wanted.end();
  });
  adopt(epoch, std::move(entries), now());
}

void Lane::reply(PendingGrab& grab, const engine::Reply& reply) {
  desk_.replies.add(grab.to, std::move(grab.then), reply);
}

void Lane::refuse(PendingGrab& grab, GrabOutcome outcome, OrderId order) {
  engine::Reply refusal{outcome};
  refusal.order.id = order;
  reply(grab, refusal);
}

void Lane::unavailable(PendingGrab& grab) {
  engine::Reply nothing{GrabOutcome::sold_out};
  nothing.trouble = engine::Reply::Trouble::unavailable;
  reply(grab, nothing);
}

void Lane::grant(Waiter& waiter) {
  engine::Reply granted{GrabOutcome::granted};
  granted.order = order_of(waiter.reservation);
  reply(waiter.grab, granted);
}

void Lane::trouble(const std::string& what) {
  if (what == trouble_) return;
  trouble_ = what;
  if (what.empty()) {
    spdlog::info("sale {}: grabs are taken again", sale_id_);
  } else {
    spdlog::warn("sale {}: no grabs at present: {}", sale_id_, what);
  }
}

}  // namespace sluice::cluster
