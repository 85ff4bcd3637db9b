// Notifications: verified, routed by their attach only where the list allows, stored before they
// are acknowledged, logged within bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "bus/captured_log.h"
#include "payment/ledger.h"
#include "payment/service_testing.h"

namespace sluice::payment {
namespace {

using ::testing::ElementsAre;
using testing::facts;
using testing::FakeGateway;
using ::testing::HasSubstr;
using testing::House;
using ::testing::IsEmpty;
using testing::kNoon;
using ::testing::Not;
using testing::paid;
using testing::request;
using ::testing::SizeIs;
using Verdict = NotificationEntry::Verdict;
using Standing = Payment::Standing;

TEST(Notify, CarriesTheProvidersFieldsWhereAttachSays) {
  House house;
  ASSERT_TRUE(house.create(request()));
  const auto answer = house.notify(paid(request()));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "SUCCESS");
  EXPECT_EQ(house.queued("queue.order"), 0);
  const auto messages = house.messages();
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].id, "event-T1");
  EXPECT_EQ(messages[0].content_type, "application/json");
  EXPECT_EQ(messages[0].timestamp, kNoon);
  EXPECT_EQ(messages[0].body,
            R"({"return_code":"SUCCESS","result_code":"SUCCESS","out_trade_no":"No123456",)"
            R"("transaction_id":"T1","total_fee":"1999","fee_type":"CNY","time_end":)"
            R"("1795000005000","attach":"{\"queue\":\"queueSeckillOrder\",\"exchange\":)"
            R"(\"exchange.order\",\"username\":\"mia\"}"})");
  EXPECT_EQ(house.find("No123456")->standing, Standing::paid);
  const auto log = house.notifications();
  ASSERT_THAT(log, SizeIs(1));
  EXPECT_EQ(log[0].verdict, Verdict::routed);
  EXPECT_EQ(log[0].out_trade_no, "No123456");
  EXPECT_EQ(log[0].transaction_id, "T1");
  EXPECT_EQ(log[0].event_id, "event-T1");
  EXPECT_EQ(log[0].received_at, kNoon);
  EXPECT_EQ(log[0].raw.body, paid(request()).body);
  EXPECT_EQ(log[0].raw.headers, paid(request()).headers);
  EXPECT_EQ(house.service->counts().routed, 1);
}

TEST(Notify, NeedsNoPaymentOfOurs) {
  House house;
  auto other = request("Elsewhere-1");
  other.attach.queue = "queue.order";
  EXPECT_EQ(house.notify(paid(other)).status, 200);
  EXPECT_THAT(house.messages("queue.order"), SizeIs(1));
}

TEST(Notify, OneThatIsForgedChangesNothing) {
  House house;
  ASSERT_TRUE(house.create(request()));
  auto forged = paid(request());
  forged.headers.clear();
  const auto answer = house.notify(forged);
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("signature"));
  EXPECT_EQ(house.queued(), 0);
  EXPECT_EQ(house.find("No123456")->standing, Standing::open);
  const auto log = house.notifications();
  ASSERT_THAT(log, SizeIs(1));
  EXPECT_EQ(log[0].verdict, Verdict::refused);
  EXPECT_THAT(log[0].detail, HasSubstr("signature"));
  EXPECT_EQ(log[0].out_trade_no, "") << "nothing of it is believed";
  EXPECT_EQ(log[0].raw.body, forged.body);
  EXPECT_EQ(house.service->counts().refused, 1);
}

TEST(Notify, GoesOnlyWhereTheListAllows) {
  House house;
  ASSERT_TRUE(house.create(request()));
  const auto with_attach = [](const std::string& attach) {
    auto said = facts(request());
    said.attach = attach;
    return FakeGateway::notification(said, "event-" + attach);
  };
  for (const std::string& attach :
       {to_json({"internal", "exchange.order", "mia"}), to_json({"queue.order", "exchange.x", "m"}),
        std::string("{"), std::string(), std::string(128, 'x'),
        std::string(R"({"queue":"queueSeckillOrder","queue":"queue.order",)"
                    R"("exchange":"exchange.order","username":""})")}) {
    // An empty one falls back to the ledger, where there is such a payment.
    auto raw = with_attach(attach);
    if (attach.empty()) {
      auto unknown = facts(request("Unknown-1"));
      unknown.attach.clear();
      raw = FakeGateway::notification(unknown, "event-unknown");
    }
    const auto answer = house.notify(raw);
    EXPECT_EQ(answer.status, 400) << attach;
    EXPECT_THAT(answer.body, HasSubstr("attach")) << attach;
  }
  for (const auto& state : house.bus->queues())
    EXPECT_EQ(state.ready, 0) << state.queue;
  EXPECT_EQ(house.find("No123456")->standing, Standing::open) << "nobody has heard of the money";
  for (const auto& entry : house.notifications()) {
    EXPECT_EQ(entry.verdict, Verdict::refused);
    EXPECT_THAT(entry.event_id, Not(IsEmpty())) << "verified, and kept";
  }
  EXPECT_THAT(house.notifications(), SizeIs(6));
}

