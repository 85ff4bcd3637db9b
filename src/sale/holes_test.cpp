// The known holes of the tutorial's design, as far as the core can show that they are closed.
#include <gmock/gmock.h>

#include "sale/testing.h"

namespace sluice::sale {
namespace {

using testing::draft;
using ::testing::IsEmpty;
using testing::kHold;
using testing::kOpen;
using testing::restored;
using testing::World;

TEST(Holes, LastUnitsBuyerGetsAnOrderAndATimer) {
  World world({draft(3)});
  world.win("ann");
  world.win("bob");
  const OrderId last = world.win("cid");
  EXPECT_EQ(world.units(), units(3, 0, 3, 0));
  EXPECT_EQ(world.status(last), OrderStatus::awaiting_payment);
  world.now = kOpen + kHold;
  EXPECT_EQ(world.pulse().expired, 3U);
  EXPECT_EQ(world.status(last), OrderStatus::expired);
}

TEST(Holes, ReturnedStockIsOnSaleAgain) {
  World world({draft(1), draft(1)});
  const OrderId id = world.win("ann", 1);
  EXPECT_EQ(world.grab("bob", 1), GrabOutcome::sold_out);
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::cancelled);
  EXPECT_EQ(world.units(1), units(1, 1, 0, 0)) << "to the item it came from";
  EXPECT_EQ(world.units(0), units(1, 1, 0, 0));
  EXPECT_EQ(world.grab("bob", 1), GrabOutcome::granted);
}

TEST(Holes, RollbackReadsWhatItNeedsBeforeItForgets) {
  World world({draft(5, 3)});
  const OrderId id = world.win("ann", 0, 3);
  world.now = kOpen + kHold;
  world.pulse();
  EXPECT_EQ(world.units(), units(5, 5, 0, 0)) << "all three units came back";
  EXPECT_EQ(world.order(id).quantity, 3);
  EXPECT_EQ(world.state.user_name(world.order(id).user), "ann");
}

TEST(Holes, LateCallbackPaysItsOwnOrder) {
  World world({draft(5, 2)});
  const OrderId first = world.win("ann");
  world.now = kOpen + kHold;
  world.pulse();
  const OrderId second = world.win("ann");
  EXPECT_EQ(world.pay(first, "T1"), PaymentOutcome::paid_late);
  EXPECT_EQ(world.status(first), OrderStatus::paid);
  EXPECT_EQ(world.status(second), OrderStatus::awaiting_payment) << "not the one she has now";
  EXPECT_EQ(world.state.settlement(world.state.find_order(second)), nullptr);
}

TEST(Holes, TheResultOfClosingThePaymentCounts) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  world.now = kOpen + kHold;
  EXPECT_EQ(world.pulse().closing, 1U);
  EXPECT_EQ(world.grab("bob"), GrabOutcome::sold_out) << "the unit is not free on a guess";
  EXPECT_EQ(world.close(id, PaymentClosed::Answer::retry), PaymentClosedOutcome::retry_later);
  EXPECT_EQ(world.grab("bob"), GrabOutcome::sold_out);
  EXPECT_EQ(world.apply(PaymentClosed{id, PaymentClosed::Answer::already_paid, world.payment(id)}),
            PaymentClosedOutcome::paid);
  EXPECT_EQ(world.grab("bob"), GrabOutcome::sold_out);
  EXPECT_EQ(world.units(), units(1, 0, 0, 1));
}

TEST(Holes, ACrashNeitherLosesAUnitNorLocksTheShopperOut) {
  World world({draft(2)});
  const OrderId id = world.win("ann");
  Effects effects;
  State after = restored(world.state, world.settings, world.now, effects);
  EXPECT_EQ(after.items()[0].counters, units(2, 1, 1, 0));
  OrderSlot slot = kNoOrder;
  EXPECT_EQ(after.apply(Grab{"ann", ItemNo{0}, 1, {}}, world.now, effects, slot),
            GrabOutcome::already_queued)
      << "she has her order";
  EXPECT_EQ(after.order(slot).id, id);
  EXPECT_EQ(after.apply(CancelByUser{"ann", id}, world.now, effects), CancelOutcome::cancelled);
  EXPECT_EQ(after.apply(Grab{"ann", ItemNo{0}, 1, {}}, world.now, effects, slot),
            GrabOutcome::granted);
}

