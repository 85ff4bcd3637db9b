// One look at one sale: at its outbox, or at a part of its orders.
#include "cluster/leftovers.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "base/text.h"

namespace sluice::cluster {

namespace {

using redis::Refusal;

redis::Answer<Instant> read_time(const redis::Value& reply) {
  if (reply.items.size() == 2) {
    const auto seconds = parse_uint(reply.items[0].text, kLastInstant.ms / 1000);
    const auto micros = parse_uint(reply.items[1].text, 999'999);
    if (seconds && micros) return Instant{*seconds * 1000 + *micros / 1000};
  }
  return std::unexpected(Refusal{Refusal::Kind::broken, "Redis does not tell its time"});
}

/// What one message may carry of orders that lost theirs, as an entry of an outbox that no stream
/// has: taking it out of there later does nothing.
redis::OutboxEntry entry_of(std::vector<redis::Reservation>&& orders) {
  redis::OutboxEntry entry;
  entry.id = fmt::format("{}-{}", orders.front().created_at.ms, orders.front().id.value);
  entry.orders = std::move(orders);
  return entry;
}

}  // namespace

Leftovers::Watched::Watched(const OpenSale& open, const redis::SweepPlan& plan, Instant now)
    : sale(open),
      sweeper(plan, now),
      trouble(fmt::format("looking for what was left in {}", open.calls.key())) {}

void Leftovers::turn(const OpenSales& open, Instant now) {
  const TurnBudget budget;
  std::erase_if(watched_, [&](const auto& entry) {
    const auto found = open.find(entry.first);
    return found == open.end() || found->second.epoch != entry.second.sale.epoch;
  });
  for (const auto& [no, sale] : open)
    watched_.try_emplace(no, sale, plan_, now);
  for (auto& [no, watched] : watched_) {
    if (now + watched.ahead < watched.sweeper.next()) continue;
    look(no, watched, now);
    if (budget.is_spent()) return;
  }
}

void Leftovers::look(SaleNo no, Watched& watched, Instant now) {
  const auto server_time = ask(node_.redis, watched.sale.calls, {"TIME"}, read_time);
  if (server_time) watched.ahead = *server_time - now;
  const Instant at = now + watched.ahead;
  const auto task = watched.sweeper.take(at);
  if (!task) return;
  const auto done = !server_time ? redis::Answer<void>(std::unexpected(server_time.error()))
                    : task->kind == redis::Sweeper::Task::Kind::outbox
                        ? read_outbox(no, watched, *task, at)
                        : read_stragglers(no, watched, *task, at);
  if (done) return watched.trouble.end();
  watched.sweeper.failed(node_.clock.now() + watched.ahead);  // the call may have taken long
  watched.trouble.raise(text_of(done.error()));
}

redis::Answer<void> Leftovers::read_outbox(SaleNo no, Watched& watched,
                                           const redis::Sweeper::Task& task, Instant now) {
  const redis::SaleCalls& calls = watched.sale.calls;
  auto entries = ask(node_.redis, calls, calls.outbox_before(task.before, plan_.outbox_entries),
                     redis::read_outbox);
  if (!entries) return std::unexpected(entries.error());
  watched.sweeper.outbox_read(entries->size(), now);
  if (!entries->empty()) gate_.adopt(no, watched.sale.epoch, std::move(*entries));
  return {};
}

redis::Answer<void> Leftovers::read_stragglers(SaleNo no, Watched& watched,
                                               const redis::Sweeper::Task& task, Instant now) {
  const redis::SaleCalls& calls = watched.sale.calls;
  const auto part =
      ask(node_.redis, calls, calls.stragglers(task.cursor, plan_.straggler_rows, task.before),
          redis::read_stragglers);
  if (!part) return std::unexpected(part.error());
  // A part of HSCAN may be longer than was asked for, and a call takes kMaxBatch.
  for (std::size_t at = 0; at < part->orders.size(); at += redis::kMaxBatch) {
    const auto orders =
        std::span(part->orders).subspan(at, std::min(redis::kMaxBatch, part->orders.size() - at));
    std::vector<OrderId> ids;
    for (const redis::Reservation& order : orders)
      ids.push_back(order.id);
    const auto rows = feed_.orders(ids);
    if (!rows) return std::unexpected(Refusal{Refusal::Kind::broken, rows.error().message});
    auto unknown = mirror_.straighten(no, orders, *rows);
    if (!unknown) return std::unexpected(unknown.error());
    if (unknown->empty()) continue;
    spdlog::warn("{}: {} reservations did not reach the record and are published again",
                 calls.key(), unknown->size());
    std::vector<redis::OutboxEntry> entries;
    entries.push_back(entry_of(std::move(*unknown)));
    gate_.adopt(no, watched.sale.epoch, std::move(entries));
  }
  watched.sweeper.stragglers_read(part->cursor, now);
  return {};
}

}  // namespace sluice::cluster
