// Time passing: deadlines, budgets, retries and cancelled sales.
#include <gmock/gmock.h>

#include "sale/testing.h"

namespace sluice::sale {
namespace {

using testing::draft;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kHold;
using testing::kOpen;
using testing::World;

TEST(Pulse, ExpiresNothingEarlyAndEverythingWithin63Ms) {
  for (std::int64_t offset = 0; offset < 130; ++offset) {
    World world({draft(1)});
    world.now = kOpen + Span{offset};
    const OrderId id = world.win("ann");
    const Instant deadline = world.order(id).expires_at;
    const Instant next = world.state.next_pulse().value();
    EXPECT_GE(next, deadline) << offset;
    EXPECT_LE(next, deadline + Span{63}) << offset;
    world.now = next - Span{1};
    EXPECT_EQ(world.pulse().expired, 0U) << offset;
    world.now = next;
    EXPECT_EQ(world.pulse().expired, 1U) << offset;
    EXPECT_EQ(world.status(id), OrderStatus::expired);
    EXPECT_EQ(world.order(id).reason, EndReason::deadline);
    EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::expired));
    EXPECT_EQ(world.units(), units(1, 1, 0, 0));
    EXPECT_EQ(world.state.next_pulse(), std::nullopt);
  }
}

TEST(Pulse, NothingToDoChangesNothing) {
  World world({draft(1)});
  EXPECT_EQ(world.state.next_pulse(), std::nullopt);
  world.win("ann");
  const PulseOutcome outcome = world.pulse();
  EXPECT_EQ(outcome.expired + outcome.closing, 0U);
  EXPECT_FALSE(outcome.more);
  EXPECT_TRUE(world.effects.empty());
}

TEST(Pulse, ProcessesABucketInOrderOfCreation) {
  World world({draft(20)});
  std::vector<OrderSlot> expected;
  for (int i = 0; i < 20; ++i) {
    world.win("user" + std::to_string(i));
    expected.push_back(world.slot);
  }
  world.now = kOpen + kHold;
  world.pulse();
  std::vector<OrderSlot> order;
  order.reserve(world.effects.orders.size());
  for (const OrderChange& change : world.effects.orders)
    order.push_back(change.slot);
  EXPECT_EQ(order, expected);
}

TEST(Pulse, StopsAtItsBudgetAndSaysSo) {
  World world({draft(10)});
  for (int i = 0; i < 10; ++i)
    world.win("user" + std::to_string(i));
  world.now = kOpen + kHold;
  PulseOutcome outcome = world.pulse(0);
  EXPECT_EQ(outcome.expired, 0U);
  EXPECT_TRUE(outcome.more);
  outcome = world.pulse(4);
  EXPECT_EQ(outcome.expired, 4U);
  EXPECT_TRUE(outcome.more);
  outcome = world.pulse(4);
  EXPECT_EQ(outcome.expired, 4U);
  EXPECT_TRUE(outcome.more);
  outcome = world.pulse(4);
  EXPECT_EQ(outcome.expired, 2U);
  EXPECT_FALSE(outcome.more);
  EXPECT_EQ(world.units(), units(10, 10, 0, 0));
}

TEST(Pulse, SkippingWhatIsSettledIsBoundedToo) {
  World world({draft(1000)});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(world.pay(world.win("user" + std::to_string(i)), "T" + std::to_string(i)),
              PaymentOutcome::paid);
  }
  world.now = kOpen + kHold;
  int pulses = 0;
  while (world.pulse(1).more)
    ++pulses;
  EXPECT_GE(pulses, 1000 / 64);
  EXPECT_LE(pulses, 1000 / 32);
  EXPECT_EQ(world.state.next_pulse(), std::nullopt);
  EXPECT_EQ(world.units(), units(1000, 0, 0, 1000));
}

TEST(Pulse, AnOrderGrantedAfterTheClockWentBackIsInTime) {
  World world({draft(2)});
  world.now = kOpen + Span::seconds(600);
  const OrderId late = world.win("ann");
  world.now = kOpen;
  const OrderId early = world.win("bob");
  EXPECT_GT(early, late) << "ids only grow";
  world.now = kOpen + kHold;
  EXPECT_EQ(world.pulse().expired, 1U);
  EXPECT_EQ(world.status(early), OrderStatus::expired);
  EXPECT_EQ(world.status(late), OrderStatus::awaiting_payment);
}

TEST(Pulse, WithAGatewayAsksTheProviderFirst) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  world.now = kOpen + kHold;
  const PulseOutcome outcome = world.pulse();
  EXPECT_EQ(outcome.closing, 1U);
  EXPECT_EQ(outcome.expired, 0U);
  EXPECT_EQ(world.status(id), OrderStatus::closing);
  ASSERT_EQ(world.effects.closes.size(), 1U);
  EXPECT_EQ(world.effects.closes[0].order, id);
  EXPECT_EQ(world.units(), units(1, 0, 1, 0));
  EXPECT_EQ(world.pulse().closing, 0U);
  EXPECT_THAT(world.effects.closes, IsEmpty());
}

