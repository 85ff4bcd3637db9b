// Page by page: what happened, what Redis has, which moves bring them together.
#include "cluster/mirror.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/text.h"

namespace sluice::cluster {

namespace {

using redis::MoveCode;
using redis::Refusal;
using redis::Verb;

constexpr std::uint32_t kPage = 2048;
constexpr int kPagesPerTurn = 16;
constexpr std::size_t kMostPutOff = 4096;
constexpr Span kRetry{250};
constexpr Span kSettleEvery{500};
constexpr Span kSaveEvery{1000};
constexpr std::string_view kField = "mirrored";

std::optional<sale::OrderStatus> status_of(const store::FeedOrder* order) {
  return order == nullptr ? std::nullopt : std::optional(order->status);
}

}  // namespace

std::int64_t MirrorPosition::saved() const {
  std::int64_t position = position_;
  for (const auto& [order, sequence] : put_off_)
    position = std::min(position, sequence - 1);
  return position;
}

bool MirrorPosition::put_off(OrderId order, std::int64_t sequence) {
  put_off_.try_emplace(order, sequence);
  return put_off_.size() <= kMostPutOff;
}

std::vector<OrderId> MirrorPosition::waiting() const {
  std::vector<OrderId> orders;
  for (const auto& [order, sequence] : put_off_)
    orders.push_back(order);
  return orders;
}

std::string position_text(std::uint64_t epoch, std::int64_t position) {
  return fmt::format("{}:{}", epoch, position);
}

std::int64_t parse_position(std::string_view text, std::uint64_t epoch) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return 0;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto its_epoch = parse_uint(text.substr(0, colon), kMost);
  const auto position = parse_uint(text.substr(colon + 1), kMost);
  if (!its_epoch || !position || static_cast<std::uint64_t>(*its_epoch) != epoch) return 0;
  return *position;
}

void Mirror::turn(const OpenSales& open, Instant now) {
  const TurnBudget budget;
  meet(open, now, budget);
  for (int pages = 0; pages < kPagesPerTurn && page(now, budget); ++pages) {
  }
  for (auto& [no, followed] : followed_) {
    if (budget.is_spent()) return;
    if (now < followed.retry_at) continue;
    settle(no, followed, now);
    save(followed, now);
  }
}

/// Takes up what was opened, lets go of what is not open any more.
void Mirror::meet(const OpenSales& open, Instant now, const TurnBudget& budget) {
  std::erase_if(followed_, [&](const auto& entry) {
    const auto found = open.find(entry.first);
    return found == open.end() || found->second.epoch != entry.second.sale.epoch;
  });
  for (const auto& [no, sale] : open) {
    if (budget.is_spent()) return;
    if (followed_.contains(no)) continue;
    const redis::Outcome kept =
        node_.redis.ask(sale.calls.key(), {"HGET", sale.calls.key(), std::string(kField)});
    if (kept.fate != redis::Fate::answered) continue;  // the next turn asks again
    const std::int64_t position =
        std::max(parse_position(kept.value.text, sale.epoch), sale.history);
    followed_.try_emplace(no, Followed{sale, MirrorPosition(position),
                                       Trouble(fmt::format("the mirror of {}", sale.calls.key())),
                                       position, now + kSaveEvery, now, now + kSettleEvery});
  }
}

/// The page of history at the one that is furthest behind. True: there may be more.
bool Mirror::page(Instant now, const TurnBudget& budget) {
  std::optional<std::int64_t> from;
  for (const auto& [no, followed] : followed_) {
    if (now < followed.retry_at) continue;
    from = std::min(from.value_or(followed.position.reached()), followed.position.reached());
  }
  if (!from) return false;
  const auto events = feed_.events_after(*from, kPage);
  if (!events) {
    record_trouble_.raise(events.error().message);
    return false;
  }
  record_trouble_.end();
  if (events->empty()) return false;
  const std::int64_t last = events->back().sequence;
  for (auto& [no, followed] : followed_) {
    if (budget.is_spent()) return false;
    if (now < followed.retry_at || followed.position.reached() >= last) continue;
    std::map<OrderId, Told> told;  // each once: the rows all have it as it is now
    for (const store::FeedEvent& event : *events) {
      if (event.order.sale != no || event.sequence <= followed.position.reached()) continue;
      told.try_emplace(event.order.id, Told{&event.order, event.sequence});
    }
    std::vector<Told> orders;
    orders.reserve(told.size());
    for (const auto& [id, one] : told)
      orders.push_back(one);
    if (const auto done = tell(no, followed, orders); !done) {
      failed(followed, done.error());
      continue;
    }
    followed.trouble.end();
    followed.position.advance(last);
  }
  return events->size() == kPage;
}

redis::Answer<void> Mirror::tell(SaleNo no, Followed& followed, std::span<const Told> told) {
  for (std::size_t at = 0; at < told.size(); at += redis::kMaxBatch) {
    const auto part = told.subspan(at, std::min(redis::kMaxBatch, told.size() - at));
    if (auto done = tell_part(no, followed, part); !done) return done;
  }
  return {};
}

