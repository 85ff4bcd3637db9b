// The contract of an engine, case by case: money that comes, comes late, and goes back.
#include <gtest/gtest.h>

#include "support/contract_scene.h"

namespace sluice::test {
namespace {

using sale::CancelOutcome;
using sale::EndReason;
using sale::GrabOutcome;
using sale::OrderStatus;
using sale::PaymentOutcome;
using sale::units;
using sale::testing::by_olga;
using sale::testing::draft;

TEST_P(EngineContract, APaidOrderCannotBeCancelled) {
  Scene at(shop(), {draft(2)});
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.tell(sale::BeginPayment{"alice", order}), text_of(sale::BeginPaymentOutcome::begun));
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid));
  EXPECT_EQ(at.cancel("alice", order), text_of(CancelOutcome::already_paid));
  EXPECT_EQ(at.tell(sale::BeginPayment{"alice", order}),
            text_of(sale::BeginPaymentOutcome::not_awaiting));
  at.pass(kPastTheHold);
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::granted));
  at.expect_order(order, OrderStatus::paid);
  at.expect_units({units(2, 0, 1, 1)});
}

TEST_P(EngineContract, APaymentCountsOnce) {
  Scene at(shop(), {draft(3)});
  const OrderId order = at.win("alice");
  const OrderId other = at.win("bob");
  at.expect_order(other, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.tell(at.payment(order, {}, 2)), text_of(PaymentOutcome::amount_mismatch));
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid));
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::already_applied));
  EXPECT_EQ(at.pay(order, at.tag() + "another"), text_of(PaymentOutcome::second_transaction));
  EXPECT_EQ(at.pay(other, at.payment(order).transaction_id),
            text_of(PaymentOutcome::transaction_reused));
  EXPECT_EQ(at.pay(OrderId{1'000'000}), text_of(PaymentOutcome::unknown_order));
  at.expect_units({units(3, 1, 1, 1)});
  EXPECT_EQ(at.find(order)->transaction, at.payment(order).transaction_id);
  EXPECT_EQ(at.find(other)->transaction, "");
}

TEST_P(EngineContract, LateMoneyBuysAUnitThatIsFree) {
  Scene at(shop(), {draft(1)});
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  at.pass(kPastTheHold);
  at.expect_units({units(1, 1, 0, 0)});
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid_late));
  at.expect_units({units(1, 0, 0, 1)});
  at.expect_order(order, OrderStatus::paid);
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::sold_out));
}

TEST_P(EngineContract, LateMoneyGoesBackWhenTheUnitIsGone) {
  Scene at(shop_with_gateway(), {draft(1)});
  const OrderId late = at.win("alice");
  at.expect_order(late, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.tell(sale::PaymentFailed{late}), text_of(sale::PaymentFailedOutcome::closing));
  EXPECT_EQ(at.tell(sale::PaymentClosed{late, sale::PaymentClosed::Answer::closed, {}}),
            text_of(sale::PaymentClosedOutcome::cancelled));
  at.expect_units({units(1, 1, 0, 0)});
  const OrderId order = at.win("bob");
  at.expect_order(order, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.pay(late), text_of(PaymentOutcome::refund_due));
  at.expect_order(late, OrderStatus::refunding, EndReason::late_money);
  EXPECT_TRUE(eventually([&] { return at.shop().is_asked_to_refund(late); }));
  EXPECT_EQ(at.tell(sale::RefundFinished{late, true}),
            text_of(sale::RefundFinishedOutcome::refunded));
  at.expect_order(late, OrderStatus::refunded, EndReason::late_money);
  at.expect_units({units(1, 0, 1, 0)});
}

TEST_P(EngineContract, ARefundReturnsTheUnitWhenTheMoneyIsBack) {
  Scene at(shop_with_gateway(), {draft(1)});
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  const sale::Refund refund{by_olga(), order};
  EXPECT_EQ(at.tell(refund), text_of(sale::RefundOutcome::not_paid));
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid));
  EXPECT_EQ(at.tell(refund), text_of(sale::RefundOutcome::refunding));
  EXPECT_EQ(at.tell(refund), text_of(sale::RefundOutcome::already_refunding));
  EXPECT_TRUE(eventually([&] { return at.shop().is_asked_to_refund(order); }));
  EXPECT_EQ(at.tell(sale::RefundFinished{order, false}),
            text_of(sale::RefundFinishedOutcome::failed));
  at.expect_units({units(1, 0, 0, 1)});
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::sold_out));
  EXPECT_EQ(at.tell(sale::RefundFinished{order, true}),
            text_of(sale::RefundFinishedOutcome::refunded));
  at.expect_units({units(1, 1, 0, 0, 1)});
  at.expect_order(order, OrderStatus::refunded, EndReason::operator_refund);
  at.win("alice");
}

TEST_P(EngineContract, WithoutAGatewayNobodyGivesMoneyBack) {
  Scene at(shop(), {draft(1)});
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid));
  EXPECT_EQ(at.tell(sale::Refund{by_olga(), order}), text_of(sale::RefundOutcome::no_gateway));
  at.expect_order(order, OrderStatus::paid);
}

TEST_P(EngineContract, WithAGatewayTheUnitWaitsForTheClosedPayment) {
  Scene at(shop_with_gateway(), {draft(1)});
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.cancel("alice", order), text_of(CancelOutcome::closing));
  EXPECT_EQ(at.cancel("alice", order), text_of(CancelOutcome::already_closing));
  EXPECT_TRUE(eventually([&] { return at.shop().is_asked_to_close(order); }));
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::sold_out));
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::already_queued));
  at.expect_units({units(1, 0, 1, 0)});
  EXPECT_EQ(at.tell(sale::PaymentClosed{order, sale::PaymentClosed::Answer::closed, {}}),
            text_of(sale::PaymentClosedOutcome::cancelled));
  EXPECT_EQ(at.tell(sale::PaymentClosed{order, sale::PaymentClosed::Answer::closed, {}}),
            text_of(sale::PaymentClosedOutcome::not_closing));
  at.expect_units({units(1, 1, 0, 0)});
  at.win("bob");
}

TEST_P(EngineContract, WhoPaidBeforeTheClosingHasPaid) {
  Scene at(shop_with_gateway(), {draft(1)});
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  at.pass(kPastTheHold);
  at.expect_order(order, OrderStatus::closing, EndReason::deadline);
  EXPECT_TRUE(eventually([&] { return at.shop().is_asked_to_close(order); }));
  at.expect_units({units(1, 0, 1, 0)});
  const sale::PaymentClosed paid{order, sale::PaymentClosed::Answer::already_paid,
                                 at.payment(order)};
  EXPECT_EQ(at.tell(paid), text_of(sale::PaymentClosedOutcome::paid));
  at.expect_order(order, OrderStatus::paid);
  at.expect_units({units(1, 0, 0, 1)});
}

}  // namespace
}  // namespace sluice::test
