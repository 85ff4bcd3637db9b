// Creating payments: once at the provider however often it is asked for, and known for ever.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "payment/service_testing.h"
#include "sqlite/sqlite.h"

namespace sluice::payment {
namespace {

using ::testing::ElementsAre;
using testing::facts;
using ::testing::HasSubstr;
using testing::House;
using ::testing::IsEmpty;
using testing::kNoon;
using testing::request;
using Standing = Payment::Standing;

TEST(CreatePayment, TellsTheCodeAndRemembersIt) {
  House house;
  const auto made = house.create(request());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->code_url, "weixin://wxpay/bizpayurl?pr=No123456");
  EXPECT_EQ(made->fields.at(1).second, "NATIVE");
  EXPECT_EQ(made->standing, Standing::open);
  const auto calls = house.gateway.calls();
  ASSERT_EQ(calls.created.size(), 1);
  EXPECT_EQ(calls.created[0].amount, Money{1999});
  EXPECT_EQ(calls.created[0].expires_at, request().expires_at);
  EXPECT_EQ(calls.created[0].attach,
            R"({"queue":"queueSeckillOrder","exchange":"exchange.order","username":"mia"})");
  const auto found = house.find("No123456");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->attach, request().attach);
  EXPECT_EQ(found->subject, "A kettle");
  EXPECT_EQ(found->created_at, kNoon);
  EXPECT_FALSE(house.find("No999999"));
}

TEST(CreatePayment, AsksTheProviderOnceAcrossRestarts) {
  House house;
  const auto first = house.create(request());
  ASSERT_TRUE(first);
  auto later = request();
  later.subject = "Another word for it";
  later.expires_at = later.expires_at + Span::seconds(60);
  EXPECT_EQ(house.create(later)->code_url, first->code_url);
  house.restart();
  const auto again = house.create(request());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->code_url, first->code_url);
  EXPECT_EQ(again->fields, first->fields);
  EXPECT_EQ(again->expires_at, first->expires_at);
  EXPECT_EQ(house.gateway.calls().created.size(), 1);
}

TEST(CreatePayment, IsACommittedRowBeforeTheProviderIsAsked) {
  House house;
  std::int64_t at_call = 0;
  house.gateway.on_create = [&](const NewPayment&) -> Outcome<CreatedPayment> {
    auto file = sqlite::Connection::open(house.directory + "/payments.db",
                                         sqlite::Connection::Mode::read_only);
    at_call = file->integer("SELECT standing FROM payment WHERE code_url = ''").value_or(0);
    return CreatedPayment{"weixin://x", {}};
  };
  ASSERT_TRUE(house.create(request()));
  EXPECT_EQ(at_call, static_cast<std::int64_t>(Standing::creating));
}

TEST(CreatePayment, ManyAtOnceShareOneAsk) {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kEach = 25;
  House house;
  house.gateway.hold();
  std::vector<testing::Expected<Payment>> answers(kThreads * kEach);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t i = 0; i < kEach; ++i) {
          house.service->create(request(), answers[thread * kEach + i].answer());
        }
      });
    }
  }
  house.gateway.release();
  for (auto& answer : answers)
    EXPECT_EQ(answer.get()->code_url, "weixin://wxpay/bizpayurl?pr=No123456");
  EXPECT_EQ(house.gateway.calls().created.size(), 1);
}

// Without hold(): answers come in the middle of further questions, in every interleaving.
TEST(CreatePayment, AnswersInTheMiddleOfQuestionsAreSharedToo) {
  House house;
  for (int round = 0; round < 50; ++round) {
    const auto asked = request("Round-" + std::to_string(1000 + round));
    std::vector<testing::Expected<Payment>> answers(40);
    for (auto& answer : answers)
      house.service->create(asked, answer.answer());
    for (auto& answer : answers)
      ASSERT_TRUE(answer.get());
  }
  EXPECT_EQ(house.gateway.calls().created.size(), 50);
}

