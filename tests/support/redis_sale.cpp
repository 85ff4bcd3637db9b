// The calls, made and read.
#include "support/redis_sale.h"

#include <algorithm>
#include <span>

namespace sluice::test {

using redis::Fate;

redis::Value RedisSale::reply(const redis::Command& command) {
  redis::Outcome outcome = ask(command);
  EXPECT_EQ(outcome.fate, Fate::answered) << outcome.why;
  return std::move(outcome.value);
}

redis::Answer<redis::Change> RedisSale::begin(std::int64_t stock, std::uint64_t epoch,
                                              std::int64_t limit, const redis::Window& window) {
  const redis::ItemDefinition item{kItem, Money{1999}, limit, Quantity{stock}, 1};
  stamp.epoch = epoch;
  return redis::read_change(reply(calls.load_begin(stamp, window, {&item, 1})));
}

void RedisSale::load(std::int64_t stock, std::uint64_t epoch, std::int64_t limit,
                     const redis::Window& window, const std::vector<redis::Reservation>& orders) {
  const auto began = begin(stock, epoch, limit, window);
  ASSERT_TRUE(began) << began.error().why;
  ASSERT_EQ(*began, redis::Change::changed);
  for (std::size_t at = 0; at < orders.size(); at += redis::kMaxBatch) {
    const auto part = std::span(orders).subspan(at, std::min(redis::kMaxBatch, orders.size() - at));
    const auto added = redis::read_number(reply(calls.load_orders(stamp, part)));
    ASSERT_TRUE(added) << added.error().why;
  }
  const auto opened = redis::read_frozen(reply(calls.load_open(stamp)));
  ASSERT_TRUE(opened) << opened.error().why;
  ASSERT_TRUE(opened->empty());
}

redis::Answer<redis::GrabReply> RedisSale::grabs(const std::vector<redis::Grab>& grabs) {
  return redis::read_grabs(reply(calls.grab(stamp, grabs)), grabs.size());
}

redis::GrabAnswer RedisSale::grab(std::int64_t order, const std::string& user,
                                  std::int64_t quantity, sale::RequestKey request) {
  auto read = grabs({{OrderId{order}, user, kItem, quantity, request}});
  EXPECT_TRUE(read) << read.error().why;
  return read ? std::move(read->answers[0]) : redis::GrabAnswer{};
}

std::optional<redis::Refusal::Kind> RedisSale::refusal(std::int64_t order) {
  const auto read = grabs({{OrderId{order}, "somebody", kItem, 1, {}}});
  return read ? std::nullopt : std::optional(read.error().kind);
}

redis::MoveCode RedisSale::move(redis::Verb verb, std::int64_t order) {
  const OrderId id{order};
  const auto read = redis::read_moves(reply(calls.move(stamp, verb, {&id, 1})), 1);
  EXPECT_TRUE(read) << read.error().why;
  return read ? read->at(0) : redis::MoveCode::unknown_order;
}

redis::Stats RedisSale::stats() {
  auto read = redis::read_stats(reply(calls.stats()));
  EXPECT_TRUE(read) << read.error().why;
  return read ? std::move(*read) : redis::Stats{};
}

std::vector<std::int64_t> RedisSale::counters() {
  const redis::Stats now = stats();
  EXPECT_EQ(now.items.size(), 1U);
  if (now.items.size() != 1) return {};
  EXPECT_FALSE(now.items[0].frozen);
  const sale::Counters& c = now.items[0].counters;
  return {c.available.units, c.held.units, c.sold.units, c.refunded.units};
}

std::vector<redis::OutboxEntry> RedisSale::outbox() {
  auto read = redis::read_outbox(reply(calls.outbox_before(kLastInstant, 20'000)));
  EXPECT_TRUE(read) << read.error().why;
  return read ? std::move(*read) : std::vector<redis::OutboxEntry>{};
}

std::optional<redis::Reservation> RedisSale::find(std::int64_t order) {
  const OrderId id{order};
  auto read = redis::read_found(reply(calls.find({&id, 1})), {&id, 1});
  EXPECT_TRUE(read) << read.error().why;
  return read ? std::move(read->at(0)) : std::nullopt;
}

}  // namespace sluice::test
