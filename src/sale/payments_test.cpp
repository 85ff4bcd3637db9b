// Payments, closings and refunds: every outcome, each where later ones would hold too.
#include <gmock/gmock.h>

#include "sale/testing.h"

namespace sluice::sale {
namespace {

using testing::draft;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kHold;
using testing::kOpen;
using testing::World;
using Answer = PaymentClosed::Answer;

constexpr OrderId kNobodys{12345};

/// One unit, given up by ann before she paid.
struct GivenUp : World {
  explicit GivenUp(std::vector<ItemDraft> items = {draft(1)}) : World(std::move(items)) {
    id = win("ann");
    EXPECT_EQ(cancel("ann", id), CancelOutcome::cancelled);
  }
  OrderId id;
};

/// An order of ann's in `closing` behind a gateway.
struct Closing : World {
  explicit Closing(std::uint8_t attempts = 3) : World({draft(2, 2)}, patient(attempts)) {
    id = win("ann");
    EXPECT_EQ(cancel("ann", id), CancelOutcome::closing);
  }
  static Settings patient(std::uint8_t attempts) {
    Settings settings = testing::with_gateway();
    settings.max_close_attempts = attempts;
    return settings;
  }
  PaymentClosedOutcome already_paid(const PaymentSucceeded& payment) {
    return apply(PaymentClosed{id, Answer::already_paid, payment});
  }
  OrderId id;
};

// ---- begin -------------------------------------------------------------------------------------

TEST(BeginPaymentOutcome, InOrder) {
  World world({draft(2, 2)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  world.now = kOpen + kHold;
  EXPECT_EQ(world.apply(BeginPayment{"ann", kNobodys}), BeginPaymentOutcome::unknown_order);
  EXPECT_EQ(world.apply(BeginPayment{"bob", id}), BeginPaymentOutcome::unknown_order);
  EXPECT_EQ(world.apply(BeginPayment{"ann", id}), BeginPaymentOutcome::past_deadline);
  world.now = kOpen + kHold - Span{1};
  EXPECT_EQ(world.apply(BeginPayment{"ann", id}), BeginPaymentOutcome::begun);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::payment_begun));
  EXPECT_EQ(world.apply(BeginPayment{"ann", id}), BeginPaymentOutcome::begun) << "repeatable";
  world.cancel("ann", id);
  world.now = kOpen + kHold;
  EXPECT_EQ(world.apply(BeginPayment{"ann", id}), BeginPaymentOutcome::not_awaiting);
  EXPECT_TRUE(world.effects.empty());
}

// ---- money -------------------------------------------------------------------------------------

TEST(PaymentOutcome, UnknownOrder) {
  World world({draft(1)});
  EXPECT_EQ(world.pay(kNobodys), PaymentOutcome::unknown_order);
  EXPECT_TRUE(world.effects.empty());
}

TEST(PaymentOutcome, CurrencyMismatchBeforeAmountMismatch) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  PaymentSucceeded payment = world.payment(id);
  payment.currency = Currency::parse("JPY").value();
  payment.amount = Money{1};
  EXPECT_EQ(world.apply(payment), PaymentOutcome::currency_mismatch);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::currency_mismatch));
  EXPECT_THAT(world.effects.orders[0].detail, HasSubstr("JPY instead of CNY"));
  EXPECT_THAT(world.effects.alarms, ElementsAre(HasSubstr(to_text(id))));
  EXPECT_EQ(world.status(id), OrderStatus::awaiting_payment);
  EXPECT_EQ(world.state.settlement(world.slot), nullptr);
}

TEST(PaymentOutcome, AmountMismatchBeforeWhatTheOrderIs) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  PaymentSucceeded payment = world.payment(id);
  for (const std::int64_t minor : {0, -1999, 1, 1998, 2000, 19990}) {
    payment.amount = Money{minor};
    EXPECT_EQ(world.apply(payment), PaymentOutcome::amount_mismatch) << minor;
    EXPECT_EQ(world.status(id), OrderStatus::awaiting_payment);
    EXPECT_EQ(world.effects.alarms.size(), 1U);
  }
  EXPECT_THAT(world.effects.orders[0].detail, HasSubstr("199.90 instead of 19.99"));
  // Also of the transaction that settled it, and of an order that was given up.
  EXPECT_EQ(world.pay(id), PaymentOutcome::paid);
  EXPECT_EQ(world.apply(payment), PaymentOutcome::amount_mismatch);
  EXPECT_EQ(world.units(), units(1, 0, 0, 1));
}