TEST(CreatePayment, AnotherAmountCurrencyOrAttachIsAConflict) {
  House house;
  ASSERT_TRUE(house.create(request()));
  auto other = request();
  other.amount = Money{1998};
  auto said = house.create(other);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, ServiceError::Kind::conflict);
  other = request();
  other.currency = *Currency::parse("JPY");
  EXPECT_EQ(house.create(other).error().kind, ServiceError::Kind::conflict);
  other = request();
  other.attach.queue = "queue.order";
  EXPECT_EQ(house.create(other).error().kind, ServiceError::Kind::conflict);
  other = request();
  other.attach.username = "tom";
  EXPECT_EQ(house.create(other).error().kind, ServiceError::Kind::conflict);
  EXPECT_EQ(house.gateway.calls().created.size(), 1);
}

TEST(CreatePayment, GoesOnlyWhereTheListAllows) {
  House house;
  auto foreign = request();
  foreign.attach.queue = "internal";  // bound, but not for payments
  EXPECT_EQ(house.create(foreign).error().kind, ServiceError::Kind::forbidden);
  foreign.attach = {"queueSeckillOrder", "exchange.other", "mia"};
  EXPECT_EQ(house.create(foreign).error().kind, ServiceError::Kind::forbidden);
  EXPECT_THAT(house.gateway.calls().created, IsEmpty());
  EXPECT_FALSE(house.find("No123456"));
}

TEST(CreatePayment, RefusesWhatCannotBePaid) {
  House house;
  const auto expect_invalid = [&](const PaymentRequest& asked, std::string_view what) {
    const auto said = house.create(asked);
    ASSERT_FALSE(said) << what;
    EXPECT_EQ(said.error().kind, ServiceError::Kind::invalid) << what;
  };
  for (const char* number :
       {"", "No123", "No 123456", "No123456/", "订单订单", "N1234567890123456789012345678901234"}) {
    expect_invalid(request(number), number);
  }
  auto asked = request();
  for (const std::int64_t amount : {std::int64_t{0}, std::int64_t{-1}, kMaxPrice.minor + 1}) {
    asked.amount = Money{amount};
    expect_invalid(asked, "amount");
  }
  asked = request();
  for (const char* subject : {"", "two\nlines", "\xff"}) {
    asked.subject = subject;
    expect_invalid(asked, "subject");
  }
  asked = request();
  asked.attach.username = "a\nb";
  expect_invalid(asked, "username");
  asked = request();
  asked.expires_at = kNoon;
  expect_invalid(asked, "end");
  EXPECT_THAT(house.gateway.calls().created, IsEmpty());
}

TEST(CreatePayment, AnUnknownOutcomeIsAskedAgainAsItWas) {
  House house;
  const auto working = house.gateway.on_create;
  house.gateway.on_create = [](const NewPayment&) -> Outcome<CreatedPayment> {
    return std::unexpected(Fault{Fault::Kind::retry, "SYSTEMERROR", "timed out"});
  };
  const auto failed = house.create(request());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ServiceError::Kind::gateway);
  EXPECT_EQ(failed.error().fault->code, "SYSTEMERROR");
  EXPECT_EQ(house.find("No123456")->standing, Standing::creating);
  house.restart();
  EXPECT_THAT(house.open_payments(), ElementsAre("No123456"));
  house.gateway.on_create = working;
  auto later = request();
  later.subject = "Another word for it";
  later.expires_at = later.expires_at + Span::seconds(60);
  later.client_address = "127.0.0.2";
  ASSERT_TRUE(house.create(later));
  const auto calls = house.gateway.calls();
  ASSERT_EQ(calls.created.size(), 2);
  EXPECT_EQ(calls.created[1].subject, calls.created[0].subject);
  EXPECT_EQ(calls.created[1].expires_at, calls.created[0].expires_at);
  EXPECT_EQ(calls.created[1].client_address, calls.created[0].client_address);
  EXPECT_EQ(house.find("No123456")->standing, Standing::open);
}

