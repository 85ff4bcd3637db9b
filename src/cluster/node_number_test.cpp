// Ids that only grow and belong to one node.
#include "cluster/node_number.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::cluster {
namespace {

constexpr Instant kNow{1'770'000'000'000};

TEST(OrderNumbers, GiveNoneWithoutANode) {
  OrderNumbers numbers;
  EXPECT_EQ(numbers.next(kNow), std::nullopt);
  numbers.set_node(7);
  EXPECT_NE(numbers.next(kNow), std::nullopt);
  numbers.set_node(std::nullopt);
  EXPECT_EQ(numbers.next(kNow), std::nullopt);
}

TEST(OrderNumbers, GiveNoneOnceTheTimeOfTheNumberIsOver) {
  OrderNumbers numbers;
  numbers.set_node(7, kNow + Span{10});
  EXPECT_NE(numbers.next(kNow + Span{9}), std::nullopt);
  EXPECT_EQ(numbers.next(kNow + Span{10}), std::nullopt);
  numbers.set_node(7, kNow + Span{20});
  EXPECT_NE(numbers.next(kNow + Span{10}), std::nullopt) << "renewed";
}

TEST(OrderNumbers, OnlyGrowAlsoWhenTheClockGoesBackOrStandsStill) {
  OrderNumbers numbers;
  numbers.set_node(3);
  OrderId last{};
  for (int i = 0; i < 20'000; ++i) {
    const auto id = numbers.next(i % 3 == 0 ? kNow - Span::seconds(60) : kNow);
    ASSERT_TRUE(id);
    ASSERT_GT(*id, last);
    EXPECT_EQ((id->value >> 12) & 1023, 3);
    last = *id;
  }
}

TEST(OrderNumbers, OfTwoNodesNeverMeet) {
  OrderNumbers one;
  OrderNumbers two;
  one.set_node(0);
  two.set_node(1023);
  std::set<OrderId> seen;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(seen.insert(*one.next(kNow)).second);
    EXPECT_TRUE(seen.insert(*two.next(kNow)).second);
  }
}

}  // namespace
}  // namespace sluice::cluster