TEST(PaymentOutcome, IncidentsQuoteWhatStrangersWrote) {
  World world({draft(1)});
  PaymentSucceeded payment = world.payment(world.win("ann"), "T\n\x1b[31m1");
  payment.amount = Money{1};
  EXPECT_EQ(world.apply(payment), PaymentOutcome::amount_mismatch);
  EXPECT_THAT(world.effects.alarms, ElementsAre(HasSubstr("\"T??[31m1\"")));
  EXPECT_THAT(world.effects.orders[0].detail, HasSubstr("\"T??[31m1\""));
}

TEST(PaymentOutcome, AlreadyApplied) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.pay(id, "T1"), PaymentOutcome::paid);
  const auto expect_nothing = [&] {
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t before = world.state.digest();
      EXPECT_EQ(world.pay(id, "T1"), PaymentOutcome::already_applied);
      EXPECT_TRUE(world.effects.empty());
      EXPECT_EQ(world.state.digest(), before);
    }
  };
  expect_nothing();
  EXPECT_EQ(world.apply(Refund{{}, id}), RefundOutcome::refunding);
  expect_nothing();
  EXPECT_EQ(world.apply(RefundFinished{id, true}), RefundFinishedOutcome::refunded);
  expect_nothing();
}

TEST(PaymentOutcome, SecondTransaction) {
  World world({draft(2, 2)});
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.pay(id, "T1"), PaymentOutcome::paid);
  EXPECT_EQ(world.pay(id, "T2"), PaymentOutcome::second_transaction);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::second_transaction));
  EXPECT_THAT(world.effects.alarms, ElementsAre(HasSubstr("\"T2\"")));
  EXPECT_EQ(world.state.settlement(0)->transaction_id, "T1");
  EXPECT_EQ(world.units(), units(2, 1, 0, 1));
}

TEST(PaymentOutcome, TransactionReused) {
  World world({draft(3, 3)}, testing::with_gateway());
  const OrderId anns = world.win("ann");
  EXPECT_EQ(world.pay(anns, "T1"), PaymentOutcome::paid);
  const OrderId bobs = world.win("bob");
  EXPECT_EQ(world.pay(bobs, "T1"), PaymentOutcome::transaction_reused);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::second_transaction));
  EXPECT_THAT(world.effects.orders[0].detail, HasSubstr("it settled order " + to_text(anns)));
  EXPECT_THAT(world.effects.alarms, ElementsAre(HasSubstr(to_text(bobs))));
  EXPECT_EQ(world.status(bobs), OrderStatus::awaiting_payment);
  EXPECT_EQ(world.units(), units(3, 1, 1, 1));
  // What is wrong with the amount, or with the order, is said first.
  PaymentSucceeded wrong = world.payment(bobs, "T1");
  wrong.amount = Money{1};
  EXPECT_EQ(world.apply(wrong), PaymentOutcome::amount_mismatch);
  EXPECT_EQ(world.pay(bobs, "T2"), PaymentOutcome::paid);
  EXPECT_EQ(world.pay(bobs, "T1"), PaymentOutcome::second_transaction);
  EXPECT_EQ(world.pay(anns, "T1"), PaymentOutcome::already_applied) << "its own, as ever";
  // Money of an order that was given up, or refunded, stays that order's too.
  const OrderId given_up = world.win("eve");
  EXPECT_EQ(world.cancel("eve", given_up), CancelOutcome::closing);
  EXPECT_EQ(world.close(given_up, Answer::closed), PaymentClosedOutcome::cancelled);
  EXPECT_EQ(world.pay(given_up, "T1"), PaymentOutcome::transaction_reused);
  EXPECT_EQ(world.status(given_up), OrderStatus::cancelled);
}

TEST(PaymentOutcome, TransactionReusedAlsoAfterRecovery) {
  World world({draft(3, 3)}, testing::with_gateway());
  EXPECT_EQ(world.pay(world.win("ann"), "T1"), PaymentOutcome::paid);
  const OrderId bobs = world.win("bob");
  Effects effects;
  State copy = testing::restored(world.state, world.settings, world.now, effects);
  EXPECT_EQ(copy.apply(world.payment(bobs, "T1"), world.now, effects),
            PaymentOutcome::transaction_reused);
}