TEST(CreatePayment, ARefusalIsFinalUnlessAnEarlierAskMayHaveWorked) {
  House house;
  Fault fault{Fault::Kind::refused, "NOTENOUGH", "no"};
  house.gateway.on_create = [&](const NewPayment&) -> Outcome<CreatedPayment> {
    return std::unexpected(fault);
  };
  EXPECT_FALSE(house.create(request("Refused-1")));
  EXPECT_EQ(house.find("Refused-1")->standing, Standing::refused);
  EXPECT_THAT(house.open_payments(), IsEmpty());
  fault.code = "ORDERPAID";
  EXPECT_FALSE(house.create(request("Refused-2")));
  EXPECT_EQ(house.find("Refused-2")->standing, Standing::creating);
  fault = {Fault::Kind::retry, "", "timed out"};
  EXPECT_FALSE(house.create(request("Refused-3")));
  fault = {Fault::Kind::refused, "NOAUTH", "no"};
  EXPECT_FALSE(house.create(request("Refused-3")));
  EXPECT_EQ(house.find("Refused-3")->standing, Standing::creating);
  EXPECT_THAT(house.open_payments(), ElementsAre("Refused-2", "Refused-3"));
}

TEST(CreatePayment, ARefusedOneMayBeAskedForAgain) {
  House house;
  const auto working = house.gateway.on_create;
  house.gateway.on_create = [&](const NewPayment&) -> Outcome<CreatedPayment> {
    return std::unexpected(Fault{Fault::Kind::refused, "NOAUTH", "no"});
  };
  EXPECT_FALSE(house.create(request()));
  house.gateway.on_create = working;
  EXPECT_TRUE(house.create(request()));
  EXPECT_EQ(house.find("No123456")->standing, Standing::open);
}

TEST(CreatePayment, ACodeThatGrewOldIsAskedForAgain) {
  House house;
  auto asked = request();
  asked.expires_at = kNoon + Span::seconds(24 * 3600);
  ASSERT_TRUE(house.create(asked));
  house.now_ms += Span::seconds(109 * 60).ms;
  ASSERT_TRUE(house.create(asked));
  EXPECT_EQ(house.gateway.calls().created.size(), 1);
  house.now_ms += Span::seconds(2 * 60).ms;
  ASSERT_TRUE(house.create(asked));
  EXPECT_EQ(house.gateway.calls().created.size(), 2);
}

TEST(CreatePayment, WhatIsOverIsNotAskedForAgain) {
  House house;
  house.gateway.on_create = [](const NewPayment&) -> Outcome<CreatedPayment> {
    return std::unexpected(Fault{Fault::Kind::retry, "", "timed out"});
  };
  EXPECT_FALSE(house.create(request()));
  house.now_ms = request().expires_at.ms;
  auto later = request();
  later.expires_at = later.expires_at + Span::seconds(600);
  const auto said = house.create(later);
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("has passed"));
  EXPECT_EQ(house.gateway.calls().created.size(), 1);
}

TEST(CreatePayment, WhatIsSettledWithoutACodeIsToldAsTheProviderWould) {
  House house;
  house.gateway.on_create = [](const NewPayment&) -> Outcome<CreatedPayment> {
    return std::unexpected(Fault{Fault::Kind::retry, "", "timed out"});
  };
  EXPECT_FALSE(house.create(request()));
  EXPECT_EQ(house.notify(testing::paid(request())).status, 200);
  const auto said = house.create(request());
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().fault->code, "ORDERPAID");
  EXPECT_EQ(house.gateway.calls().created.size(), 1);
}

TEST(CreatePayment, AStopAnswersWhoWaitsAndTheNextStartAsksAgain) {
  House house;
  house.gateway.hold();
  testing::Expected<Payment> waiting;
  house.service->create(request(), waiting.answer());
  house.gateway.await_created(1);
  house.service->stop();
  const auto said = waiting.get();
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, ServiceError::Kind::storage);
  EXPECT_EQ(house.create(request()).error().kind, ServiceError::Kind::storage) << "after the stop";
  house.gateway.release();
  house.restart();
  EXPECT_THAT(house.open_payments(), ElementsAre("No123456"));
  EXPECT_TRUE(house.create(request()));
}

