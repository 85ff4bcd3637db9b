// The desk on a history that the test writes: what is told, in which order, and when again.
#include <gmock/gmock.h>

#include "webhook/book.h"
#include "webhook/protocol.h"
#include "webhook/testing.h"

namespace sluice::webhook::testing {
namespace {

using sale::HistoryEvent;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(DeskTest, TellsWhatHappensFromTheRegistrationOn) {
  source_.add(1, HistoryEvent::paid);
  source_.empty = {ItemNo{7}};
  add();
  step();
  EXPECT_THAT(sender_.sent, IsEmpty());
  source_.add(2, HistoryEvent::paid);
  source_.add(3, HistoryEvent::expired);
  source_.empty.insert(ItemNo{8});
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_2", "evt_3", "evt_3_8"));
}

TEST_F(DeskTest, TheBodyIsTheOrderAsTheEventLeftIt) {
  add();
  source_.add(4, HistoryEvent::cancelled);
  source_.history.back().order.transaction_id = "later";
  advance(Span::seconds(1));
  ASSERT_EQ(sender_.sent.size(), 1U);
  EXPECT_EQ(
      sender_.sent[0].delivery.body,
      R"({"id":"evt_1_1800000000000","type":"order.cancelled","created_at":"2027-01-15T08:00:00.000Z",)"
      R"("user":"alice","order":{"id":"No4","status":"cancelled"}})");
}

TEST_F(DeskTest, AnEndpointHearsOnlyWhatItAskedFor) {
  EventSet events;
  events.add(EventType::order_refunded);
  add("http://one.example/", events);
  source_.add(1, HistoryEvent::paid);
  source_.add(1, HistoryEvent::refunded);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_2"));
}

TEST_F(DeskTest, ALaterEventOfAnOrderWaitsForTheEarlierOne) {
  add();
  source_.add(1, HistoryEvent::paid);
  source_.add(1, HistoryEvent::refunded);
  source_.add(2, HistoryEvent::paid);
  advance(Span::seconds(1));
  EXPECT_EQ(sender_.sent.size(), 2U);  // one of each order
  answer(500);
  answer(200);
  advance(Span::seconds(1));
  EXPECT_THAT(sender_.sent, IsEmpty());
  now_ = now_ + kFirstRetry;
  answer_all(204);
  EXPECT_THAT(taken_, ElementsAre("evt_3", "evt_1", "evt_2"));
}

TEST_F(DeskTest, AReceiverThatWasDownGetsEverythingInOrder) {
  add();
  for (int order = 1; order <= 50; ++order) {
    source_.add(order, HistoryEvent::paid);
    source_.add(order, HistoryEvent::refunded);
  }
  for (int minute = 0; minute < 600; ++minute) {
    now_ = now_ + Span::seconds(60);
    answer_all(0);
    if (minute % 100 == 50) open();
  }
  EXPECT_THAT(taken_, IsEmpty());
  EXPECT_EQ(desk_->counts().failed, 0U);
  // Back after ten hours: everything comes within two minutes, not after the pauses of each.
  now_ = now_ + Span::seconds(60);
  answer_all(200);
  now_ = now_ + Span::seconds(60);
  answer_all(200);
  ASSERT_EQ(taken_.size(), 100U);
  const auto place = [&](std::int64_t sequence) {
    return std::ranges::find(taken_, "evt_" + std::to_string(sequence)) - taken_.begin();
  };
  for (std::int64_t sequence = 1; sequence < 100; sequence += 2)
    EXPECT_LT(place(sequence), place(sequence + 1)) << sequence;
}

TEST_F(DeskTest, WhatWasInFlightAtACrashComesAgain) {
  add();
  source_.add(1, HistoryEvent::paid);
  advance(Span::seconds(1));
  ASSERT_EQ(sender_.sent.size(), 1U);
  const std::string body = sender_.sent[0].delivery.body;
  open();
  step();
  ASSERT_EQ(sender_.sent.size(), 1U);
  EXPECT_EQ(sender_.sent[0].delivery.body, body);
  EXPECT_EQ(sender_.sent[0].delivery.event_id, "evt_1_1800000000000");
}

TEST_F(DeskTest, AnEventIsToldOnceThoughItIsReadAgain) {
  add();
  source_.add(1, HistoryEvent::paid);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  open();
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1"));
}

/// A history that is read again while the queue is full must not stop on what was refused before.
TEST_F(DeskTest, WhatWasRefusedIsRefusedOnceThoughItIsReadAgain) {
  const Endpoint endpoint = add();
  desk_.reset();
  auto book = Book::open(directory_);
  ASSERT_TRUE(book.has_value()) << book.error().message;
  const Event event = ping_event(1, now_);
  for (const bool first : {true, false}) {
    const auto logged = (*book)->log_refused(endpoint.no, event, now_, "not tried");
    ASSERT_TRUE(logged.has_value()) << logged.error().message;
    EXPECT_EQ(*logged, first);
  }
  const auto queued = (*book)->enqueue(endpoint.no, event, now_);
  ASSERT_TRUE(queued.has_value()) << queued.error().message;
  EXPECT_FALSE(*queued) << "room that came later does not bring it back";
  EXPECT_EQ((*book)->failed(endpoint.no).value_or(-1), 1);
  EXPECT_EQ((*book)->pending(endpoint.no).value_or(-1), 0);
}

TEST_F(DeskTest, ASlowReceiverDelaysNoOther) {
  add("http://slow.example/");
  add("http://fast.example/");
  for (int order = 1; order <= 40; ++order)
    source_.add(order, HistoryEvent::paid);
  advance(Span::seconds(1));
  EXPECT_EQ(in_flight("http://slow.example/"), kAtOnce);
  while (answer(200, "http://fast.example/"))
    step();
  EXPECT_EQ(taken_.size(), 40U);
  EXPECT_EQ(in_flight("http://slow.example/"), kAtOnce);
}

TEST_F(DeskTest, OneEventThatIsNeverTakenStopsNoOtherOrder) {
  add();
  source_.add(1, HistoryEvent::paid);
  advance(Span::seconds(1));
  for (int i = 0; i < 4; ++i) {
    answer(500);
    advance(Span::seconds(3600));
  }
  ASSERT_EQ(sender_.sent.size(), 1U);  // the poisoned one again
  for (int order = 2; order <= 9; ++order)
    source_.add(order, HistoryEvent::paid);
  advance(Span::seconds(1));
  answer(500);
  step();
  now_ = now_ + kLastHold;
  answer_all(200);
  EXPECT_GE(taken_.size(), 8U);
}

TEST_F(DeskTest, ADeadReceiverIsAskedNowAndThenOnly) {
  add();
  for (int order = 1; order <= 1000; ++order)
    source_.add(order, HistoryEvent::paid);
  for (int second = 0; second < 3600; ++second) {
    now_ = now_ + Span::seconds(1);
    answer_all(0);
  }
  EXPECT_LT(log_.size(), 200U);
  EXPECT_GT(log_.size(), 50U);
}

TEST_F(DeskTest, GivesUpAfterADayAndCanBeAskedToSendAgain) {
  const Endpoint endpoint = add();
  source_.add(1, HistoryEvent::paid);
  source_.add(1, HistoryEvent::refunded);
  for (int hour = 0; hour < 60; ++hour) {
    now_ = now_ + Span::seconds(3600);
    answer_all(503);
  }
  EXPECT_EQ(desk_->counts().pending, 0U);
  EXPECT_EQ(desk_->counts().failed, 2U);
  auto again = desk_->redeliver_failed(endpoint.id, now_);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, 2);
  now_ = now_ + kLastHold;
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1", "evt_2"));
}

TEST_F(DeskTest, WhatWasNeverTriedIsNotGivenUpUntilTheReceiverWasAsked) {
  add();
  source_.add(1, HistoryEvent::paid);
  step();
  now_ = now_ + Span::seconds(48 * 3600);  // the server stood still for two days
  open();
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1"));
}

TEST_F(DeskTest, LogsEachAttempt) {
  const Endpoint endpoint = add();
  source_.add(1, HistoryEvent::paid);
  advance(Span::seconds(1));
  answer(0);
  step();
  advance(kFirstRetry);
  answer(200);
  step();
  auto list = desk_->deliveries(endpoint.id, {});
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->size(), 1U);
  auto one = desk_->delivery(endpoint.id, list->front().no);
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->state, DeliveryState::delivered);
  ASSERT_EQ(one->log.size(), 2U);
  EXPECT_EQ(one->log[0].error, "connection refused");
  EXPECT_EQ(one->log[1].status, 200);
}

