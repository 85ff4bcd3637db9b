// Grabbing and giving back: every outcome, each where all later ones would hold too.
#include <gmock/gmock.h>

#include <limits>

#include "sale/testing.h"

namespace sluice::sale {
namespace {

using testing::draft;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kEnd;
using testing::kHold;
using testing::kOpen;
using testing::World;

constexpr RequestKey kKey{1, 2};

/// One unit, held by "ann" through kKey: she is queued, at her limit, and nothing is left.
struct Everything : World {
  explicit Everything(std::int64_t limit = 1) : World({draft(1, limit), draft(5)}) {
    EXPECT_EQ(grab("ann", 0, 1, kKey), GrabOutcome::granted);
    first = state.order(slot).id;
  }
  void pause() { EXPECT_EQ(apply(PauseSale{{}, SaleNo{0}, true}), PauseSaleOutcome::changed); }
  void cancel_sale() { EXPECT_EQ(apply(CancelSale{{}, SaleNo{0}}), CancelSaleOutcome::cancelled); }
  OrderId first;
};

TEST(GrabOutcome, ReplayedBeforeEverything) {
  Everything world;
  world.pause();
  world.now = kEnd;
  EXPECT_EQ(world.grab("ann", 0, 1, kKey), GrabOutcome::replayed);
  EXPECT_EQ(world.state.order(world.slot).id, world.first);
  EXPECT_TRUE(world.effects.empty());
}

TEST(GrabOutcome, ReplayedWhateverBecameOfTheOrder) {
  Everything world;
  EXPECT_EQ(world.cancel("ann", world.first), CancelOutcome::cancelled);
  EXPECT_EQ(world.grab("ann", 0, 1, kKey), GrabOutcome::replayed);
  EXPECT_EQ(world.state.order(world.slot).status, OrderStatus::cancelled);
}

TEST(GrabOutcome, KeyMismatch) {
  Everything world;
  world.pause();
  world.now = kEnd;
  EXPECT_EQ(world.grab("ann", 1, 1, kKey), GrabOutcome::key_mismatch);
  EXPECT_EQ(world.slot, kNoOrder);
  EXPECT_EQ(world.grab("ann", 0, 2, kKey), GrabOutcome::key_mismatch);
  EXPECT_EQ(world.grab("ann", 0, 0, kKey), GrabOutcome::key_mismatch);
  EXPECT_EQ(world.grab("ann", 99, 1, kKey), GrabOutcome::key_mismatch);
  // The key stands for a user too; another's would mean a collision, and shows nothing.
  EXPECT_EQ(world.grab("bob", 0, 1, kKey), GrabOutcome::key_mismatch);
  EXPECT_EQ(world.slot, kNoOrder);
}

TEST(GrabOutcome, UnknownItem) {
  Everything world;
  EXPECT_EQ(world.grab("ann", 2, 0), GrabOutcome::unknown_item);
  EXPECT_EQ(world.grab("ann", 0xffff'ffff, 1), GrabOutcome::unknown_item);
}

TEST(GrabOutcome, InvalidQuantity) {
  Everything world;
  world.pause();
  world.now = kOpen - Span{1};
  for (const std::int64_t quantity :
       {std::int64_t{0}, std::int64_t{-1}, kMaxStock.units + 1, std::int64_t{1} << 31,
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_EQ(world.grab("ann", 0, quantity), GrabOutcome::invalid_quantity) << quantity;
  }
}

TEST(GrabOutcome, InvalidQuantityWhereTheAmountWouldOverflow) {
  ItemDraft dear = draft(kMaxStock.units, kMaxStock.units);
  dear.price = kMaxPrice;
  World world({dear});
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / kMaxPrice.minor;
  EXPECT_EQ(world.grab("ann", 0, most + 1), GrabOutcome::invalid_quantity);
  EXPECT_EQ(world.grab("ann", 0, most), GrabOutcome::granted);
  EXPECT_EQ(world.state.order(world.slot).amount.minor, most * kMaxPrice.minor);
}

TEST(GrabOutcome, NotStarted) {
  Everything world;
  world.pause();
  world.now = kOpen - Span{1};
  EXPECT_EQ(world.grab("ann"), GrabOutcome::not_started);
  EXPECT_EQ(world.grab("bob", 1), GrabOutcome::not_started);
}

TEST(GrabOutcome, Ended) {
  Everything world;
  world.pause();
  world.now = kEnd;
  EXPECT_EQ(world.grab("ann"), GrabOutcome::ended);
  EXPECT_EQ(world.grab("bob", 1), GrabOutcome::ended);
}

TEST(GrabOutcome, EndedByCancellationEvenBeforeTheStart) {
  Everything world;
  world.pause();
  world.cancel_sale();
  EXPECT_EQ(world.grab("bob", 1), GrabOutcome::ended);
  world.now = kOpen - Span{1};
  EXPECT_EQ(world.grab("bob", 1), GrabOutcome::ended);
}

TEST(GrabOutcome, PausedByTheOperator) {
  Everything world;
  world.pause();
  EXPECT_EQ(world.grab("ann"), GrabOutcome::paused);
  EXPECT_EQ(world.apply(PauseSale{{}, SaleNo{0}, false}), PauseSaleOutcome::changed);
  EXPECT_EQ(world.grab("bob", 1), GrabOutcome::granted);
}

TEST(GrabOutcome, AlreadyQueued) {
  Everything world;
  EXPECT_EQ(world.grab("ann"), GrabOutcome::already_queued);
  EXPECT_EQ(world.state.order(world.slot).id, world.first);
  // One unpaid order per sale, whichever item it is of.
  EXPECT_EQ(world.grab("ann", 1), GrabOutcome::already_queued);
  EXPECT_EQ(world.state.order(world.slot).id, world.first);
  EXPECT_TRUE(world.effects.empty());
}

TEST(GrabOutcome, AlreadyQueuedWhileClosingAndWhileAPersonIsNeeded) {
  Settings settings = testing::with_gateway();
  settings.max_close_attempts = 1;
  World world({draft(3, 3)}, settings);
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::closing);
  EXPECT_EQ(world.grab("ann"), GrabOutcome::already_queued);
  EXPECT_EQ(world.close(id, PaymentClosed::Answer::retry), PaymentClosedOutcome::needs_person);
  EXPECT_EQ(world.grab("ann"), GrabOutcome::already_queued);
}

TEST(GrabOutcome, AnotherSaleIsNotBlocked) {
  World world({draft(1)});
  SaleNo second;
  EXPECT_EQ(world.state.apply(testing::opening({draft(1)}), world.now, world.effects, second),
            OpenSaleOutcome::opened);
  world.win("ann", 0);
  world.win("ann", 1);
}

TEST(GrabOutcome, LimitReached) {
  Everything world;
  EXPECT_EQ(world.pay(world.first), PaymentOutcome::paid);
  EXPECT_EQ(world.grab("ann"), GrabOutcome::limit_reached);  // and nothing is left either
  EXPECT_EQ(world.slot, kNoOrder);
}

TEST(GrabOutcome, LimitCountsUnitsOfAllOrders) {
  World world({draft(10, 3)});
  EXPECT_EQ(world.grab("ann", 0, 4), GrabOutcome::limit_reached);
  EXPECT_EQ(world.pay(world.win("ann", 0, 2), "T1"), PaymentOutcome::paid);
  EXPECT_EQ(world.grab("ann", 0, 2), GrabOutcome::limit_reached);
  EXPECT_EQ(world.pay(world.win("ann", 0, 1), "T2"), PaymentOutcome::paid);
  EXPECT_EQ(world.grab("ann", 0, 1), GrabOutcome::limit_reached);
  EXPECT_EQ(world.units(), units(10, 7, 0, 3));
}

TEST(GrabOutcome, SoldOut) {
  Everything world(5);
  EXPECT_EQ(world.grab("bob"), GrabOutcome::sold_out);
  EXPECT_EQ(world.slot, kNoOrder);
  EXPECT_EQ(world.state.user_count(), 1U) << "a refusal leaves nothing behind";
  World several({draft(3, 9)});
  EXPECT_EQ(several.grab("bob", 0, 4), GrabOutcome::sold_out);
  EXPECT_EQ(several.grab("bob", 0, 3), GrabOutcome::granted);
}

TEST(GrabOutcome, Granted) {
  World world({draft(3, 2)});
  EXPECT_EQ(world.grab("ann", 0, 2, kKey), GrabOutcome::granted);
  const Order& order = world.state.order(world.slot);
  EXPECT_EQ(order.status, OrderStatus::awaiting_payment);
  EXPECT_EQ(order.amount, Money{2 * 1999});
  EXPECT_EQ(order.created_at, kOpen);
  EXPECT_EQ(order.expires_at, kOpen + kHold);
  EXPECT_EQ(order.quantity, 2);
  EXPECT_EQ(world.state.user_name(order.user), "ann");
  EXPECT_EQ(world.state.newest_order_of("ann"), world.slot);
  EXPECT_EQ(world.state.request_key(world.slot), kKey);
  EXPECT_EQ(world.units(), units(3, 1, 2, 0));
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::granted));
  EXPECT_THAT(world.effects.items, ElementsAre(ItemNo{0}));
  EXPECT_THAT(world.effects.alarms, IsEmpty());
}

TEST(Grab, AKeyIsRememberedOnlyOnceItMadeAnOrder) {
  World world({draft(1)});
  const OrderId anns = world.win("ann");
  EXPECT_EQ(world.grab("bob", 0, 1, kKey), GrabOutcome::sold_out);
  EXPECT_EQ(world.cancel("ann", anns), CancelOutcome::cancelled);
  EXPECT_EQ(world.grab("bob", 0, 1, kKey), GrabOutcome::granted);
  EXPECT_EQ(world.grab("bob", 0, 1, kKey), GrabOutcome::replayed);
}

TEST(Grab, ExpiryCountsAtDecisionTime) {
  World world({draft(1)});
  const OrderId old = world.win("ann");
  world.now = kOpen + kHold - Span{1};
  EXPECT_EQ(world.grab("ann"), GrabOutcome::already_queued);
  world.now = kOpen + kHold;
  EXPECT_EQ(world.grab("ann"), GrabOutcome::granted) << "no pulse has come by";
  EXPECT_EQ(world.status(old), OrderStatus::expired);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::expired, HistoryEvent::granted));
  EXPECT_EQ(world.units(), units(1, 0, 1, 0));
}

