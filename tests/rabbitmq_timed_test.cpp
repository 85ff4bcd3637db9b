// Messages that wait at a real RabbitMQ, and what is parked at once. The broker is the one of
// rabbitmq_test.cpp, which this is linked with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>

#include "bus/rabbitmq.h"
#include "bus/testing.h"
#include "support/rabbit_broker.h"

namespace sluice::bus {
namespace {

using ::testing::HasSubstr;

using test::eventually;

class RabbitTimedBus : public ::testing::TestWithParam<QueueKind> {
 protected:
  RabbitTimedBus() {
    std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    test.replace(test.find('/'), 1, ".");
    exchange_ = "exchange.timed." + test;
    queue_ = "queue.timed." + test;
    room_ = {queue_ + ".waiting", Span{700}, exchange_, queue_};
    RabbitOptions options;
    options.url = *parse_amqp_url(test::broker().url());
    options.kind = GetParam();
    options.window.patience = Span::seconds(120);  // longer than a broker takes to start
    options.count_interval = Span{100};
    auto opened = open_rabbitmq(options, {{exchange_, queue_, queue_}});
    if (!opened) throw std::runtime_error(opened.error().message);
    bus_ = std::move(*opened);
    if (!bus_->consume(queue_, 10, desk_.consumer())) throw std::runtime_error("no consumer");
  }
  ~RabbitTimedBus() override { bus_->stop(); }

  Result<> later(const std::string& body) {
    std::promise<Result<>> confirmed;
    bus_->publish_later(room_, testing::message(body),
                        [&](Result<> result) { confirmed.set_value(std::move(result)); });
    return confirmed.get_future().get();
  }
  std::string refusal(const WaitingRoom& room, std::string body = "x") {
    room_ = room;
    const auto result = later(body);
    return result ? std::string{} : result.error().message;
  }

