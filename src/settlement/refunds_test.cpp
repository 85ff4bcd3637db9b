// Refunds and the reconciler.
#include "settlement/refunds.h"

#include <gmock/gmock.h>

#include "settlement/reconciler.h"
#include "settlement/testing.h"

namespace sluice::settlement {
namespace {

using payment::Fault;
using payment::RefundProgress;
using payment::Trade;
using sale::OrderStatus;
using ::testing::ElementsAre;
using testing::FakeProvider;
using testing::past_hold;

class MoneyTest : public testing::DeskTest {
 protected:
  explicit MoneyTest(std::int64_t stock = 10) : DeskTest({}, stock) { open_desk(); }

  OrderId begun(const std::string& user) {
    const OrderId order = engine_->grab(user);
    EXPECT_TRUE(begin(user, order)) << user;
    return order;
  }
  OrderId paid(const std::string& user) {
    const OrderId order = begun(user);
    provider_.pay(order, "T-" + user);
    EXPECT_TRUE(bus_.send(paid_body(order, "T-" + user))->open());
    run();
    EXPECT_EQ(status(order), OrderStatus::paid);
    return order;
  }
  void refund(OrderId order) {
    EXPECT_EQ(engine_->apply(sale::Refund{{"olga", "asked"}, order}),
              sale::RefundOutcome::refunding);
    run();
  }
};

TEST_F(MoneyTest, ARefundIsPolledUntilItIsFinal) {
  const OrderId order = paid("ann");
  refund(order);
  EXPECT_EQ(status(order), OrderStatus::refunding);
  EXPECT_EQ(provider_.trade(order).refund, refund_number(order, 1));
  advance(Span::seconds(60));
  EXPECT_EQ(calls("refund "), 1);
  EXPECT_EQ(calls("query_refund"), 3) << "after 5, 15 and 35 seconds";
  provider_.trade(order).refund_state = RefundProgress::State::succeeded;
  advance(Span::seconds(60));
  EXPECT_EQ(status(order), OrderStatus::refunded);
  expect_units(10, 0, 0);
  EXPECT_EQ(desk_->counts().refunds_waiting, 0U);
}

TEST_F(MoneyTest, ARefundThatFailedIsForAPersonWhoMayAskAgain) {
  const OrderId order = paid("ann");
  provider_.trade(order).refund_state = RefundProgress::State::failed;
  refund(order);
  EXPECT_EQ(status(order), OrderStatus::refunding);
  EXPECT_EQ(engine_->alarms.size(), 1U);
  advance(Span::seconds(3600));
  EXPECT_EQ(calls("refund "), 1) << "nobody asks again by itself";
  provider_.trade(order).refund_state = RefundProgress::State::succeeded;
  EXPECT_EQ(engine_->apply(sale::Refund{{"olga", "again"}, order}),
            sale::RefundOutcome::already_refunding);
  run();
  EXPECT_EQ(status(order), OrderStatus::refunded);
}

TEST_F(MoneyTest, ARefundThatTheProviderClosedIsAskedForUnderTheNextNumber) {
  const OrderId order = paid("ann");
  refund(order);
  auto& trade = provider_.trade(order);
  trade.refund_state = RefundProgress::State::closed;
  advance(Span::seconds(5));
  EXPECT_THAT(trade.closed_refunds, ElementsAre(refund_number(order, 1)));
  trade.refund_state = RefundProgress::State::processing;
  advance(Span::seconds(60));
  EXPECT_EQ(trade.refund, "R" + to_text(order) + "-2");
  EXPECT_EQ(calls("refund "), 2);
  trade.refund_state = RefundProgress::State::succeeded;
  advance(Span::seconds(600));
  EXPECT_EQ(status(order), OrderStatus::refunded);
  EXPECT_TRUE(engine_->alarms.empty());
}

TEST_F(MoneyTest, ThreeRefundsThatTheProviderClosedAreForAPerson) {
  const OrderId order = paid("ann");
  provider_.trade(order).refund_state = RefundProgress::State::closed;
  refund(order);
  advance(Span::seconds(3600));
  const std::string number = "R" + to_text(order);
  EXPECT_THAT(provider_.trade(order).closed_refunds,
              ElementsAre(number, number + "-2", number + "-3"));
  EXPECT_EQ(calls("refund "), 3);
  EXPECT_EQ(engine_->alarms.size(), 1U);
  EXPECT_EQ(status(order), OrderStatus::refunding);
  EXPECT_EQ(desk_->counts().refunds_waiting, 0U);
}

TEST_F(MoneyTest, AfterARestartTheClosedNumbersLeadToTheOneThatIsUnderWay) {
  const OrderId order = paid("ann");
  auto& trade = provider_.trade(order);
  trade.closed_refunds = {refund_number(order, 1)};  // what an earlier process left behind
  trade.refund = refund_number(order, 2);
  refund(order);
  advance(Span::seconds(60));
  EXPECT_EQ(trade.refund, refund_number(order, 2));
  EXPECT_EQ(calls("refund "), 2);
  trade.refund_state = RefundProgress::State::succeeded;
  advance(Span::seconds(600));
  EXPECT_EQ(status(order), OrderStatus::refunded);
}

TEST_F(MoneyTest, OnlyTheProvidersWordThatItClosedLeadsToAnotherNumber) {
  const OrderId order = paid("ann");
  refund(order);
  for (const Fault::Kind kind : {Fault::Kind::retry, Fault::Kind::untrusted}) {
    provider_.faults.push_back({kind, "", "?"});
    advance(Span::seconds(600));
  }
  for (const auto state : {RefundProgress::State::not_found, RefundProgress::State::failed}) {
    provider_.trade(order).refund_state = state;
    advance(Span::seconds(3600));
  }
  EXPECT_EQ(provider_.trade(order).refund, refund_number(order, 1));
  EXPECT_EQ(engine_->alarms.size(), 1U);
}

TEST_F(MoneyTest, ARefundThatTheProviderRefusesIsForAPerson) {
  const OrderId order = paid("ann");
  provider_.faults.push_back({Fault::Kind::refused, "NOTENOUGH", "the balance is too low"});
  refund(order);
  EXPECT_EQ(engine_->alarms.size(), 1U);
  EXPECT_EQ(status(order), OrderStatus::refunding);
}

TEST_F(MoneyTest, AnUncertainRefundIsAskedAgainUnderTheSameNumber) {
  const OrderId order = paid("ann");
  provider_.faults.push_back({Fault::Kind::retry, "SYSTEMERROR", "busy"});
  provider_.faults.push_back({Fault::Kind::untrusted, "", "signature"});
  provider_.trade(order).refund_state = RefundProgress::State::succeeded;
  refund(order);
  advance(Span::seconds(20));
  EXPECT_EQ(calls("refund "), 3);
  EXPECT_EQ(status(order), OrderStatus::refunded);
}

TEST_F(MoneyTest, RefundsWaitThroughAnOutage) {
  const OrderId order = paid("ann");
  provider_.trade(order).refund_state = RefundProgress::State::succeeded;
  provider_.mode = FakeProvider::Mode::breaker_open;
  refund(order);
  advance(Span::seconds(600));
  EXPECT_EQ(status(order), OrderStatus::refunding);
  provider_.mode = FakeProvider::Mode::up;
  advance(Span::seconds(31));
  EXPECT_EQ(status(order), OrderStatus::refunded);
}

TEST_F(MoneyTest, ARefundNotificationIsASignToAsk) {
  const OrderId order = paid("ann");
  refund(order);
  provider_.trade(order).refund_state = RefundProgress::State::succeeded;
  const auto fate =
      bus_.send(R"({"out_trade_no":")" + to_text(order) + R"(","refund_status":"SUCCESS"})");
  run();
  EXPECT_TRUE(fate->acknowledged);
  EXPECT_EQ(status(order), OrderStatus::refunded);
}

TEST_F(MoneyTest, RecoveryAsksForRefundsAgain) {
  const OrderId order = paid("ann");
  provider_.mode = FakeProvider::Mode::breaker_open;
  refund(order);
  engine_->recover();
  run();
  provider_.mode = FakeProvider::Mode::up;
  provider_.trade(order).refund_state = RefundProgress::State::succeeded;
  advance(Span::seconds(31));
  EXPECT_EQ(status(order), OrderStatus::refunded);
  EXPECT_EQ(calls("refund "), 2) << "one into the outage, one that arrived";
}

// ---- reconciling -------------------------------------------------------------------------------

TEST_F(MoneyTest, APaymentThatNoNotificationToldOf) {
  const OrderId order = begun("ann");
  EXPECT_EQ(desk_->counts().reconciling, 1U);
  advance(Span::seconds(16));
  EXPECT_EQ(calls("query"), 1);
  provider_.pay(order, "T1");
  advance(Span::seconds(31));
  EXPECT_EQ(status(order), OrderStatus::paid);
  EXPECT_EQ(service_.queried, std::vector{to_text(order)}) << "the ledger learns it last";
  advance(Span::seconds(1200));
  EXPECT_EQ(calls("query"), 3) << "and nobody asks again";
}

TEST_F(MoneyTest, QueriesBackOff) {
  begun("ann");
  advance(past_hold(-1));
  EXPECT_EQ(calls("query"), 6) << "after 15, 30, 60, 120, 240 and 465 seconds, roughly";
}

TEST_F(MoneyTest, ANotificationEndsTheQueries) {
  paid("ann");
  advance(Span::seconds(1200));
  EXPECT_EQ(calls("query"), 0);
}

TEST_F(MoneyTest, AFailedTradeGivesTheOrderUp) {
  const OrderId order = begun("ann");
  provider_.trade(order).state = Trade::State::failed;
  advance(Span::seconds(16));
  EXPECT_EQ(status(order), OrderStatus::cancelled);
  expect_units(10, 0, 0);
}

TEST_F(MoneyTest, WhatCameIntoBeingForAnOrderThatIsOverIsClosed) {
  const OrderId order = begun("ann");
  EXPECT_EQ(engine_->apply(sale::CancelByUser{"ann", order}), sale::CancelOutcome::closing);
  EXPECT_EQ(engine_->apply(sale::Resolve{{}, order, sale::Resolve::Action::release, {}}),
            sale::ResolveOutcome::released);
  provider_.faults.push_back({Fault::Kind::retry, "SYSTEMERROR", "busy"});
  run();
  EXPECT_EQ(provider_.trade(order).state, Trade::State::not_paid) << "can still be paid";
  advance(Span::seconds(16));
  EXPECT_EQ(provider_.trade(order).state, Trade::State::closed);
}

TEST_F(MoneyTest, LateMoneyWithoutANotificationIsFoundAfterARestart) {
  const OrderId order = begun("ann");
  EXPECT_EQ(engine_->apply(sale::CancelByUser{"ann", order}), sale::CancelOutcome::closing);
  EXPECT_EQ(engine_->apply(sale::Resolve{{}, order, sale::Resolve::Action::release, {}}),
            sale::ResolveOutcome::released);
  provider_.pay(order, "T1");
  advance(Span::seconds(16));
  EXPECT_EQ(status(order), OrderStatus::paid);
  expect_units(9, 0, 1);
}

class AfterARestart : public testing::DeskTest {};

TEST_F(AfterARestart, TheOpenPaymentsAreLookedAt) {
  const OrderId paid = engine_->grab("ann");
  const OrderId open = engine_->grab("bob");
  provider_.pay(paid, "T1");
  provider_.trade(paid).amount = Money{1999};
  provider_.trade(open).amount = Money{1999};
  for (const OrderId order : {paid, open}) {
    payment::Payment& known = service_.ledger[to_text(order)];
    known.out_trade_no = to_text(order);
    known.sequence = static_cast<std::int64_t>(service_.ledger.size());
    known.attach = {options_.queue, options_.exchange, "ann"};
  }
  payment::Payment& foreign = service_.ledger["No5"];
  foreign.out_trade_no = "No5";
  foreign.sequence = 3;
  foreign.attach = {"queue.order", options_.exchange, "ann"};
  open_desk();
  EXPECT_EQ(calls("query"), 0);
  advance(Span::seconds(1));
  EXPECT_EQ(status(paid), OrderStatus::paid);
  EXPECT_EQ(status(open), OrderStatus::awaiting_payment);
  EXPECT_EQ(calls("query No5"), 0) << "another service's";
}

class OneUnit : public MoneyTest {
 protected:
  OneUnit() : MoneyTest(1) {}
};

TEST_F(OneUnit, LateMoneyWithoutAUnitGoesBack) {
  const OrderId anns = begun("ann");
  advance(past_hold(1));
  EXPECT_EQ(status(anns), OrderStatus::expired);
  paid("bob");
  provider_.pay(anns, "T-late");
  provider_.trade(anns).refund_state = RefundProgress::State::succeeded;
  const auto fate = bus_.send(paid_body(anns, "T-late"));
  run();
  EXPECT_TRUE(fate->acknowledged);
  EXPECT_EQ(status(anns), OrderStatus::refunded);
  EXPECT_EQ(engine_->order(anns).reason, sale::EndReason::late_money);
  expect_units(0, 0, 1);
}

}  // namespace
}  // namespace sluice::settlement