TEST_F(DeskTest, PausedItKeepsEverything) {
  const Endpoint endpoint = add();
  webhook::EndpointChange pause;
  pause.paused = true;
  ASSERT_TRUE(desk_->change(endpoint.id, pause, now_).has_value());
  source_.add(1, HistoryEvent::paid);
  advance(Span::seconds(30 * 3600));
  EXPECT_THAT(sender_.sent, IsEmpty());
  pause.paused = false;
  ASSERT_TRUE(desk_->change(endpoint.id, pause, now_).has_value());
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1"));
}

TEST_F(DeskTest, APauseDoesNotCountAsTheReceiversFault) {
  const Endpoint endpoint = add();
  webhook::EndpointChange pause;
  pause.paused = true;
  ASSERT_TRUE(desk_->change(endpoint.id, pause, now_).has_value());
  for (int order = 1; order <= 7; ++order)
    source_.add(order, HistoryEvent::paid);
  advance(Span::seconds(72 * 3600));
  pause.paused = false;
  ASSERT_TRUE(desk_->change(endpoint.id, pause, now_).has_value());
  for (int hour = 0; hour < 5; ++hour) {
    answer_all(503);
    now_ = now_ + Span::seconds(3600);
  }
  EXPECT_EQ(desk_->counts().given_up, 0U);
  EXPECT_EQ(desk_->counts().pending, 7U);
  answer_all(200);
  EXPECT_EQ(taken_.size(), 7U);
  EXPECT_EQ(desk_->counts().pending, 0U);
}

