// The containers inside the state: hashing, interning, numbering, buckets.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "sale/deadlines.h"
#include "sale/order_book.h"
#include "sale/requests.h"
#include "sale/siphash.h"
#include "sale/users.h"

namespace sluice::sale {
namespace {

constexpr Instant kNow{1'800'000'000'000};
constexpr std::int64_t kEpochMs = 1'704'067'200'000;

TEST(SipHash, PublishedVectors) {
  // Appendix A of the paper and the first rows of the reference table: key 00…0f, message 00 01 ….
  const SipKey key{0x0706'0504'0302'0100ULL, 0x0f0e'0d0c'0b0a'0908ULL};
  std::string message;
  EXPECT_EQ((siphash<2, 4>(key, message)), 0x726f'db47'dd0e'0e31ULL);
  for (char c = 0; c < 15; ++c)
    message.push_back(c);
  EXPECT_EQ((siphash<2, 4>(key, message)), 0xa129'ca61'49be'45e5ULL);
}

TEST(SipHash, DependsOnTheKeyAndEveryByte) {
  std::set<std::uint64_t> seen;
  for (std::size_t length = 0; length < 40; ++length) {
    EXPECT_TRUE(seen.insert(siphash<1, 3>({1, 2}, std::string(length, '\0'))).second);
    EXPECT_TRUE(seen.insert(siphash<1, 3>({1, 3}, std::string(length, '\0'))).second);
  }
}

TEST(UserTable, FindsWhatItInterned) {
  UserTable users(7);
  std::map<std::string, UserNo> expected;
  std::mt19937_64 random(7);
  for (int i = 0; i < 50'000; ++i) {
    std::string name = std::to_string(random() % 60'000);
    name.resize(1 + random() % kMaxUserBytes, 'x');
    const auto key = users.key(name);
    const auto known = users.find(key);
    const auto it = expected.find(name);
    ASSERT_EQ(known.has_value(), it != expected.end()) << name;
    if (known) {
      ASSERT_EQ(*known, it->second);
    } else {
      expected.emplace(name, users.add(key));
    }
  }
  EXPECT_EQ(users.size(), expected.size());
  for (const auto& [name, number] : expected) {
    ASSERT_EQ(users.name(number), name);
    ASSERT_EQ(users.find(users.key(name)), number);
  }
}

TEST(UserTable, NamesWithAnyBytesAndOfAnyLength) {
  UserTable users(1);
  const std::string longest(kMaxUserBytes, '\xff');
  const std::string zeros(3, '\0');
  const UserNo a = users.add(users.key(longest));
  const UserNo b = users.add(users.key(zeros));
  EXPECT_EQ(users.name(a), longest);
  EXPECT_EQ(users.name(b), zeros);
  EXPECT_EQ(users.find(users.key(std::string(2, '\0'))), std::nullopt);
}

TEST(HashIndex, SurvivesHashesThatAreAllTheSame) {
  HashIndex index;
  const auto same = [](std::uint32_t) { return 0xffff'ffffU; };
  for (std::uint32_t i = 0; i < 3000; ++i)
    index.add(same(i), same);
  for (const std::uint32_t wanted : {0U, 1U, 1500U, 2999U}) {
    EXPECT_EQ(index.find(same(0), [&](std::uint32_t n) { return n == wanted; }), wanted);
  }
  EXPECT_EQ(index.find(same(0), [](std::uint32_t) { return false; }), HashIndex::kNone);
  EXPECT_EQ(index.find(0, [](std::uint32_t) { return true; }), HashIndex::kNone);
}

TEST(RequestTable, BothDirections) {
  RequestTable requests;
  EXPECT_EQ(requests.find({1, 1}), kNoOrder);
  EXPECT_EQ(requests.key_of(0), RequestKey{});
  for (OrderSlot slot = 0; slot < 20'000; slot += 3)
    requests.add({slot, ~0ULL - slot}, slot);
  for (OrderSlot slot = 0; slot < 20'000; ++slot) {
    const RequestKey key{slot, ~0ULL - slot};
    ASSERT_EQ(requests.find(key), slot % 3 == 0 ? slot : kNoOrder);
    ASSERT_EQ(requests.key_of(slot), slot % 3 == 0 ? key : RequestKey{});
  }
  // Equal low halves are told apart by the high ones.
  EXPECT_EQ(requests.find({1, ~0ULL}), kNoOrder);
}

Order order_with(OrderId id) {
  Order order;
  order.id = id;
  return order;
}

TEST(OrderBook, IdsFollowTheClock) {
  OrderBook book(5);
  const std::int64_t by_clock = ((kNow.ms - kEpochMs) << 22) | (5 << 12);
  EXPECT_EQ(book.next_id(kNow), OrderId{by_clock});
  book.add(order_with(book.next_id(kNow)));
  EXPECT_EQ(book.next_id(kNow), OrderId{by_clock + 1});
  EXPECT_EQ(book.next_id(kNow - Span{1000}), OrderId{by_clock + 1}) << "never decreasing";
  EXPECT_EQ(book.next_id(kNow + Span{1}), OrderId{by_clock + (1 << 22)});
}

TEST(OrderBook, AMillisecondThatIsUsedUpBorrowsFromTheNext) {
  OrderBook book(1023);
  for (int i = 0; i < 10'000; ++i) {
    const OrderId id = book.next_id(kNow);
    ASSERT_EQ((id.value >> 12) & 0x3ff, 1023) << "the node's bits stay";
    ASSERT_GT(id, book.last_id());
    book.add(order_with(id));
  }
  const std::int64_t ms = (book.last_id().value >> 22) + kEpochMs;
  EXPECT_EQ(ms, kNow.ms + 2) << "10,000 orders need three milliseconds of 4,096";
}

TEST(OrderBook, AnotherNodesIdsInTheRecordDoNotStopUs) {
  const std::int64_t ms = (kNow.ms - kEpochMs) << 22;
  OrderBook higher(9);
  higher.add(order_with(OrderId{ms | (5 << 12) | 77}));
  EXPECT_EQ(higher.next_id(kNow - Span{5}), OrderId{ms | (9 << 12)});
  OrderBook lower(3);
  lower.add(order_with(OrderId{ms | (5 << 12) | 77}));
  EXPECT_EQ(lower.next_id(kNow), OrderId{(ms + (1 << 22)) | (3 << 12)});
}

TEST(OrderBook, ClocksOutsideTheRange) {
  const OrderBook first(0);
  EXPECT_EQ(first.next_id(Instant{0}), OrderId{1}) << "zero means no order";
  EXPECT_EQ(first.next_id(Instant{-5}), OrderId{1});
  EXPECT_EQ(OrderBook(1).next_id(Instant{0}), OrderId{1 << 12});
  EXPECT_GT(first.next_id(kLastInstant).value, 0);
}

TEST(OrderBookDeathTest, WhenTheNumbersRunOut) {
  OrderBook book(0);
  book.add(order_with(OrderId{std::numeric_limits<std::int64_t>::max()}));
  EXPECT_DEATH(book.next_id(kNow), "order numbers left");
}

TEST(OrderBook, FindsById) {
  OrderBook book(0);
  EXPECT_EQ(book.find(OrderId{1}), kNoOrder);
  for (std::int64_t i = 1; i <= 5000; ++i)
    book.add(order_with(OrderId{i * 10}));
  for (std::int64_t i = 1; i <= 5000; ++i) {
    ASSERT_EQ(book.find(OrderId{i * 10}), static_cast<OrderSlot>(i - 1));
    ASSERT_EQ(book.find(OrderId{i * 10 + 1}), kNoOrder);
  }
  EXPECT_EQ(book.find(OrderId{0}), kNoOrder);
  EXPECT_EQ(book.find(OrderId{-10}), kNoOrder);
  EXPECT_EQ(book.find(OrderId{std::numeric_limits<std::int64_t>::max()}), kNoOrder);
}

TEST(Deadlines, AgreeWithASortedList) {
  std::mt19937_64 random(3);
  OrderBook book(0);
  Deadlines deadlines;
  std::multimap<std::int64_t, OrderSlot> plain;  // by the rounded deadline, then by arrival
  Instant now = kNow;
  for (std::int64_t step = 1; step <= 5000; ++step) {
    Order order = order_with(OrderId{step});
    order.expires_at = now + Span{static_cast<std::int64_t>(random() % 500)};
    const OrderSlot slot = book.add(order);
    deadlines.add(book, slot);
    plain.emplace((order.expires_at.ms + 63) / 64 * 64, slot);
    now = now + Span{static_cast<std::int64_t>(random() % 40) - 10};
    while (random() % 3 != 0) {
      const auto first = plain.begin();
      const bool due = first != plain.end() && first->first <= now.ms;
      ASSERT_EQ(deadlines.take_due(book, now), due ? first->second : kNoOrder);
      if (!due) break;
      plain.erase(first);
    }
    const auto next = deadlines.next();
    ASSERT_EQ(next.value_or(Instant{-1}).ms, plain.empty() ? -1 : plain.begin()->first);
  }
}

TEST(CloseRetries, EarliestFirst) {
  CloseRetries retries;
  EXPECT_EQ(retries.next(), std::nullopt);
  retries.plan(1, kNow + Span{5});
  retries.plan(2, kNow + Span{3});
  retries.plan(0, kNow + Span{3});
  EXPECT_EQ(retries.next(), kNow + Span{3});
  EXPECT_EQ(retries.take_due(kNow), kNoOrder);
  EXPECT_EQ(retries.take_due(kNow + Span{9}), 0U);
  EXPECT_EQ(retries.take_due(kNow + Span{9}), 2U);
  EXPECT_EQ(retries.take_due(kNow + Span{9}), 1U);
  EXPECT_EQ(retries.take_due(kNow + Span{9}), kNoOrder);
}

TEST(CloseRetries, OnePlanForAnOrder) {
  CloseRetries retries;
  retries.plan(1, kNow + Span{5});
  retries.plan(1, kNow + Span{7});
  EXPECT_EQ(retries.next(), kNow + Span{7});
  retries.forget(1);
  retries.forget(2);
  EXPECT_EQ(retries.next(), std::nullopt);
  EXPECT_EQ(retries.take_due(kNow + Span{9}), kNoOrder);
}

}  // namespace
}  // namespace sluice::sale