// The deadline is the core's: until it acted on it the unit is held, and money in time counts.
TEST(PaymentOutcome, AroundTheDeadlineWhileTheUnitIsHeld) {
  for (const bool has_gateway : {false, true}) {
    for (const std::int64_t off_ms : {-1, 0, 1}) {
      Settings settings;
      settings.has_gateway = has_gateway;
      World world({draft(1)}, settings);
      const OrderId id = world.win("ann");
      world.now = kOpen + kHold + Span{off_ms};
      EXPECT_EQ(world.pay(id), PaymentOutcome::paid) << off_ms;
      EXPECT_EQ(world.units(), units(1, 0, 0, 1));
      world.now = world.now + Span::seconds(60);
      world.pulse();
      EXPECT_EQ(world.status(id), OrderStatus::paid);
    }
  }
}

TEST(PaymentOutcome, AroundTheDeadlineAfterThePulse) {
  // A pulse at the deadline's bucket gives the order up; a millisecond before, nothing is due.
  for (const std::int64_t off_ms : {-1, 0, 1}) {
    World world({draft(1)}, testing::with_gateway());
    const OrderId id = world.win("ann");
    world.now = kOpen + kHold + Span{off_ms};
    world.pulse();
    const bool given_up = off_ms >= 0;
    EXPECT_EQ(world.status(id), given_up ? OrderStatus::closing : OrderStatus::awaiting_payment)
        << off_ms;
    EXPECT_EQ(world.pay(id), PaymentOutcome::paid) << "held while closing too: " << off_ms;
    EXPECT_EQ(world.close(id, Answer::closed), PaymentClosedOutcome::not_closing);
    EXPECT_EQ(world.units(), units(1, 0, 0, 1));
  }
}

TEST(PaymentOutcome, AroundTheDeadlineWithoutAGatewayALaterPaymentIsLate) {
  for (const std::int64_t off_ms : {0, 1}) {
    World world({draft(1)});
    const OrderId id = world.win("ann");
    world.now = kOpen + kHold + Span{off_ms};
    world.pulse();
    EXPECT_EQ(world.status(id), OrderStatus::expired);
    EXPECT_EQ(world.pay(id), PaymentOutcome::paid_late);
  }
}

TEST(PaymentOutcome, PaidWhileTheUnitIsHeld) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  world.now = kOpen + kHold + Span::seconds(3600);  // far past the deadline, but not expired yet
  EXPECT_EQ(world.pay(id, "T1"), PaymentOutcome::paid);
  EXPECT_EQ(world.status(id), OrderStatus::paid);
  EXPECT_TRUE(world.order(id).unit_sold);
  EXPECT_EQ(world.units(), units(1, 0, 0, 1));
  ASSERT_NE(world.state.settlement(0), nullptr);
  EXPECT_EQ(world.state.settlement(0)->transaction_id, "T1");
  EXPECT_EQ(world.state.settlement(0)->paid_at, world.now);
  EXPECT_EQ(world.state.settlement(0)->amount, Money{1999});
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::paid));
  EXPECT_EQ(world.effects.orders[0].detail, "T1");
  world.pulse();
  EXPECT_EQ(world.status(id), OrderStatus::paid) << "its deadline is over and means nothing";
}

TEST(PaymentOutcome, PaidWhileClosingOrWaitingForAPerson) {
  Closing closing;
  EXPECT_EQ(closing.pay(closing.id), PaymentOutcome::paid);
  EXPECT_EQ(closing.order(closing.id).reason, EndReason::none);
  Closing stuck(1);
  EXPECT_EQ(stuck.close(stuck.id, Answer::retry), PaymentClosedOutcome::needs_person);
  EXPECT_EQ(stuck.pay(stuck.id), PaymentOutcome::paid);
  EXPECT_EQ(stuck.units(), units(2, 1, 0, 1));
}

TEST(PaymentOutcome, PaidLate) {
  GivenUp world;
  EXPECT_EQ(world.pay(world.id), PaymentOutcome::paid_late);
  EXPECT_EQ(world.status(world.id), OrderStatus::paid);
  EXPECT_EQ(world.order(world.id).reason, EndReason::none);
  EXPECT_EQ(world.units(), units(1, 0, 0, 1));
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::paid_late));
  EXPECT_EQ(world.pay(world.id), PaymentOutcome::already_applied);
  EXPECT_EQ(world.grab("ann"), GrabOutcome::limit_reached);
}