TEST(OpenPayments, AreListedInPagesUntilTheyAreSettled) {
  House house;
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(house.create(request("Open-" + std::to_string(i))));
  EXPECT_THAT(house.open_payments(0, 2), ElementsAre("Open-0", "Open-1"));
  EXPECT_THAT(house.open_payments(house.find("Open-1")->sequence, 100),
              ElementsAre("Open-2", "Open-3", "Open-4"));
  // Each in another way.
  EXPECT_EQ(house.notify(testing::paid(request("Open-0"))).status, 200);
  house.gateway.on_query = [](const std::string& number) {
    Trade trade;
    trade.state = number == "Open-1" ? Trade::State::paid : Trade::State::closed;
    if (number == "Open-1") trade.payment = facts(request(number), "T2");
    return trade;
  };
  EXPECT_EQ(house.query("Open-1")->state, Trade::State::paid);
  EXPECT_EQ(house.query("Open-2")->state, Trade::State::closed);
  house.gateway.on_close = [](const std::string&) { return CloseAnswer::closed; };
  EXPECT_EQ(house.close("Open-3").value(), CloseAnswer::closed);
  EXPECT_THAT(house.open_payments(), ElementsAre("Open-4"));
  house.restart();
  EXPECT_THAT(house.open_payments(), ElementsAre("Open-4"));
  EXPECT_EQ(house.find("Open-0")->transaction_id, "T1");
  EXPECT_EQ(house.find("Open-1")->transaction_id, "T2");
  EXPECT_EQ(house.find("Open-2")->standing, Standing::closed);
  EXPECT_EQ(house.find("Open-3")->standing, Standing::closed);
}

TEST(OpenPayments, MoneyAfterAClosingIsSeenAndNothingFollowsIt) {
  House house;
  ASSERT_TRUE(house.create(request()));
  house.gateway.on_close = [](const std::string&) { return CloseAnswer::already_closed; };
  ASSERT_TRUE(house.close("No123456"));
  EXPECT_EQ(house.notify(testing::paid(request())).status, 200);
  EXPECT_EQ(house.find("No123456")->standing, Standing::paid);
  ASSERT_TRUE(house.close("No123456"));
  EXPECT_EQ(house.find("No123456")->standing, Standing::paid);
}

TEST(OpenPayments, WhatTheProviderNeverKnewGoesWhenItsTimeIsOver) {
  House house;
  ASSERT_TRUE(house.create(request()));
  ASSERT_TRUE(house.query("No123456"));
  EXPECT_THAT(house.open_payments(), ElementsAre("No123456"));
  house.now_ms = request().expires_at.ms;
  ASSERT_TRUE(house.query("No123456"));
  EXPECT_THAT(house.open_payments(), ElementsAre("No123456")) << "it may still come to be";
  house.now_ms += Span::seconds(600).ms;
  ASSERT_TRUE(house.query("No123456"));
  EXPECT_THAT(house.open_payments(), IsEmpty());
}

TEST(OpenPayments, AFailedQuestionChangesNothing) {
  House house;
  ASSERT_TRUE(house.create(request()));
  const Fault fault{Fault::Kind::untrusted, "", "a bad signature"};
  house.gateway.on_query = [&](const std::string&) -> Outcome<Trade> {
    return std::unexpected(fault);
  };
  house.gateway.on_close = [&](const std::string&) -> Outcome<CloseAnswer> {
    return std::unexpected(fault);
  };
  EXPECT_EQ(house.query("No123456").error().fault->kind, Fault::Kind::untrusted);
  EXPECT_EQ(house.close("No123456").error().fault->kind, Fault::Kind::untrusted);
  EXPECT_THAT(house.open_payments(), ElementsAre("No123456"));
}

}  // namespace
}  // namespace sluice::payment