redis::Answer<void> Mirror::tell_part(SaleNo no, Followed& followed, std::span<const Told> told) {
  std::vector<OrderId> ids;
  std::map<OrderId, std::int64_t> sequences;
  for (const Told& one : told) {
    ids.push_back(one.order->id);
    sequences.emplace(one.order->id, one.sequence);
  }
  const redis::SaleCalls& calls = followed.sale.calls;
  const auto found = ask(node_.redis, calls, calls.find(ids),
                         [&](const redis::Value& reply) { return redis::read_found(reply, ids); });
  if (!found) return std::unexpected(found.error());
  Moves moves;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const store::FeedOrder& order = *told[i].order;
    if (!(*found)[i]) {
      const bool counts = sale::holds_unit(order.status) || order.unit_sold;
      if (counts && !std::exchange(followed.strange, true)) {
        spdlog::warn(
            "{} does not have order {}, which holds a unit in the record: it was lost, or came "
            "by another way than admission",
            calls.key(), to_text(order.id));
      }
      continue;
    }
    const auto verdict = redis::correction((*found)[i]->standing, order.status, order.unit_sold);
    if (verdict.kind == redis::Correction::Kind::nothing) followed.position.settled(order.id);
    for (std::size_t step = 0; step < verdict.verbs.size(); ++step)
      moves[{step, verdict.verbs[step]}].push_back(order.id);
  }
  return move(no, followed, moves, sequences);
}

/// What Redis cannot do yet (a late payment, and no unit free, as Redis gave it to somebody whom
/// the record refused) is tried again until it can.
redis::Answer<void> Mirror::move(SaleNo no, Followed& followed, const Moves& moves,
                                 const std::map<OrderId, std::int64_t>& sequences) {
  const redis::SaleCalls& calls = followed.sale.calls;
  for (const auto& [step, orders] : moves) {
    const auto answers =
        ask(node_.redis, calls, calls.move({followed.sale.epoch}, step.second, orders),
            [&](const redis::Value& reply) { return redis::read_moves(reply, orders.size()); });
    if (!answers) return std::unexpected(answers.error());
    for (std::size_t i = 0; i < orders.size(); ++i) {
      const MoveCode code = (*answers)[i];
      if (code != MoveCode::refused && code != MoveCode::refund_due) {
        followed.position.settled(orders[i]);
      } else if (!followed.position.put_off(orders[i], sequences.at(orders[i]))) {
        lost_.push_back(no);
      }
    }
  }
  return {};
}

void Mirror::settle(SaleNo no, Followed& followed, Instant now) {
  if (now < followed.settle_at) return;
  followed.settle_at = now + kSettleEvery;
  const std::vector<OrderId> ids = followed.position.waiting();
  if (ids.empty()) return;
  const auto orders =
      feed_.orders(std::span(ids).first(std::min<std::size_t>(ids.size(), kMostPutOff)));
  if (!orders) return record_trouble_.raise(orders.error().message);
  std::vector<Told> told;
  for (const store::FeedOrder& order : *orders)
    told.push_back({&order, followed.position.reached()});
  if (const auto done = tell(no, followed, told); !done) failed(followed, done.error());
}

redis::Answer<std::vector<redis::Reservation>> Mirror::straighten(
    SaleNo sale, std::span<const redis::Reservation> orders,
    std::span<const store::FeedOrder> in_record) {
  std::vector<redis::Reservation> unknown;
  const auto followed = followed_.find(sale);
  if (followed == followed_.end()) return unknown;
  Moves moves;
  std::map<OrderId, std::int64_t> sequences;
  for (const redis::Reservation& order : orders) {
    const auto row = std::ranges::find(in_record, order.id, &store::FeedOrder::id);
    const store::FeedOrder* known = row == in_record.end() ? nullptr : &*row;
    const auto verdict =
        redis::correction(order.standing, status_of(known), known != nullptr && known->unit_sold);
    if (verdict.kind == redis::Correction::Kind::publish_again) unknown.push_back(order);
    sequences.emplace(order.id, followed->second.position.reached());
    for (std::size_t step = 0; step < verdict.verbs.size(); ++step)
      moves[{step, verdict.verbs[step]}].push_back(order.id);
  }
  if (auto done = move(sale, followed->second, moves, sequences); !done) {
    return std::unexpected(done.error());
  }
  return unknown;
}

/// Beside the sale, so that it is lost with what was told, and never without.
void Mirror::save(Followed& followed, Instant now) {
  const std::int64_t position = followed.position.saved();
  if (now < followed.save_at || position == followed.saved) return;
  followed.save_at = now + kSaveEvery;
  const std::string& key = followed.sale.calls.key();
  const redis::Outcome kept = node_.redis.ask(
      key, {"HSET", key, std::string(kField), position_text(followed.sale.epoch, position)});
  if (kept.fate == redis::Fate::answered) followed.saved = position;
}

void Mirror::failed(Followed& followed, const Refusal& refusal) {
  followed.retry_at = node_.clock.now() + kRetry;  // the call may have taken long
  // Sealed or lost: the loader sees it too.
  if (refusal.kind == Refusal::Kind::broken) followed.trouble.raise(text_of(refusal));
}

}  // namespace sluice::cluster