TEST(PaymentOutcome, PaidLateAfterTheEndAndWhilePaused) {
  GivenUp world;
  EXPECT_EQ(world.apply(PauseSale{{}, SaleNo{0}, true}), PauseSaleOutcome::changed);
  world.now = testing::kEnd + Span::seconds(86'400);
  EXPECT_EQ(world.pay(world.id), PaymentOutcome::paid_late);
}

void expect_refund(World& world, OrderId id) {
  EXPECT_EQ(world.pay(id, "T9"), PaymentOutcome::refund_due);
  EXPECT_EQ(world.status(id), OrderStatus::refunding);
  EXPECT_EQ(world.order(id).reason, EndReason::late_money);
  EXPECT_FALSE(world.order(id).unit_sold);
  ASSERT_EQ(world.effects.refunds.size(), 1U);
  EXPECT_EQ(world.effects.refunds[0].order, id);
  EXPECT_EQ(world.effects.refunds[0].transaction_id, "T9");
  EXPECT_EQ(world.effects.refunds[0].amount, Money{1999});
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::refund_begun));
  EXPECT_EQ(world.pay(id, "T9"), PaymentOutcome::already_applied);
  EXPECT_THAT(world.effects.refunds, IsEmpty()) << "refunded once";
}

TEST(PaymentOutcome, RefundDueWhereNoUnitIsFree) {
  GivenUp world;
  world.win("bob");
  expect_refund(world, world.id);
  EXPECT_EQ(world.units(), units(1, 0, 1, 0));
}

TEST(PaymentOutcome, RefundDueWhereTheSaleWasCancelled) {
  GivenUp world;
  EXPECT_EQ(world.apply(CancelSale{{}, SaleNo{0}}), CancelSaleOutcome::cancelled);
  expect_refund(world, world.id);
}

TEST(PaymentOutcome, RefundDueWhereTheLimitIsReached) {
  GivenUp world({draft(5)});
  world.win("ann");
  expect_refund(world, world.id);
  EXPECT_EQ(world.units(), units(5, 4, 1, 0));
}

TEST(PaymentOutcome, RefundDueWhereTheItemIsFrozen) {
  GivenUp world({draft(5)});
  StateTestAccess::counters(world.state, ItemNo{0}).held += Quantity{1};
  EXPECT_EQ(world.grab("bob"), GrabOutcome::granted);
  EXPECT_TRUE(world.state.items()[0].frozen);
  expect_refund(world, world.id);
}

TEST(PaymentDeathTest, APaymentWithoutANumberIsTheCallersMistake) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  EXPECT_DEATH(world.pay(id, ""), "without a number");
}

// ---- failed ------------------------------------------------------------------------------------

TEST(PaymentFailedOutcome, InOrder) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.apply(PaymentFailed{kNobodys}), PaymentFailedOutcome::unknown_order);
  EXPECT_EQ(world.apply(PaymentFailed{id}), PaymentFailedOutcome::cancelled);
  EXPECT_EQ(world.order(id).reason, EndReason::payment_failed);
  EXPECT_EQ(world.units(), units(1, 1, 0, 0));
  EXPECT_EQ(world.apply(PaymentFailed{id}), PaymentFailedOutcome::not_awaiting);
  EXPECT_EQ(world.units(), units(1, 1, 0, 0));
}

TEST(PaymentFailedOutcome, ClosingWithAGateway) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.apply(PaymentFailed{id}), PaymentFailedOutcome::closing);
  EXPECT_EQ(world.effects.closes.size(), 1U);
  EXPECT_EQ(world.apply(PaymentFailed{id}), PaymentFailedOutcome::not_awaiting);
  EXPECT_EQ(world.close(id, Answer::closed), PaymentClosedOutcome::cancelled);
}

// ---- closing -----------------------------------------------------------------------------------

TEST(PaymentClosedOutcome, UnknownOrder) {
  World world({draft(1)});
  EXPECT_EQ(world.close(kNobodys, Answer::closed), PaymentClosedOutcome::unknown_order);
}

TEST(PaymentClosedOutcome, NotClosing) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  for (const Answer answer : {Answer::closed, Answer::already_paid, Answer::retry}) {
    EXPECT_EQ(world.close(id, answer), PaymentClosedOutcome::not_closing);
    EXPECT_TRUE(world.effects.empty());
  }
  EXPECT_EQ(world.cancel("ann", id), CancelOutcome::closing);
  EXPECT_EQ(world.close(id, Answer::closed), PaymentClosedOutcome::cancelled);
  EXPECT_EQ(world.close(id, Answer::closed), PaymentClosedOutcome::not_closing);
  EXPECT_EQ(world.units(), units(1, 1, 0, 0)) << "stock returns once";
}