TEST(Pulse, RetriesCountAgainstTheBudget) {
  World world({draft(4)}, testing::with_gateway());
  for (int i = 0; i < 4; ++i) {
    const std::string user = "user" + std::to_string(i);
    const OrderId id = world.win(user);
    world.cancel(user, id);
    EXPECT_EQ(world.close(id, PaymentClosed::Answer::retry), PaymentClosedOutcome::retry_later);
  }
  world.now = kOpen + world.settings.first_close_retry;
  EXPECT_TRUE(world.pulse(3).more);
  EXPECT_EQ(world.effects.closes.size(), 3U);
  EXPECT_FALSE(world.pulse(3).more);
  EXPECT_EQ(world.effects.closes.size(), 1U);
}

TEST(Pulse, GivesUpTheOrdersOfACancelledSaleOnly) {
  World world({draft(5)});
  SaleNo second;
  EXPECT_EQ(world.state.apply(testing::opening({draft(5)}), world.now, world.effects, second),
            OpenSaleOutcome::opened);
  const OrderId awaiting = world.win("ann", 0);
  const OrderId paid = world.win("bob", 0);
  const OrderId other = world.win("ann", 1);
  EXPECT_EQ(world.pay(paid), PaymentOutcome::paid);
  EXPECT_EQ(world.apply(CancelSale{{}, SaleNo{0}}), CancelSaleOutcome::cancelled);
  EXPECT_EQ(world.status(awaiting), OrderStatus::awaiting_payment) << "until the next pulse";
  EXPECT_LE(world.state.next_pulse().value(), world.now);
  const PulseOutcome outcome = world.pulse();
  EXPECT_EQ(outcome.expired, 1U);
  EXPECT_FALSE(outcome.more);
  EXPECT_EQ(world.status(awaiting), OrderStatus::cancelled);
  EXPECT_EQ(world.order(awaiting).reason, EndReason::sale_cancelled);
  EXPECT_EQ(world.status(paid), OrderStatus::paid);
  EXPECT_EQ(world.status(other), OrderStatus::awaiting_payment);
  EXPECT_EQ(world.units(0), units(5, 4, 0, 1));
}

TEST(Pulse, MoneyStillWinsInACancelledSaleWhileTheUnitIsHeld) {
  World world({draft(5)}, testing::with_gateway());
  const OrderId before_pulse = world.win("ann");
  const OrderId after_pulse = world.win("bob");
  EXPECT_EQ(world.apply(CancelSale{{}, SaleNo{0}}), CancelSaleOutcome::cancelled);
  EXPECT_EQ(world.pay(before_pulse, "T1"), PaymentOutcome::paid);
  EXPECT_EQ(world.pulse().closing, 1U);
  EXPECT_EQ(world.pay(after_pulse, "T2"), PaymentOutcome::paid);
}

TEST(Pulse, SweepsACancelledSaleWithinTheBudget) {
  World world({draft(200)});
  for (int i = 0; i < 200; ++i)
    world.win("user" + std::to_string(i));
  EXPECT_EQ(world.apply(CancelSale{{}, SaleNo{0}}), CancelSaleOutcome::cancelled);
  std::uint32_t given_up = 0;
  for (int pulses = 0; pulses < 20; ++pulses) {
    const PulseOutcome outcome = world.pulse(10);
    EXPECT_EQ(outcome.expired, 10U);
    EXPECT_EQ(outcome.more, pulses < 19);
    given_up += outcome.expired;
  }
  EXPECT_EQ(given_up, 200U);
  EXPECT_EQ(world.units(), units(200, 200, 0, 0));
}

TEST(Pulse, ASecondCancelledSaleRestartsTheSweep) {
  World world({draft(100)});
  SaleNo second;
  EXPECT_EQ(world.state.apply(testing::opening({draft(100)}), world.now, world.effects, second),
            OpenSaleOutcome::opened);
  for (int i = 0; i < 100; ++i) {
    world.win("user" + std::to_string(i), 1);
    world.win("user" + std::to_string(i), 0);
  }
  EXPECT_EQ(world.apply(CancelSale{{}, SaleNo{0}}), CancelSaleOutcome::cancelled);
  world.pulse(50);  // half way
  EXPECT_EQ(world.apply(CancelSale{{}, SaleNo{1}}), CancelSaleOutcome::cancelled);
  while (world.pulse(50).more) {
  }
  EXPECT_EQ(world.units(0), units(100, 100, 0, 0));
  EXPECT_EQ(world.units(1), units(100, 100, 0, 0));
}

TEST(Pulse, AHundredThousandDueAtOnceComeInBoundedSteps) {
  constexpr std::int64_t many = 100'000;
  World world({draft(many)});
  for (std::int64_t i = 0; i < many; ++i)
    world.win("u" + std::to_string(i));
  world.now = kOpen + kHold;
  std::uint32_t expired = 0;
  bool more = true;
  while (more) {
    const PulseOutcome outcome = world.pulse();
    EXPECT_LE(outcome.expired, Pulse{}.most);
    expired += outcome.expired;
    more = outcome.more;
  }
  EXPECT_EQ(expired, many);
  EXPECT_EQ(world.units(), units(many, many, 0, 0));
}

}  // namespace
}  // namespace sluice::sale
