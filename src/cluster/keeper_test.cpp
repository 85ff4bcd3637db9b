// What the keeper decides without asking anybody: which sales are wanted, how far the mirror has
// got, whose duty it hands out, and what an order looks like after a loading.
#include "cluster/keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/duty_round.h"
#include "cluster/loader.h"
#include "cluster/mirror.h"
#include "cluster/wanted.h"

namespace sluice::cluster {
namespace {

using redis::Standing;
using sale::EndReason;
using sale::OrderStatus;
using testing::ElementsAre;

constexpr Instant kNow{1'770'000'000'000};
constexpr Span kAhead = Span::seconds(120);

TEST(WantedSales, FromBeforeTheirStartUntilNothingIsUnpaid) {
  sale::Sale sale;
  sale.starts_at = kNow;
  sale.ends_at = kNow + Span::seconds(60);
  EXPECT_FALSE(is_wanted(sale, false, sale.starts_at - kAhead - Span{1}, kAhead));
  EXPECT_TRUE(is_wanted(sale, false, sale.starts_at - kAhead, kAhead));
  EXPECT_TRUE(is_wanted(sale, false, sale.ends_at, kAhead)) << "the last grabs are on their way";
  EXPECT_FALSE(is_wanted(sale, false, sale.ends_at + kLinger, kAhead));
  EXPECT_TRUE(is_wanted(sale, true, sale.ends_at + kLinger, kAhead));
  sale.cancelled = true;
  EXPECT_TRUE(is_wanted(sale, false, kNow, kAhead)) << "its shoppers are told that it ended";
  EXPECT_FALSE(is_open(sale, kNow));
}

TEST(MirrorPosition, StaysBeforeWhatRedisCouldNotTakeYet) {
  MirrorPosition position(10);
  position.advance(50);
  EXPECT_EQ(position.saved(), 50);
  EXPECT_TRUE(position.put_off(OrderId{1}, 30));
  EXPECT_TRUE(position.put_off(OrderId{2}, 40));
  EXPECT_TRUE(position.put_off(OrderId{1}, 50)) << "its first row counts";
  EXPECT_EQ(position.saved(), 29);
  EXPECT_EQ(position.reached(), 50);
  EXPECT_THAT(position.waiting(), ElementsAre(OrderId{1}, OrderId{2}));
  position.settled(OrderId{1});
  EXPECT_EQ(position.saved(), 39);
  position.settled(OrderId{2});
  position.advance(20);
  EXPECT_EQ(position.saved(), 50) << "it never goes back";
}

TEST(MirrorPosition, SaysWhenItIsTooMuch) {
  MirrorPosition position(0);
  std::int64_t order = 1;
  for (; position.put_off(OrderId{order}, order); ++order)
    ASSERT_LT(order, 100'000);
  EXPECT_GT(order, 1000);
}

TEST(MirrorPosition, IsKeptWithItsEpoch) {
  EXPECT_EQ(parse_position(position_text(7, 123), 7), 123);
  EXPECT_EQ(parse_position(position_text(7, 123), 8), 0) << "of a loading that is over";
  for (const char* text : {"", ":", "7", "7:", ":5", "7:x", "7:-5", "7:99999999999999999999"})
    EXPECT_EQ(parse_position(text, 7), 0) << text;
}

TEST(DutyRound, HandsOutOnceAndAgainWhatDoesNotMove) {
  DutyRound round;
  EXPECT_TRUE(round.hand_out(OrderId{1}, kNow));
  EXPECT_TRUE(round.hand_out(OrderId{2}, kNow));
  round.end();
  EXPECT_FALSE(round.hand_out(OrderId{1}, kNow + Span::seconds(10)));
  round.end();
  EXPECT_EQ(round.size(), 1U) << "the other one is finished";
  EXPECT_FALSE(round.hand_out(OrderId{1}, kNow + DutyRound::kPatience - Span{1}));
  EXPECT_TRUE(round.hand_out(OrderId{1}, kNow + DutyRound::kPatience));
  EXPECT_FALSE(round.hand_out(OrderId{1}, kNow + DutyRound::kPatience + Span::seconds(10)));
  EXPECT_TRUE(round.hand_out(OrderId{2}, kNow + Span::seconds(20))) << "it is unfinished anew";
}

TEST(LoadedOrder, StandsAsTheRecordSays) {
  store::FeedOrder order;
  order.id = OrderId{5};
  order.user = "ann";
  order.item = ItemNo{3};
  order.quantity = 3;
  order.amount = Money{300};
  order.created_at = kNow;
  order.expires_at = kNow + Span{7};
  order.request = {1, 2};
  const auto standing = [&](OrderStatus status, bool unit_sold, EndReason reason) {
    order.status = status;
    order.unit_sold = unit_sold;
    order.reason = reason;
    return loaded_form(order).standing;
  };
  EXPECT_EQ(standing(OrderStatus::awaiting_payment, false, EndReason::none), Standing::awaiting);
  EXPECT_EQ(standing(OrderStatus::closing, false, EndReason::deadline), Standing::awaiting);
  EXPECT_EQ(standing(OrderStatus::needs_person, false, EndReason::user), Standing::awaiting);
  EXPECT_EQ(standing(OrderStatus::paid, true, EndReason::none), Standing::sold);
  EXPECT_EQ(standing(OrderStatus::refunding, true, EndReason::operator_refund), Standing::sold);
  EXPECT_EQ(standing(OrderStatus::refunding, false, EndReason::late_money), Standing::released);
  EXPECT_EQ(standing(OrderStatus::refunded, false, EndReason::operator_refund), Standing::refunded);
  EXPECT_EQ(standing(OrderStatus::refunded, false, EndReason::late_money), Standing::released);
  EXPECT_EQ(standing(OrderStatus::expired, false, EndReason::deadline), Standing::released);
  EXPECT_EQ(standing(OrderStatus::cancelled, false, EndReason::user), Standing::released);

  const redis::Reservation loaded = loaded_form(order);
  EXPECT_EQ(loaded.id, order.id);
  EXPECT_EQ(loaded.user, "ann");
  EXPECT_EQ(loaded.item, ItemNo{3});
  EXPECT_EQ(loaded.quantity, 3);
  EXPECT_EQ(loaded.price, Money{100}) << "of one unit";
  EXPECT_EQ(loaded.created_at, kNow);
  EXPECT_EQ(loaded.expires_at, kNow + Span{7});
  EXPECT_EQ(loaded.request, order.request);
}

}  // namespace
}  // namespace sluice::cluster
