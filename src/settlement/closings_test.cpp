// Closings: what each answer of the provider makes of an order, outages, and what crosses them.
#include "settlement/closings.h"

#include "settlement/testing.h"

namespace sluice::settlement {
namespace {

using payment::Fault;
using payment::Trade;
using sale::OrderStatus;
using testing::FakeProvider;
using testing::past_hold;

class ClosingsTest : public testing::DeskTest {
 protected:
  ClosingsTest() { open_desk(); }
  explicit ClosingsTest(const DeskOptions& options, std::int64_t stock) : DeskTest(options, stock) {
    open_desk();
  }
  OrderId begun(const std::string& user) {
    const OrderId order = engine_->grab(user);
    EXPECT_TRUE(begin(user, order)) << user;
    return order;
  }
  void cancel(const std::string& user, OrderId order) {
    EXPECT_EQ(engine_->apply(sale::CancelByUser{user, order}), sale::CancelOutcome::closing);
    run();
  }
};

TEST_F(ClosingsTest, ClosedThenTheUnitGoesBack) {
  const OrderId order = begun("ann");
  provider_.keep_back = true;
  cancel("ann", order);
  EXPECT_EQ(status(order), OrderStatus::closing);
  expect_units(9, 1, 0);
  EXPECT_EQ(desk_->counts().closings_waiting, 1U);
  provider_.release();
  run();
  EXPECT_EQ(status(order), OrderStatus::cancelled);
  EXPECT_EQ(provider_.trade(order).state, Trade::State::closed);
  expect_units(10, 0, 0);
}

TEST_F(ClosingsTest, NeverBegunAsksAllTheSame) {
  const OrderId order = engine_->grab("ann");
  advance(past_hold(1));
  EXPECT_EQ(calls("close"), 1);
  EXPECT_EQ(status(order), OrderStatus::expired);
}

TEST_F(ClosingsTest, AlreadyClosedIsClosed) {
  const OrderId order = begun("ann");
  provider_.trade(order).state = Trade::State::closed;
  cancel("ann", order);
  EXPECT_EQ(status(order), OrderStatus::cancelled);
}

TEST_F(ClosingsTest, PaidBetweenTheQueryAndTheClose) {
  const OrderId order = begun("ann");
  provider_.pay(order, "T1");
  advance(past_hold(1));
  EXPECT_EQ(status(order), OrderStatus::paid);
  EXPECT_EQ(engine_->state.settlement(0)->transaction_id, "T1");
  expect_units(9, 0, 1);
}

TEST_F(ClosingsTest, PaidWithAWrongAmountIsForAPerson) {
  const OrderId order = begun("ann");
  provider_.pay(order, "T1");
  provider_.trade(order).amount = Money{1998};
  cancel("ann", order);
  advance(Span::seconds(30));
  EXPECT_EQ(status(order), OrderStatus::needs_person);
  expect_units(9, 1, 0);
  EXPECT_FALSE(engine_->alarms.empty());
}

TEST_F(ClosingsTest, RefundedOutsideOfTheShopIsForAPerson) {
  const OrderId order = begun("ann");
  provider_.trade(order).state = Trade::State::refunded;
  cancel("ann", order);
  advance(Span::seconds(30));
  EXPECT_EQ(status(order), OrderStatus::needs_person);
}

TEST_F(ClosingsTest, ErrorsOfTheProviderUseTheAttemptsUp) {
  const OrderId order = begun("ann");
  for (int i = 0; i < 3; ++i)
    provider_.faults.push_back({Fault::Kind::retry, "SYSTEMERROR", "busy"});
  cancel("ann", order);
  EXPECT_EQ(engine_->order(order).close_attempts, 1);
  advance(Span::seconds(30));
  EXPECT_EQ(calls("close"), 3);
  EXPECT_EQ(status(order), OrderStatus::needs_person);
  expect_units(9, 1, 0);
  // A person asks again; the provider is well by now.
  EXPECT_EQ(engine_->apply(sale::Resolve{{}, order, sale::Resolve::Action::retry_close, {}}),
            sale::ResolveOutcome::retrying);
  run();
  EXPECT_EQ(status(order), OrderStatus::cancelled);
}

TEST_F(ClosingsTest, EveryKindOfRefusalCountsAndNoneReturnsTheUnit) {
  for (const Fault::Kind kind : {Fault::Kind::refused, Fault::Kind::untrusted}) {
    const std::string user = kind == Fault::Kind::refused ? "ann" : "bob";
    const OrderId order = begun(user);
    for (int i = 0; i < 3; ++i)
      provider_.faults.push_back({kind, "", "?"});
    cancel(user, order);
    advance(Span::seconds(30));
    EXPECT_EQ(status(order), OrderStatus::needs_person);
  }
  expect_units(8, 2, 0);
}

TEST_F(ClosingsTest, AQueryThatLagsBehindIsAskedAgain) {
  const OrderId order = begun("ann");
  provider_.pay(order, "T1");
  provider_.keep_back = true;
  cancel("ann", order);
  provider_.trade(order).state = Trade::State::not_paid;  // what the query will see
  provider_.release();
  run();
  EXPECT_EQ(status(order), OrderStatus::closing);
  EXPECT_EQ(engine_->order(order).close_attempts, 1);
  provider_.trade(order).state = Trade::State::paid;
  advance(Span::seconds(5));
  EXPECT_EQ(status(order), OrderStatus::paid);
}

TEST_F(ClosingsTest, AnOutageUsesNoAttemptsHoweverLong) {
  std::vector<OrderId> orders;
  for (const char* user : {"ann", "bob", "eve"})
    orders.push_back(begun(user));
  for (const auto mode : {FakeProvider::Mode::breaker_open, FakeProvider::Mode::silent}) {
    provider_.mode = mode;
    const std::size_t before = provider_.calls.size();
    advance(past_hold(3600));
    for (const OrderId order : orders) {
      EXPECT_EQ(status(order), OrderStatus::closing);
      EXPECT_EQ(engine_->order(order).close_attempts, 0);
    }
    // One probe at a time, with a pause that grows to half a minute.
    EXPECT_LT(provider_.calls.size() - before, 200U);
    EXPECT_GT(provider_.calls.size() - before, 100U);
  }
  provider_.mode = FakeProvider::Mode::up;
  advance(Span::seconds(31));
  for (const OrderId order : orders)
    EXPECT_EQ(status(order), OrderStatus::expired);
  expect_units(10, 0, 0);
  EXPECT_EQ(desk_->counts().closings_waiting, 0U);
}

TEST_F(ClosingsTest, SilenceAboutOneOrderCountsWhileOthersAreAnswered) {
  const OrderId silent = begun("ann");
  const OrderId answered = begun("bob");
  provider_.faults.push_back({Fault::Kind::retry, "", "timed out"});
  provider_.keep_back = true;
  cancel("ann", silent);
  provider_.keep_back = false;
  cancel("bob", answered);
  EXPECT_EQ(status(answered), OrderStatus::cancelled);
  provider_.release();
  run();
  EXPECT_EQ(engine_->order(silent).close_attempts, 1);
}

TEST_F(ClosingsTest, ACreationUnderWayIsWaitedFor) {
  const OrderId order = engine_->grab("ann");
  provider_.keep_back_creates = true;
  EXPECT_FALSE(begin("ann", order));
  EXPECT_EQ(error_, std::nullopt) << "the provider has not answered yet";
  advance(past_hold(1));
  EXPECT_EQ(status(order), OrderStatus::closing);
  EXPECT_EQ(calls("close"), 0) << "it would find nothing, and the payment would come after it";
  provider_.release();
  run();
  EXPECT_EQ(calls("close"), 1);
  EXPECT_EQ(provider_.trade(order).state, Trade::State::closed);
  EXPECT_EQ(status(order), OrderStatus::expired);
}

TEST_F(ClosingsTest, AskedAnewWhileUnderWayIsNotForgotten) {
  const OrderId order = begun("ann");
  provider_.faults.push_back({Fault::Kind::retry, "SYSTEMERROR", "busy"});
  provider_.keep_back = true;
  cancel("ann", order);
  // The person's order to try again is younger than the attempt whose answer comes next.
  EXPECT_EQ(engine_->apply(sale::Resolve{{}, order, sale::Resolve::Action::retry_close, {}}),
            sale::ResolveOutcome::retrying);
  run();
  provider_.release();
  run();
  EXPECT_EQ(calls("close"), 2);
  EXPECT_EQ(status(order), OrderStatus::cancelled);
}

TEST_F(ClosingsTest, MoneyFoundForAnOrderThatAPersonReleasedIsNotDropped) {
  const OrderId order = begun("ann");
  provider_.pay(order, "T1");
  provider_.keep_back = true;
  cancel("ann", order);
  EXPECT_EQ(engine_->apply(sale::Resolve{{}, order, sale::Resolve::Action::release, {}}),
            sale::ResolveOutcome::released);
  provider_.release();
  run();
  EXPECT_EQ(status(order), OrderStatus::paid) << "late money, and a unit is free";
  expect_units(9, 0, 1);
}

TEST_F(ClosingsTest, AFullDiskOnlyDelays) {
  const OrderId order = begun("ann");
  engine_->not_durable = 3;
  engine_->refuse_commands = 2;
  cancel("ann", order);
  EXPECT_EQ(status(order), OrderStatus::closing);
  advance(Span::seconds(10));
  EXPECT_EQ(status(order), OrderStatus::cancelled);
  EXPECT_EQ(calls("close"), 1);
}

TEST_F(ClosingsTest, ARecoveryAsksAgainWithoutHarm) {
  const OrderId order = begun("ann");
  provider_.keep_back = true;
  cancel("ann", order);
  engine_->recover();
  engine_->recover();
  run();
  provider_.release();
  run();
  EXPECT_EQ(status(order), OrderStatus::cancelled);
  engine_->recover();
  run();
  expect_units(10, 0, 0);
}

class FewAtOnce : public ClosingsTest {
 protected:
  FewAtOnce() : ClosingsTest(two_at_once(), 50) {}
  static DeskOptions two_at_once() {
    DeskOptions options;
    options.closings_at_once = 2;
    return options;
  }
};

TEST_F(FewAtOnce, InOrderOfDue) {
  std::vector<std::string> expected;
  for (int i = 0; i < 9; ++i) {
    expected.push_back("close " + to_text(engine_->grab("user" + std::to_string(i))));
    loop_->advance(Span::seconds(1));
  }
  provider_.keep_back = true;
  advance(past_hold(20));
  EXPECT_EQ(calls("close"), 2);
  provider_.release();
  run();
  EXPECT_EQ(provider_.calls, expected);
  expect_units(50, 0, 0);
}

}  // namespace
}  // namespace sluice::settlement