TEST_F(DeskTest, NorDoesAServerThatStoodStill) {
  add();
  source_.add(1, HistoryEvent::paid);
  step();
  now_ = now_ + Span::seconds(48 * 3600);
  open();
  answer_all(503);
  now_ = now_ + Span::seconds(3600);
  EXPECT_EQ(desk_->counts().given_up, 0U);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1"));
}

TEST_F(DeskTest, APingGoesBeforeWhatWaits) {
  const Endpoint endpoint = add();
  for (int order = 1; order <= 20; ++order)
    source_.add(order, HistoryEvent::paid);
  for (int i = 0; i < 20; ++i) {
    now_ = now_ + Span::seconds(60);
    answer_all(0);
  }
  ASSERT_TRUE(desk_->ping(endpoint.id, now_).has_value());
  step();
  ASSERT_EQ(sender_.sent.size(), 1U);
  EXPECT_EQ(sender_.sent[0].delivery.type, EventType::ping);
}

TEST_F(DeskTest, ItemsAreToldAgainAfterUnitsCameBack) {
  add();
  source_.empty = {ItemNo{3}};
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  EXPECT_EQ(taken_.size(), 1U);
  open();  // what was told is remembered
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  EXPECT_EQ(taken_.size(), 1U);
  source_.empty.clear();
  source_.add(1, HistoryEvent::expired);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  source_.empty = {ItemNo{3}};
  source_.add(2, HistoryEvent::paid);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_0_3", "evt_1", "evt_2", "evt_2_3"));
}

TEST_F(DeskTest, AnOlderRecordBeginsAnew) {
  add();
  for (int order = 1; order <= 9; ++order)
    source_.add(order, HistoryEvent::paid);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  source_.history.resize(3);
  source_.head = 3;
  advance(Span::seconds(1));
  taken_.clear();
  source_.add(4, HistoryEvent::expired, now_);
  source_.add(5, HistoryEvent::expired, now_);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  // Rows 4 and 5 were told before, as something else: their ids are not the same.
  EXPECT_THAT(taken_, ElementsAre("evt_4", "evt_5"));
}

