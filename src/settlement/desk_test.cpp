// Beginning payments, taking notifications, and the desk's own thread.
#include "settlement/desk.h"

#include <atomic>
#include <future>

#include "settlement/begins.h"
#include "settlement/testing.h"

namespace sluice::settlement {
namespace {

using payment::Fault;
using sale::OrderStatus;
using testing::FakeProvider;
using testing::kHold;

class DeskAtWork : public testing::DeskTest {
 protected:
  DeskAtWork() { open_desk(); }
};

// ---- begin -------------------------------------------------------------------------------------

TEST_F(DeskAtWork, BeginsAPaymentAndTellsItAgain) {
  const OrderId order = engine_->grab("ann");
  const auto first = begin("ann", order);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->code_url, "weixin://wxpay/" + to_text(order));
  EXPECT_EQ(first->amount, Money{1999});
  EXPECT_EQ(first->expires_at, testing::kOpen + kHold);
  const payment::Payment& known = service_.ledger[to_text(order)];
  EXPECT_EQ(known.attach, (payment::Attach{"queueSeckillOrder", "exchange.order", "ann"}));
  const int commands = engine_->commands;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(begin("ann", order)->code_url, first->code_url);
  EXPECT_EQ(calls("create"), 1);
  EXPECT_EQ(engine_->commands, commands) << "asking again leaves nothing in the record";
}

class DeskWithALongHold : public testing::DeskTest {
 protected:
  DeskWithALongHold() : DeskTest({}, 10, Span::seconds(24 * 3600)) { open_desk(); }
};

TEST_F(DeskWithALongHold, ACodeThatRanOutIsRenewedUnderTheSameNumber) {
  const OrderId order = engine_->grab("ann");
  ASSERT_TRUE(begin("ann", order));
  loop_->advance(Span{payment::kCodeLife.ms - 1});
  ASSERT_TRUE(begin("ann", order));
  EXPECT_EQ(calls("create"), 1) << "still good";
  loop_->advance(Span{1});
  const auto renewed = begin("ann", order);
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->expires_at, engine_->order(order).expires_at);
  EXPECT_EQ(calls("create " + to_text(order)), 2);
  ASSERT_TRUE(begin("ann", order));
  EXPECT_EQ(calls("create"), 2) << "and the new one is told again";
}

TEST_F(DeskAtWork, BeginErrorsInOrder) {
  const OrderId order = engine_->grab("ann");
  EXPECT_FALSE(begin("ann", OrderId{5}));
  EXPECT_EQ(error_, BeginError::unknown_order);
  EXPECT_FALSE(begin("bob", order));
  EXPECT_EQ(error_, BeginError::unknown_order);
  EXPECT_EQ(calls("create"), 0);
  ASSERT_TRUE(begin("ann", order));
  EXPECT_FALSE(begin("bob", order)) << "also once it is there";
  EXPECT_EQ(error_, BeginError::unknown_order);
  loop_->advance(kHold);
  EXPECT_FALSE(begin("ann", order));
  EXPECT_EQ(error_, BeginError::past_deadline);
  engine_->apply(sale::Pulse{});
  run();
  EXPECT_FALSE(begin("ann", order));
  EXPECT_EQ(error_, BeginError::not_awaiting);
  const OrderId another = engine_->grab("ann");
  loop_->advance(kHold);
  EXPECT_FALSE(begin("ann", another));
  EXPECT_EQ(error_, BeginError::past_deadline);
  engine_->apply(sale::Pulse{});
  EXPECT_FALSE(begin("ann", another));
  EXPECT_EQ(error_, BeginError::not_awaiting);
}

TEST_F(DeskAtWork, WhatTheProviderSaysToACreation) {
  const OrderId order = engine_->grab("ann");
  provider_.faults.push_back({Fault::Kind::refused, "NOAUTH", "no"});
  EXPECT_FALSE(begin("ann", order));
  EXPECT_EQ(error_, BeginError::refused);
  for (const auto kind : {Fault::Kind::retry, Fault::Kind::untrusted, Fault::Kind::unavailable}) {
    provider_.faults.push_back({kind, "", "?"});
    EXPECT_FALSE(begin("ann", order));
    EXPECT_EQ(error_, BeginError::unavailable);
  }
  EXPECT_TRUE(begin("ann", order)) << "none of it is final";
}

TEST_F(DeskAtWork, ACreationTooNearTheHoldsEndIsTooLate) {
  const OrderId early = engine_->grab("ann");
  loop_->advance(Span{kHold.ms - kNearEnd.ms - 1});
  provider_.faults.push_back({Fault::Kind::refused, "PARAM_ERROR", "time_expire"});
  EXPECT_FALSE(begin("ann", early));
  EXPECT_EQ(error_, BeginError::refused) << "there was time enough, it is something else";
  loop_->advance(Span{1});
  for (const char* code : {"PARAM_ERROR", "INVALID_REQUEST", "ORDERCLOSED"}) {
    provider_.faults.push_back({Fault::Kind::refused, code, "time_expire"});
    EXPECT_FALSE(begin("ann", early));
    EXPECT_EQ(error_, BeginError::past_deadline) << code;
  }
  provider_.faults.push_back({Fault::Kind::refused, "NOAUTH", "no"});
  EXPECT_FALSE(begin("ann", early));
  EXPECT_EQ(error_, BeginError::refused) << "says nothing of the time";
  EXPECT_TRUE(begin("ann", early)) << "a provider that takes it is believed";
}

