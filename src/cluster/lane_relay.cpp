// The grabs of one sale on one node: bringing what Redis has reserved to the broker.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "cluster/lane.h"
#include "cluster/messages.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

namespace {

constexpr std::size_t kMostPublished = 64;  ///< entries handed to the bus in one turn
constexpr std::size_t kMostRemoved = 256;   ///< entries taken out of Redis by one call
constexpr Span kRemovePause{200};

std::vector<store::Reservation> for_record(const std::vector<redis::Reservation>& orders,
                                           std::uint64_t epoch) {
  std::vector<store::Reservation> all;
  all.reserve(orders.size());
  for (const redis::Reservation& order : orders) {
    all.push_back({.id = order.id,
                   .user = order.user,
                   .item = order.item,
                   .quantity = order.quantity,
                   .amount = order.amount(),
                   .created_at = order.created_at,
                   .expires_at = order.expires_at,
                   .request = order.request,
                   .epoch = epoch});
  }
  return all;
}

}  // namespace

void Lane::adopt(std::uint64_t epoch, std::vector<redis::OutboxEntry>&& entries, Instant now) {
  use_epoch(epoch);
  if (epoch < relay_epoch_) return;
  for (redis::OutboxEntry& entry : entries) {
    const std::string id = entry.id;
    // Without room it stays in the outbox and is found again; its shoppers wait as long as others.
    if (!relay_.offer(std::move(entry), now)) {
      spdlog::debug("sale {}: entry {} of the outbox is known, or waits there", sale_id_, id);
    }
  }
}

void Lane::publish(Instant now) {
  const engine::Catalog& catalog = desk_.catalog.get();
  for (const redis::OutboxEntry* entry : relay_.to_publish(now, kMostPublished)) {
    const auto unknown = [&](const redis::Reservation& order) {
      return order.item.value >= catalog.items.size();
    };
    // Brought by another node, which has seen the record later than this one.
    if (std::ranges::any_of(entry->orders, unknown)) {
      relay_.refused(entry->id, now);
      continue;
    }
    bus::Message message;
    message.id = fmt::format("{}/{}", sale_id_, entry->id);
    message.timestamp = now;
    message.body = to_message(for_record(entry->orders, relay_epoch_), catalog);
    const Names& names = desk_.node.options.names;
    desk_.node.bus.publish(
        names.grab_exchange, names.grab_queue, std::move(message),
        [this, thread = desk_.thread, id = entry->id](Result<> done) {
          thread->post([this, id, done = std::move(done)] { published(id, done); });
        });
  }
}

void Lane::published(const std::string& entry, const Result<>& done) {
  if (!done) {
    trouble(done.error().message);
    return relay_.refused(entry, now());
  }
  relay_.confirmed(entry);
  const auto waiters = unconfirmed_.extract(entry);
  if (waiters.empty()) return;
  for (Waiter& waiter : waiters.mapped())
    grant(waiter);
}

void Lane::remove_confirmed(Instant now) {
  if (removing_ || now < remove_at_) return;
  std::vector<std::string> entries = relay_.to_remove(kMostRemoved);
  if (entries.empty()) return;
  removing_ = true;
  redis::Command command = calls_.confirm(relay_epoch_, entries);
  call(std::move(command), [this, entries = std::move(entries)](redis::Outcome&& outcome) {
    removing_ = false;
    const auto count =
        outcome.fate == redis::Fate::answered
            ? redis::read_number(outcome.value)
            : redis::Answer<std::int64_t>(std::unexpected(redis::Refusal{{}, outcome.why}));
    using Kind = redis::Refusal::Kind;
    // Loaded anew, or lost: there is no such outbox any more.
    const bool gone = !count && (count.error().kind == Kind::not_loaded ||
                                 count.error().kind == Kind::stale_epoch);
    if (count || gone) return relay_.removed(entries);
    relay_.kept(entries);
    remove_at_ = this->now() + kRemovePause;
  });
}

}  // namespace sluice::cluster