TEST(Notify, VerifiedMoneyThatLeadsNowhereIsAnAlarm) {
  const bus::testing::CapturedLog log;
  House house;
  auto elsewhere = request();
  elsewhere.attach.queue = "internal";
  EXPECT_EQ(house.notify(paid(elsewhere, "T77")).status, 400);
  EXPECT_EQ(log.count("alarm: a verified notification leads nowhere"), 1);
  EXPECT_EQ(log.count("No123456"), 1);
  EXPECT_EQ(log.count("T77"), 1);
  auto forged = paid(elsewhere, "T78");
  forged.headers.clear();
  EXPECT_EQ(house.notify(forged).status, 400);
  EXPECT_EQ(log.count("alarm"), 1) << "strangers raise none";
}

TEST(Notify, OneThatWasTurnedAwayIsRoutedOnceTheListAllowsIt) {
  House house;
  auto asked = request();
  asked.attach.queue = "internal";
  EXPECT_EQ(house.notify(paid(asked)).status, 400);
  house.allowed.push_back({"exchange.order", "internal", "internal"});
  house.restart();
  EXPECT_EQ(house.notify(paid(asked)).status, 200);
  EXPECT_THAT(house.messages("internal"), SizeIs(1));
  const auto log = house.notifications();
  ASSERT_THAT(log, SizeIs(1));
  EXPECT_EQ(log[0].verdict, Verdict::routed);
  EXPECT_EQ(log[0].repetitions, 1);
}

TEST(Notify, ARefundGoesWhereThePaymentWent) {
  House house;
  ASSERT_TRUE(house.create(request()));
  ASSERT_EQ(house.notify(paid(request())).status, 200);
  const auto refund = FakeGateway::refund_notification("No123456", "event-refund");
  EXPECT_EQ(house.notify(refund).status, 200);
  const auto messages = house.messages();
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(messages[1].body, R"({"refund_status":"SUCCESS","out_trade_no":"No123456"})");
  EXPECT_EQ(house.find("No123456")->standing, Standing::refunded);
}

TEST(Notify, ARefundGoesOnlyWhereTheListStillAllows) {
  House house;
  house.allowed.push_back({"exchange.order", "internal", "internal"});
  house.restart();
  auto asked = request();
  asked.attach.queue = "internal";
  ASSERT_TRUE(house.create(asked));
  ASSERT_EQ(house.notify(paid(asked)).status, 200);
  house.allowed.pop_back();
  house.restart();
  const bus::testing::CapturedLog log;
  const auto refund = FakeGateway::refund_notification("No123456", "event-refund");
  const auto answer = house.notify(refund);
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("not on the configured list"));
  EXPECT_EQ(log.count("alarm: a verified notification leads nowhere"), 1);
  EXPECT_EQ(house.notifications().at(0).verdict, Verdict::refused);
  EXPECT_EQ(house.find("No123456")->standing, Standing::paid) << "nobody has heard of the refund";
}

TEST(Notify, ARepetitionIsAcknowledgedAndCarriedOnce) {
  House house;
  ASSERT_TRUE(house.create(request()));
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(house.notify(paid(request())).status, 200);
  house.restart();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(house.notify(paid(request())).status, 200);
  EXPECT_EQ(house.notifications().at(0).repetitions, 9);
  house.restart();
  EXPECT_EQ(house.notifications().at(0).repetitions, 9);
  EXPECT_THAT(house.notifications(), SizeIs(1));
  EXPECT_THAT(house.messages(), SizeIs(1));
}

TEST(Notify, AThousandAtOnceAreOneMessage) {
  constexpr int kThreads = 4;
  constexpr int kEach = 250;
  House house;
  std::atomic<int> acknowledged{0};
  std::latch all(kThreads * kEach);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          house.service->notify(paid(request()), [&](const Acknowledgement& answer) {
            if (answer.status == 200) ++acknowledged;
            all.count_down();
          });
        }
      });
    }
  }
  all.wait();
  EXPECT_EQ(acknowledged, kThreads * kEach);
  EXPECT_EQ(house.notifications().at(0).repetitions, kThreads * kEach - 1);
  EXPECT_EQ(house.service->counts().routed, 1);
  EXPECT_EQ(house.service->counts().repeated, kThreads * kEach - 1);
  EXPECT_THAT(house.messages(), SizeIs(1));
}