TEST(PaymentClosedOutcome, PaymentRefused) {
  Closing world;
  const PaymentSucceeded good = world.payment(world.id);
  PaymentSucceeded of_another = good, amount = good, currency = good, number = good;
  of_another.order = kNobodys;
  amount.amount = Money{1};
  currency.currency = Currency::parse("USD").value();
  number.transaction_id.clear();
  EXPECT_EQ(world.close(world.id, Answer::already_paid), PaymentClosedOutcome::payment_refused);
  EXPECT_THAT(world.events(),
              ElementsAre(HistoryEvent::payment_refused, HistoryEvent::close_retried));
  EXPECT_EQ(world.effects.alarms.size(), 1U);
  EXPECT_EQ(world.status(world.id), OrderStatus::closing);
  EXPECT_EQ(world.pay(world.win("bob"), "T-bob"), PaymentOutcome::paid);
  PaymentSucceeded reused = good;
  reused.transaction_id = "T-bob";
  EXPECT_EQ(world.already_paid(amount), PaymentClosedOutcome::payment_refused);
  EXPECT_THAT(world.events(),
              ElementsAre(HistoryEvent::payment_refused, HistoryEvent::needs_person))
      << "asking again would not make it fit";
  EXPECT_EQ(world.status(world.id), OrderStatus::needs_person);
  world.now = world.now + Span::seconds(3600);
  world.pulse();
  EXPECT_THAT(world.effects.closes, IsEmpty());
  // A person sees it; a good answer still counts.
  for (const PaymentSucceeded& bad : {of_another, amount, currency, number, reused}) {
    EXPECT_EQ(world.already_paid(bad), PaymentClosedOutcome::payment_refused);
    EXPECT_EQ(world.units(), units(2, 0, 1, 1));
  }
  EXPECT_EQ(world.already_paid(good), PaymentClosedOutcome::paid);
}

TEST(PaymentClosedOutcome, Paid) {
  Closing world;
  EXPECT_EQ(world.already_paid(world.payment(world.id, "T7")), PaymentClosedOutcome::paid);
  EXPECT_EQ(world.status(world.id), OrderStatus::paid);
  EXPECT_EQ(world.state.settlement(0)->transaction_id, "T7");
  EXPECT_EQ(world.units(), units(2, 1, 0, 1));
  EXPECT_EQ(world.pay(world.id, "T7"), PaymentOutcome::already_applied);
}

TEST(PaymentClosedOutcome, ExpiredOrCancelledByItsReason) {
  World world({draft(2, 2)}, testing::with_gateway());
  const OrderId expired = world.win("ann");
  world.now = kOpen + kHold;
  EXPECT_EQ(world.pulse().closing, 1U);
  EXPECT_EQ(world.order(expired).reason, EndReason::deadline);
  EXPECT_EQ(world.close(expired, Answer::closed), PaymentClosedOutcome::expired);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::expired));
  const OrderId cancelled = world.win("ann");
  EXPECT_EQ(world.cancel("ann", cancelled), CancelOutcome::closing);
  EXPECT_EQ(world.close(cancelled, Answer::closed), PaymentClosedOutcome::cancelled);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::cancelled));
  EXPECT_EQ(world.units(), units(2, 2, 0, 0));
}

TEST(PaymentClosedOutcome, RetryLaterWithBackoffThenNeedsPerson) {
  Closing world(4);
  Span wait = world.settings.first_close_retry;
  for (int attempt = 1; attempt < 4; ++attempt) {
    EXPECT_EQ(world.close(world.id, Answer::retry), PaymentClosedOutcome::retry_later);
    EXPECT_EQ(world.order(world.id).close_attempts, attempt);
    EXPECT_EQ(world.state.next_pulse(), world.now + wait);
    world.now = world.now + wait - Span{1};
    world.pulse();
    EXPECT_THAT(world.effects.closes, IsEmpty()) << "not before its time";
    world.now = world.now + Span{1};
    world.pulse();
    ASSERT_EQ(world.effects.closes.size(), 1U);
    EXPECT_EQ(world.effects.closes[0].order, world.id);
    world.pulse();
    EXPECT_THAT(world.effects.closes, IsEmpty()) << "asked once";
    wait = Span{wait.ms * 2};
  }
  EXPECT_EQ(world.close(world.id, Answer::retry), PaymentClosedOutcome::needs_person);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::needs_person));
  EXPECT_THAT(world.effects.alarms, ElementsAre(HasSubstr(to_text(world.id))));
  EXPECT_EQ(world.units(), units(2, 1, 1, 0)) << "stock is never returned on a guess";
  EXPECT_EQ(world.close(world.id, Answer::retry), PaymentClosedOutcome::not_closing);
  EXPECT_EQ(world.close(world.id, Answer::closed), PaymentClosedOutcome::cancelled);
}