TEST_F(DeskTest, ARecordThatCannotBeReadIsTriedAgain) {
  add();
  source_.add(1, HistoryEvent::paid);
  source_.broken = true;
  advance(Span::seconds(1));
  EXPECT_FALSE(desk_->counts().healthy);
  source_.broken = false;
  now_ = now_ + Span::seconds(2);
  answer_all(200);
  EXPECT_TRUE(desk_->counts().healthy);
  EXPECT_THAT(taken_, ElementsAre("evt_1"));
}

TEST_F(DeskTest, RefusesEndpointsThatCannotBe) {
  EndpointDraft draft;
  for (const char* url : {"", "shop.example/hooks", "ftp://shop.example/", "file:///etc/passwd",
                          "http://user:word@shop.example/", "http://shop.example/#part",
                          "http://shop.example/a b", "http://shop.example/\r\nX: y", "https://"}) {
    draft.url = url;
    const auto made = desk_->add(draft, now_);
    ASSERT_FALSE(made.has_value()) << url;
    EXPECT_EQ(made.error().kind, FaultKind::invalid) << url;
  }
  draft.url = "https://shop.example/hooks?a=b@c";
  EXPECT_TRUE(desk_->add(draft, now_).has_value());
  draft.secret = "short";
  EXPECT_FALSE(desk_->add(draft, now_).has_value());
  draft.secret.clear();
  draft.events = EventSet{};
  EXPECT_FALSE(desk_->add(draft, now_).has_value());
  draft.events = EventSet::all();
  for (std::size_t i = 1; i < kMaxEndpoints; ++i)
    ASSERT_TRUE(desk_->add(draft, now_).has_value());
  const auto above = desk_->add(draft, now_);
  ASSERT_FALSE(above.has_value());
  EXPECT_EQ(above.error().kind, FaultKind::too_many);
}

TEST_F(DeskTest, TheConfiguredEndpointFollowsTheConfiguration) {
  configured_ = EndpointDraft{"http://config.example/", "a-secret-of-mine-1", EventSet::all(), ""};
  open();
  EXPECT_EQ(desk_->remove("config").error().kind, FaultKind::configured);
  configured_->url = "http://other.example/";
  open();
  EXPECT_EQ(desk_->endpoint("config", now_)->endpoint.url, "http://other.example/");
  configured_.reset();
  open();
  EXPECT_FALSE(desk_->endpoint("config", now_).has_value());
}

TEST_F(DeskTest, RemovesWhatIsOldAndWhatBelongsToNobody) {
  const Endpoint first = add();
  const Endpoint second = add("http://two.example/");
  source_.add(1, HistoryEvent::paid);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  ASSERT_TRUE(desk_->remove(second.id).has_value());
  EXPECT_EQ(desk_->deliveries(first.id, {})->size(), 1U);
  advance(Span::seconds(8 * 24 * 3600));
  EXPECT_EQ(desk_->deliveries(first.id, {})->size(), 0U);
  EXPECT_FALSE(desk_->deliveries(second.id, {}).has_value());
}

TEST_F(DeskTest, OneDeliveryIsSentAgainBeforeWhatFollowsIt) {
  const Endpoint endpoint = add();
  source_.add(1, HistoryEvent::paid);
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  const std::int64_t no = desk_->deliveries(endpoint.id, {})->front().no;
  source_.add(1, HistoryEvent::refunded);
  advance(Span::seconds(1));
  answer(500);
  step();
  ASSERT_TRUE(desk_->redeliver(endpoint.id, no, now_).has_value());
  EXPECT_EQ(desk_->redeliver(endpoint.id, no, now_).error().kind, FaultKind::not_failed);
  now_ = now_ + kFirstRetry;
  taken_.clear();
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1", "evt_2"));
}

}  // namespace
}  // namespace sluice::webhook::testing