  std::string exchange_;
  std::string queue_;
  WaitingRoom room_;
  testing::Desk desk_;
  std::unique_ptr<TimedBus> bus_;
};

TEST_P(RabbitTimedBus, AMessageComesAfterItsTimeAndNotBefore) {
  const auto started = std::chrono::steady_clock::now();
  ASSERT_TRUE(later("a"));
  auto delivery = desk_.next();
  EXPECT_GE(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(700));
  EXPECT_EQ(delivery->message().body, "a");
  EXPECT_EQ(delivery->message().id, "id-a");
  EXPECT_EQ(delivery->message().timestamp, Instant{1'795'000'000'000});
  EXPECT_EQ(delivery->attempt(), 1U);
  delivery->acknowledge();
}

TEST_P(RabbitTimedBus, AWaitingMessageOutlivesAKilledBroker) {
  room_.wait = Span{3'000};
  // A quorum queue that is younger than that when its only node is killed does not come back
  // (RabbitMQ 3.10): the first message gives it its time.
  ASSERT_TRUE(later("first"));
  EXPECT_EQ(desk_.take(1), std::vector<std::string>{"first"});
  const auto started = std::chrono::steady_clock::now();
  ASSERT_TRUE(later("a"));
  test::broker().kill();
  test::broker().start();
  auto delivery = desk_.next();
  EXPECT_GE(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(3'000));
  EXPECT_EQ(delivery->message().body, "a");
  delivery->acknowledge();
}

TEST_P(RabbitTimedBus, ADeletedWaitingRoomIsDeclaredAgain) {
  room_.wait = Span::seconds(600);
  ASSERT_TRUE(later("lost with its queue"));
  test::broker().peer({"delete", room_.queue});
  EXPECT_TRUE(later("a")) << "it is sent again once the queue is there again";
  EXPECT_EQ(test::broker().peer({"get", room_.queue})[0].at("body"), "a");
}

TEST_P(RabbitTimedBus, ARoomOfAnotherKindFailsItsOwnPublishesOnly) {
  test::broker().peer({"declare", room_.queue, R"({"x-message-ttl":5})"});
  const WaitingRoom occupied = room_;
  EXPECT_THAT(refusal(occupied), HasSubstr(room_.queue));
  EXPECT_THAT(refusal(occupied), HasSubstr("delete_queue"));
  EXPECT_TRUE(bus_->healthy()) << "the connection is still the same";
  room_.queue += ".other";
  EXPECT_TRUE(later("a"));
  EXPECT_EQ(desk_.take(1), std::vector<std::string>{"a"});
}

TEST_P(RabbitTimedBus, RefusesWhatCouldNotComeBack) {
  WaitingRoom room = room_;
  room.exchange = "exchange.nowhere";
  EXPECT_THAT(refusal(room), HasSubstr("no exchange"));
  room = {"", Span{1}, exchange_, queue_};
  EXPECT_THAT(refusal(room), HasSubstr("0 bytes"));
  room = {std::string(256, 'q'), Span{1}, exchange_, queue_};
  EXPECT_THAT(refusal(room), HasSubstr("256 bytes"));
  for (const Span wait : {Span{0}, Span{-1}, Span{kLongestWait.ms + 1}}) {
    room = {"queue", wait, exchange_, queue_};
    EXPECT_THAT(refusal(room), HasSubstr("49 days"));
  }
  room = {queue_ + ".waiting", Span{1}, exchange_, queue_};
  EXPECT_THAT(refusal(room, std::string(kMaxMessageBytes + 1, 'x')), HasSubstr("above the limit"));
}

TEST_P(RabbitTimedBus, WhatNobodyUnderstandsIsParkedAtOnce) {
  ASSERT_TRUE(testing::send(*bus_, testing::message("gibberish"), queue_, exchange_));
  desk_.next()->park();
  EXPECT_TRUE(eventually([&] { return testing::state_of(*bus_, queue_).parked == 1; }));
  EXPECT_TRUE(eventually([&] { return testing::state_of(*bus_, queue_).unacknowledged == 0; }));
  EXPECT_EQ(test::broker().peer({"get", queue_ + ".parked"})[0].at("body"), "gibberish");
}

TEST(RabbitTimedQueue, ThatTakesNothingHoldsNobodyElseUp) {
  const std::string queue = "queue.timed.stuck", exchange = "exchange.timed.stuck";
  const WaitingRoom room{queue + ".waiting", Span::seconds(600), exchange, queue};
  RabbitOptions options;
  options.url = *parse_amqp_url(test::broker().url());
  options.window.patience = Span::seconds(120);
  auto opened = open_rabbitmq(options, {{exchange, queue, queue}});
  ASSERT_TRUE(opened) << opened.error().message;
  auto bus = std::move(*opened);
  std::promise<Result<>> made;
  bus->publish_later(room, testing::message("first"),
                     [&](Result<> result) { made.set_value(std::move(result)); });
  ASSERT_TRUE(made.get_future().get());
  // As after a crash that cut its making short: the queue is there and has no leader.
  test::broker().control("eval \"ra:stop_server(quorum_queues, {'%2F_" + room.queue +
                         "', node()}).\"");
  for (int i = 0; i < 300; ++i)
    bus->publish_later(room, testing::message("stuck"), [](const Result<>&) {});
  for (int i = 0; i < 100; ++i) {
    auto confirmed = std::make_shared<std::promise<Result<>>>();
    auto answer = confirmed->get_future();
    bus->publish(exchange, queue, testing::message("other"),
                 [confirmed](Result<> result) { confirmed->set_value(std::move(result)); });
    ASSERT_EQ(answer.wait_for(std::chrono::seconds(30)), std::future_status::ready) << i;
    EXPECT_TRUE(answer.get());
  }
  bus->stop();
}

INSTANTIATE_TEST_SUITE_P(Kinds, RabbitTimedBus,
                         ::testing::Values(QueueKind::quorum, QueueKind::classic),
                         [](const auto& kind) {
                           return kind.param == QueueKind::quorum ? "quorum" : "classic";
                         });

}  // namespace
}  // namespace sluice::bus