TEST_F(DeskAtWork, ACreationThatFindsThePaymentMadeLooksAtIt) {
  const OrderId order = engine_->grab("ann");
  provider_.trade(order).amount = Money{1999};
  provider_.pay(order, "T1");
  provider_.faults.push_back({Fault::Kind::refused, "ORDERPAID", "paid"});
  EXPECT_FALSE(begin("ann", order));
  run();
  EXPECT_EQ(status(order), OrderStatus::paid);
}

TEST_F(DeskAtWork, OneCreationForAllWhoAskAtOnce) {
  const OrderId order = engine_->grab("ann");
  provider_.keep_back_creates = true;
  int answered = 0, refused = 0;
  const auto ask = [&](const char* user) {
    desk_->begin(user, order, "127.0.0.1", *loop_, [&](auto answer) {
      ++(answer ? answered : refused);
      EXPECT_TRUE(answer || answer.error() == BeginError::unknown_order);
    });
  };
  ask("mallory");  // first, so that the others wait behind somebody else's question
  ask("ann");
  ask("ann");
  ask("mallory");
  run();
  EXPECT_EQ(calls("create"), 1);
  provider_.release();
  run();
  EXPECT_EQ(answered, 2);
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(calls("create"), 1);
}

TEST_F(DeskAtWork, NothingIsCreatedForAnOrderGivenUpMeanwhile) {
  const OrderId order = engine_->grab("ann");
  desk_->begin("ann", order, "127.0.0.1", *loop_, [&](auto answer) {
    error_ = answer ? std::nullopt : std::optional(answer.error());
  });
  // Both end in one commit of the engine: its duties come before its answers.
  engine_->before_reply = [&] { engine_->apply(sale::CancelByUser{"ann", order}); };
  run();
  EXPECT_EQ(error_, BeginError::not_awaiting);
  EXPECT_EQ(calls("create"), 0);
  EXPECT_EQ(status(order), OrderStatus::cancelled);
}

TEST(Stopped, TheDeskFinishesWhatTheProviderAnswersAndRefusesTheRest) {
  // On the real thread: the answers arrive from another one.
  const testing::ManualLoop clock;
  sale::Settings settings;
  settings.has_gateway = true;
  testing::FakeEngine engine(clock, settings);
  testing::FakeProvider provider;
  testing::FakeService service(provider);
  testing::FakeBus bus;
  auto desk = open_desk({}, engine, service, provider, bus);
  ASSERT_TRUE(desk);
  const auto fate = bus.send("no JSON");
  (*desk)->stop();
  EXPECT_FALSE(fate->acknowledged);
  testing::ManualLoop asker;
  std::optional<BeginError> told;
  (*desk)->begin("ann", OrderId{5}, "127.0.0.1", asker,
                 [&](auto answer) { told = answer.error(); });
  asker.run();
  EXPECT_EQ(told, BeginError::unavailable);
}

// ---- notifications -----------------------------------------------------------------------------

TEST_F(DeskAtWork, ANotificationIsAcknowledgedOnceItIsDurable) {
  const OrderId order = engine_->grab("ann");
  engine_->not_durable = 2;
  engine_->refuse_commands = 1;
  const auto fate = bus_.send(paid_body(order, "T1"));
  run();
  EXPECT_TRUE(fate->open()) << "neither acknowledged nor one of its attempts used";
  advance(Span::seconds(10));
  EXPECT_TRUE(fate->acknowledged);
  EXPECT_EQ(status(order), OrderStatus::paid);
  EXPECT_EQ(desk_->counts().notifications, 1U);
}

TEST_F(DeskAtWork, ATellingAThousandTimesChangesOnce) {
  const OrderId order = engine_->grab("ann");
  for (int i = 0; i < 1000; ++i) {
    const auto fate = bus_.send(paid_body(order, "T1"));
    run();
    EXPECT_TRUE(fate->acknowledged);
  }
  expect_units(9, 0, 1);
}

TEST_F(DeskAtWork, AWrongAmountIsOneIncidentHoweverOftenTold) {
  const OrderId order = engine_->grab("ann");
  std::string body = paid_body(order, "T1");
  body.replace(body.find("1999"), 4, "1998");
  for (int i = 0; i < 1000; ++i) {
    const auto fate = bus_.send(body);
    run();
    EXPECT_TRUE(fate->acknowledged);
  }
  EXPECT_EQ(engine_->alarms.size(), 1U);
  EXPECT_EQ(status(order), OrderStatus::awaiting_payment);
}