TEST(Grab, WithAGatewayOnlyTheProviderEndsAnOrder) {
  World world({draft(2, 2)}, testing::with_gateway());
  const OrderId old = world.win("ann");
  world.now = kOpen + kHold;
  EXPECT_EQ(world.grab("ann"), GrabOutcome::already_queued);
  EXPECT_EQ(world.status(old), OrderStatus::awaiting_payment);
}

TEST(Grab, TheDeadlineStaysWithinTheCalendar) {
  World world({draft(1)});
  SaleNo sale;
  OpenSale last = testing::opening({draft(1)});
  last.starts_at = kLastInstant - Span{10};
  last.ends_at = kLastInstant;
  EXPECT_EQ(world.state.apply(last, world.now, world.effects, sale), OpenSaleOutcome::opened);
  world.now = kLastInstant - Span{1};
  EXPECT_EQ(world.order(world.win("ann", 1)).expires_at, kLastInstant);
}

TEST(Grab, AHostileShopperCannotMakeGrabsSlow) {
  // Every grab and cancellation adds to the shopper's list of all orders, but the list of those
  // that count has one entry at most here, and that is what the checks walk.
  World world({draft(1)});
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(world.grab("eve"), GrabOutcome::granted);
    ASSERT_EQ(world.cancel("eve", world.state.order(world.slot).id), CancelOutcome::cancelled);
  }
  const auto& parts = StateTestAccess::parts(world.state);
  EXPECT_EQ(parts.users[UserNo{0}].counting, kNoOrder);
  const OrderId id = world.win("eve");
  EXPECT_EQ(parts.users[UserNo{0}].counting, world.state.find_order(id));
  EXPECT_EQ(world.order(id).next_counting, kNoOrder);
  // The list of all orders is complete all the same.
  std::uint32_t count = 0;
  for (OrderSlot at = world.state.newest_order_of("eve"); at != kNoOrder;
       at = world.state.order(at).previous_of_user) {
    ++count;
  }
  EXPECT_EQ(count, 100'001U);
}