TEST(PaymentClosedOutcome, BackoffIsBounded) {
  Closing world(255);
  for (int attempt = 1; attempt < 255; ++attempt) {
    EXPECT_EQ(world.close(world.id, Answer::retry), PaymentClosedOutcome::retry_later);
    const Instant next = world.state.next_pulse().value();
    EXPECT_LE(next - world.now, world.settings.last_close_retry);
    world.now = next;
    world.pulse();
  }
  EXPECT_EQ(world.close(world.id, Answer::retry), PaymentClosedOutcome::needs_person);
}

TEST(PaymentClosedOutcome, AnswersThatCrossedAreAskedOnceEach) {
  Closing world(8);
  EXPECT_EQ(world.close(world.id, Answer::retry), PaymentClosedOutcome::retry_later);
  EXPECT_EQ(world.close(world.id, Answer::retry), PaymentClosedOutcome::retry_later);
  world.now = world.now + world.settings.last_close_retry;
  world.pulse();
  EXPECT_EQ(world.effects.closes.size(), 1U) << "the outdated plan is dropped";
}

// ---- refunds -----------------------------------------------------------------------------------

TEST(RefundFinishedOutcome, InOrder) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.apply(RefundFinished{kNobodys, false}), RefundFinishedOutcome::unknown_order);
  EXPECT_EQ(world.apply(RefundFinished{id, false}), RefundFinishedOutcome::not_refunding);
  EXPECT_EQ(world.pay(id), PaymentOutcome::paid);
  EXPECT_EQ(world.apply(RefundFinished{id, true}), RefundFinishedOutcome::not_refunding);
  EXPECT_EQ(world.apply(Refund{{}, id}), RefundOutcome::refunding);
  EXPECT_EQ(world.apply(RefundFinished{id, false}), RefundFinishedOutcome::failed);
  EXPECT_EQ(world.status(id), OrderStatus::refunding);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::refund_failed));
  EXPECT_EQ(world.effects.alarms.size(), 1U);
  EXPECT_EQ(world.units(), units(1, 0, 0, 1));
  EXPECT_EQ(world.apply(RefundFinished{id, true}), RefundFinishedOutcome::refunded);
  EXPECT_EQ(world.status(id), OrderStatus::refunded);
  EXPECT_EQ(world.units(), units(1, 1, 0, 0, 1));
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::refunded));
  EXPECT_EQ(world.apply(RefundFinished{id, true}), RefundFinishedOutcome::not_refunding);
  EXPECT_EQ(world.units(), units(1, 1, 0, 0, 1)) << "stock returns once";
}

TEST(RefundFinishedOutcome, LateMoneyMovesNoUnits) {
  GivenUp world;
  const OrderId bobs = world.win("bob");
  EXPECT_EQ(world.pay(world.id), PaymentOutcome::refund_due);
  EXPECT_EQ(world.apply(RefundFinished{world.id, true}), RefundFinishedOutcome::refunded);
  EXPECT_EQ(world.order(world.id).reason, EndReason::late_money);
  EXPECT_EQ(world.units(), units(1, 0, 1, 0));
  EXPECT_EQ(world.pay(bobs, "T2"), PaymentOutcome::paid);
}

TEST(RefundFinishedOutcome, ARefundedShopperMayBuyAgain) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.pay(id), PaymentOutcome::paid);
  EXPECT_EQ(world.apply(Refund{{}, id}), RefundOutcome::refunding);
  EXPECT_EQ(world.grab("ann"), GrabOutcome::limit_reached) << "until the money is back";
  EXPECT_EQ(world.apply(RefundFinished{id, true}), RefundFinishedOutcome::refunded);
  EXPECT_EQ(world.grab("ann"), GrabOutcome::granted);
}

}  // namespace
}  // namespace sluice::sale