TEST(Holes, LimitOutlivesPayment) {
  World world({draft(5)});
  EXPECT_EQ(world.pay(world.win("ann")), PaymentOutcome::paid);
  EXPECT_EQ(world.grab("ann"), GrabOutcome::limit_reached);
  Effects effects;
  State after = restored(world.state, world.settings, world.now, effects);
  OrderSlot slot = kNoOrder;
  EXPECT_EQ(after.apply(Grab{"ann", ItemNo{0}, 1, {}}, world.now, effects, slot),
            GrabOutcome::limit_reached);
}

TEST(Holes, RestoringNeverLoadsFullStockAgain) {
  World world({draft(3)});
  world.win("ann");
  EXPECT_EQ(world.pay(world.win("bob")), PaymentOutcome::paid);
  Effects effects;
  const State after = restored(world.state, world.settings, world.now, effects);
  EXPECT_EQ(after.items()[0].counters, units(3, 1, 1, 1));
  EXPECT_THAT(effects.alarms, IsEmpty());
}

TEST(Holes, MoneyForACodeThatOutlivedTheHoldIsNotLost) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  world.now = kOpen + kHold;
  world.pulse();
  world.win("bob");
  EXPECT_EQ(world.apply(BeginPayment{"ann", id}), BeginPaymentOutcome::not_awaiting);
  EXPECT_EQ(world.pay(id), PaymentOutcome::refund_due) << "refunded, since the unit is bob's";
  EXPECT_EQ(world.units(), units(1, 0, 1, 0));
}

TEST(Holes, AShortHoldIsNotStuckBehindALongOne) {
  World world({draft(5)});
  const OrderId patient = world.win("ann");
  EXPECT_EQ(world.apply(ChangeSale{{}, SaleNo{0}, {}, {}, {}, Span::seconds(5)}),
            ChangeSaleOutcome::changed);
  const OrderId hasty = world.win("bob");
  world.now = kOpen + Span::seconds(6);
  EXPECT_EQ(world.pulse().expired, 1U);
  EXPECT_EQ(world.status(hasty), OrderStatus::expired);
  EXPECT_EQ(world.status(patient), OrderStatus::awaiting_payment);
}

TEST(Holes, StockIsNotTakenBeforeTheDuplicateCheck) {
  World world({draft(5, 5)});
  world.win("ann");
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(world.grab("ann"), GrabOutcome::already_queued);
  EXPECT_EQ(world.units(), units(5, 4, 1, 0));
}

TEST(Holes, SoldOutIsNotSticky) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.grab("bob"), GrabOutcome::sold_out);
  world.now = kOpen + kHold;
  world.pulse();
  EXPECT_EQ(world.status(id), OrderStatus::expired);
  EXPECT_EQ(world.grab("bob"), GrabOutcome::granted);
}

TEST(Holes, ARepeatedCallbackAppliesOnce) {
  World world({draft(5)});
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.pay(id, "T1"), PaymentOutcome::paid);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(world.pay(id, "T1"), PaymentOutcome::already_applied);
  EXPECT_EQ(world.units(), units(5, 4, 0, 1));
}

TEST(Holes, CallbackAtTheDeadlineAndAround) {
  for (const std::int64_t offset : {-1, 0, 1}) {
    World world({draft(1)});
    const OrderId id = world.win("ann");
    world.now = world.order(id).expires_at + Span{offset};
    EXPECT_EQ(world.pay(id), PaymentOutcome::paid) << offset;
    world.now = world.now + Span{64};
    EXPECT_EQ(world.pulse().expired, 0U);
    EXPECT_EQ(world.units(), units(1, 0, 0, 1));
  }
}

}  // namespace
}  // namespace sluice::sale