TEST_F(DeskAtWork, AFailedPaymentGivesTheUnitBackAfterClosing) {
  const OrderId order = engine_->grab("ann");
  ASSERT_TRUE(begin("ann", order));
  const auto fate = bus_.send(R"({"return_code":"SUCCESS","result_code":"FAIL","out_trade_no":")" +
                              to_text(order) + R"("})");
  run();
  EXPECT_TRUE(fate->acknowledged);
  EXPECT_EQ(calls("close"), 1);
  EXPECT_EQ(status(order), OrderStatus::cancelled);
}

TEST_F(DeskAtWork, WhatCannotBeAppliedComesAgainAndThenIsAPersons) {
  const std::string unknown =
      R"({"return_code":"SUCCESS","result_code":"SUCCESS","out_trade_no":"No5",)"
      R"("transaction_id":"T","total_fee":1,"time_end":"20270115160001"})";
  std::string foreign = unknown;
  foreign.replace(foreign.find("No5"), 3, "X-5");
  for (const std::string& body : {unknown, foreign, std::string("no JSON")}) {
    Span last{0};
    for (std::uint32_t attempt = 1; attempt <= bus::kMaxAttempts; ++attempt) {
      const auto fate = bus_.send(body, attempt);
      run();
      ASSERT_TRUE(fate->given_back) << body;
      EXPECT_GE(*fate->given_back, last);
      last = *fate->given_back;
    }
    EXPECT_EQ(last, Span::seconds(30));
  }
  EXPECT_EQ(desk_->counts().parked, 3U);
}

TEST_F(DeskAtWork, AStateInBetweenIsASignToAsk) {
  const OrderId order = engine_->grab("ann");
  ASSERT_TRUE(begin("ann", order));
  provider_.pay(order, "T1");
  const auto fate =
      bus_.send(R"({"out_trade_no":")" + to_text(order) + R"(","trade_state":"USERPAYING"})");
  run();
  EXPECT_TRUE(fate->acknowledged);
  EXPECT_EQ(status(order), OrderStatus::paid);
}

// ---- queries of others
// ---------------------------------------------------------------------------

TEST_F(DeskAtWork, LateMoneyThatOnlyAQueryToldOfIsSettled) {
  const OrderId order = engine_->grab("ann");
  ASSERT_TRUE(begin("ann", order));
  advance(kHold);
  engine_->apply(sale::Pulse{});
  advance(Span::seconds(3600));
  ASSERT_EQ(status(order), OrderStatus::expired);
  ASSERT_EQ(desk_->counts().reconciling, 0U) << "nobody looks at it any more";
  provider_.pay(order, "T1");
  desk_->look_at(to_text(order));
  run();
  EXPECT_EQ(status(order), OrderStatus::paid);
  expect_units(9, 0, 1);
  const int commands = engine_->commands;
  desk_->look_at(to_text(order));
  run();
  EXPECT_EQ(engine_->commands, commands) << "and once";
}

TEST_F(DeskAtWork, APaymentThatSomebodyClosedGivesItsOrderUp) {
  const OrderId order = engine_->grab("ann");
  ASSERT_TRUE(begin("ann", order));
  provider_.trade(order).state = payment::Trade::State::closed;
  desk_->look_at(to_text(order));
  run();
  EXPECT_EQ(status(order), OrderStatus::cancelled);
  expect_units(10, 0, 0);
}

TEST_F(DeskAtWork, AQueryForAPaymentOfAnotherServiceTouchesNoOrder) {
  const OrderId order = engine_->grab("ann");
  ASSERT_TRUE(begin("ann", order));
  provider_.pay(order, "T1");
  service_.ledger[to_text(order)].attach.queue = "queue.order";
  const auto asked = provider_.calls.size();
  desk_->look_at(to_text(order));
  desk_->look_at("SO-2026-1");
  run();
  EXPECT_EQ(provider_.calls.size(), asked);
  EXPECT_EQ(status(order), OrderStatus::awaiting_payment);
}

// ---- the thread --------------------------------------------------------------------------------

TEST(ThreadLoop, RunsJobsInOrderAndTimersByTime) {
  ThreadLoop loop([] { return testing::kOpen; });
  EXPECT_EQ(loop.now(), testing::kOpen);
  std::promise<std::string> done;
  std::string order;
  loop.post([&] {
    order += 'a';
    loop.after(Span{20}, [&] {
      order += 'd';
      done.set_value(order);
    });
    loop.after(Span{1}, [&] { order += 'c'; });
    loop.after(Span{-5}, [&] { order += 'b'; });
  });
  EXPECT_EQ(done.get_future().get(), "abcd");
}

TEST(ThreadLoop, DropsWhatWaitsAtItsEnd) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  std::atomic<bool> ran{false};
  ThreadLoop loop([] { return testing::kOpen; });
  loop.after(Span::seconds(3600), [&ran, held = std::move(held)] { ran = *held == 1; });
  loop.end();
  EXPECT_TRUE(watched.expired()) << "at its end, and not at its destruction";
  loop.post([&] { ran = true; });
  loop.after(Span{0}, [&] { ran = true; });
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace sluice::settlement