TEST(Notify, WithoutAnIdCannotBeToldFromItsRepetition) {
  House house;
  EXPECT_EQ(house.notify(FakeGateway::notification(facts(request()), "")).status, 400);
  EXPECT_EQ(house.queued(), 0);
}

TEST(Notify, FieldsThatAreNoTextAreRefused) {
  House house;
  auto raw = paid(request());
  raw.body += "openid=\xff\xfe\n";
  EXPECT_EQ(house.notify(raw).status, 400);
  EXPECT_EQ(house.queued(), 0);
}

TEST(Notify, WhatIsTooLargeIsNotEvenRead) {
  House house;
  auto raw = paid(request());
  raw.body += "padding=" + std::string(64 * 1024, 'x') + "\n";
  EXPECT_THAT(house.notify(raw).body, HasSubstr("at most"));
  raw = paid(request());
  raw.headers.emplace_back("X-Padding", std::string(16 * 1024, 'x'));
  EXPECT_EQ(house.notify(raw).status, 400);
  EXPECT_EQ(house.queued(), 0);
  for (const auto& entry : house.notifications()) {
    EXPECT_LE(entry.raw.body.size(), kMaxRefusedBytes);
  }
}

TEST(Notify, ForgeriesCannotFillTheDisk) {
  House house;
  house.refused_per_minute = 10;
  house.refused_kept = 15;
  house.restart();
  RawNotification forged;
  for (int i = 0; i < 30; ++i) {
    forged.body = "forged=" + std::to_string(i);
    EXPECT_EQ(house.notify(forged).status, 400);
  }
  EXPECT_THAT(house.notifications(), SizeIs(10));
  EXPECT_EQ(house.service->counts().not_logged, 20);
  ASSERT_EQ(house.notify(paid(request())).status, 200);
  house.now_ms += Span::seconds(61).ms;
  for (int i = 30; i < 60; ++i) {
    forged.body = "forged=" + std::to_string(i);
    EXPECT_EQ(house.notify(forged).status, 400);
  }
  const auto log = house.notifications();
  ASSERT_THAT(log, SizeIs(16)) << "what was verified is kept";
  EXPECT_EQ(log.front().raw.body, "forged=39") << "the newest first";
  EXPECT_EQ(log.back().raw.body, "forged=5") << "the oldest went";
}

TEST(Notifications, AreListedNewestFirstInPagesAndByOrder) {
  House house;
  for (int i = 0; i < 5; ++i) {
    const auto asked = request("Listed-" + std::to_string(i % 2));
    ASSERT_EQ(house.notify(paid(asked, "T" + std::to_string(i))).status, 200);
  }
  const auto transactions = [](const std::vector<NotificationEntry>& entries) {
    std::vector<std::string> all;
    all.reserve(entries.size());
    for (const auto& entry : entries)
      all.push_back(entry.transaction_id);
    return all;
  };
  const auto page = house.notifications({}, {}, 2);
  EXPECT_THAT(transactions(page), ElementsAre("T4", "T3"));
  EXPECT_THAT(transactions(house.notifications({}, page.back().sequence)),
              ElementsAre("T2", "T1", "T0"));
  EXPECT_THAT(transactions(house.notifications("Listed-1")), ElementsAre("T3", "T1"));
  EXPECT_THAT(house.notifications("Listed-9"), IsEmpty());
  EXPECT_THAT(house.notifications(""), IsEmpty());
}

TEST(Replay, PublishesAgainAsANewMessage) {
  House house;
  ASSERT_EQ(house.notify(paid(request())).status, 200);
  house.now_ms += 1000;
  const auto replayed = house.replay(house.notifications().at(0).sequence);
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_EQ(replayed->verdict, Verdict::routed);
  const auto messages = house.messages();
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(messages[0].body, messages[1].body);
  EXPECT_NE(messages[0].id, messages[1].id);
}

TEST(Replay, RefusesWhatIsUnknownOrWasRefused) {
  House house;
  EXPECT_EQ(house.replay(1).error().kind, ServiceError::Kind::invalid);
  house.notify({});
  EXPECT_EQ(house.replay(house.notifications().at(0).sequence).error().kind,
            ServiceError::Kind::invalid);
  auto asked = request();
  asked.attach.queue = "internal";
  house.notify(paid(asked));
  EXPECT_EQ(house.replay(house.notifications().at(0).sequence).error().kind,
            ServiceError::Kind::invalid);
  EXPECT_EQ(house.queued("internal"), 0);
}

}  // namespace
}  // namespace sluice::payment