// ---- giving back -------------------------------------------------------------------------------

TEST(CancelOutcome, UnknownOrderAlsoForAnothersOrder) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.cancel("ann", OrderId{12345}), CancelOutcome::unknown_order);
  EXPECT_EQ(world.cancel("bob", id), CancelOutcome::unknown_order);
  EXPECT_EQ(world.cancel("", id), CancelOutcome::unknown_order);
  EXPECT_EQ(world.status(id), OrderStatus::awaiting_payment);
}

TEST(CancelOutcome, AlreadyClosing) {
  Settings settings = testing::with_gateway();
  settings.max_close_attempts = 1;
  World world({draft(1)}, settings);
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::closing);
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::already_closing);
  EXPECT_TRUE(world.effects.empty());
  EXPECT_EQ(world.close(id, PaymentClosed::Answer::retry), PaymentClosedOutcome::needs_person);
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::already_closing);
}

TEST(CancelOutcome, AlreadyEnded) {
  World world({draft(2, 2)});
  const OrderId cancelled = world.win("ann");
  EXPECT_EQ(world.cancel("ann", cancelled), CancelOutcome::cancelled);
  EXPECT_EQ(world.cancel("ann", cancelled), CancelOutcome::already_ended);
  const OrderId expired = world.win("ann");
  world.now = kOpen + kHold + Span{64};
  world.pulse();
  EXPECT_EQ(world.cancel("ann", expired), CancelOutcome::already_ended);
  EXPECT_EQ(world.units(), units(2, 2, 0, 0)) << "stock returns once";
}

TEST(CancelOutcome, AlreadyPaid) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.pay(id), PaymentOutcome::paid);
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::already_paid);
  EXPECT_EQ(world.apply(Refund{{}, id}), RefundOutcome::refunding);
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::already_paid);
  EXPECT_EQ(world.apply(RefundFinished{id, true}), RefundFinishedOutcome::refunded);
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::already_paid);
}

TEST(CancelOutcome, ClosingWithAGateway) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::closing);
  EXPECT_EQ(world.order(id).reason, EndReason::user);
  EXPECT_EQ(world.units(), units(1, 0, 1, 0)) << "the unit stays held until the provider answers";
  ASSERT_EQ(world.effects.closes.size(), 1U);
  EXPECT_EQ(world.effects.closes[0].order, id);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::closing));
}

TEST(CancelOutcome, CancelledWithoutAGateway) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::cancelled);
  EXPECT_EQ(world.status(id), OrderStatus::cancelled);
  EXPECT_EQ(world.order(id).reason, EndReason::user);
  EXPECT_EQ(world.units(), units(1, 1, 0, 0));
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::cancelled));
  EXPECT_THAT(world.effects.closes, IsEmpty());
}

}  // namespace
}  // namespace sluice::sale
