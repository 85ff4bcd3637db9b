// The bus over a real RabbitMQ: confirms, returns, cuts, a killed broker, poison, and what another
// people's client sees. One broker for the whole program; names of exchanges and queues per test.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bus/rabbitmq.h"
#include "bus/testing.h"
#include "support/rabbit_broker.h"
#include "support/tcp_proxy.h"

namespace sluice::bus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using test::eventually;

class RabbitBus : public ::testing::Test {
 protected:
  RabbitBus() {
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    exchange_ = "exchange." + test;
    queue_ = "queue." + test;
    options_.url = *parse_amqp_url(test::broker().url());
    options_.window.patience = Span::seconds(120);  // longer than a broker takes to start
    options_.count_interval = Span{100};
  }
  ~RabbitBus() override {
    if (bus_) bus_->stop();
  }

  void open() {
    bus_.reset();
    auto opened = open_rabbitmq(options_, {{exchange_, queue_, queue_}});
    if (!opened) throw std::runtime_error(opened.error().message);
    bus_ = std::move(*opened);
  }
  void open_by(std::uint16_t port) {
    options_.url = *parse_amqp_url(test::broker().url(port));
    open();
  }
  Result<> send(const std::string& body) {
    return testing::send(*bus_, testing::message(body), queue_, exchange_);
  }
  /// Publishes without waiting; `told_` counts the answers.
  void post(const std::string& body) {
    bus_->publish(exchange_, queue_, testing::message(body), [this](const Result<>& result) {
      const std::lock_guard lock(mutex_);
      ++told_;
      if (!result) ++failed_;
      if (!result) last_error_ = result.error().message;
    });
  }
  std::size_t told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  std::size_t failed() {
    const std::lock_guard lock(mutex_);
    return failed_;
  }
  Bus::QueueState state() const { return testing::state_of(*bus_, queue_); }

  RabbitOptions options_;
  std::string exchange_;
  std::string queue_;
  testing::Desk desk_;
  std::mutex mutex_;
  std::size_t told_ = 0;
  std::size_t failed_ = 0;
  std::string last_error_;
  std::unique_ptr<Bus> bus_;
};

TEST_F(RabbitBus, AnotherClientSeesWhatTheContractSays) {
  open();
  const std::string body = R"({"out_trade_no":"No382966440002584576","attach":"深圳"})";
  ASSERT_TRUE(testing::send(*bus_, {"id-1", "application/json", Instant{1'795'000'000'123}, body},
                            queue_, exchange_));
  const auto seen = test::broker().peer({"get", queue_});
  ASSERT_EQ(seen.size(), 1U);
  const auto& message = seen[0].as_object();
  EXPECT_EQ(message.at("exchange"), boost::json::value(exchange_));
  EXPECT_EQ(message.at("routing_key"), boost::json::value(queue_));
  EXPECT_EQ(message.at("body"), boost::json::value(body));
  EXPECT_EQ(message.at("message_id"), "id-1");
  EXPECT_EQ(message.at("content_type"), "application/json");
  EXPECT_EQ(message.at("timestamp"), 1'795'000'000);
  EXPECT_EQ(message.at("delivery_mode"), 2) << "persistent";
}

TEST_F(RabbitBus, AnotherClientsMessagesArrive) {
  open();
  ASSERT_TRUE(bus_->consume(queue_, 10, desk_.consumer()));
  test::broker().peer({"publish", exchange_, queue_, "plain"});
  test::broker().peer({"publish", exchange_, queue_, "full",
                       R"({"message_id":"m1","content_type":"text/plain","timestamp":1795000000,
                  "headers":{"x-sluice-attempts":-3,"x-delivery-count":"many"}})"});
  auto plain = desk_.next();
  EXPECT_EQ(plain->message().body, "plain");
  EXPECT_EQ(plain->message().id, "");
  EXPECT_EQ(plain->queue(), queue_);
  EXPECT_EQ(plain->attempt(), 1U);
  plain->acknowledge();
  auto full = desk_.next();
  EXPECT_EQ(full->message().id, "m1");
  EXPECT_EQ(full->message().content_type, "text/plain");
  EXPECT_EQ(full->message().timestamp, Instant{1'795'000'000'000});
  EXPECT_EQ(full->attempt(), 1U) << "a stranger's headers count nothing";
  full->acknowledge();
  EXPECT_TRUE(eventually([&] { return state().unacknowledged == 0 && state().ready == 0; }));
}

TEST_F(RabbitBus, WhatIsPublishedIsConsumedOnceInOrder) {
  open();
  ASSERT_TRUE(bus_->consume(queue_, 100, desk_.consumer()));
  constexpr std::size_t kCount = 3'000;  // more than the window
  for (std::size_t i = 0; i < kCount; ++i)
    post(std::to_string(i));
  const auto bodies = desk_.take(kCount);
  for (std::size_t i = 0; i < kCount; ++i)
    ASSERT_EQ(bodies[i], std::to_string(i));
  EXPECT_TRUE(eventually([&] { return told() == kCount; }));
  EXPECT_EQ(failed(), 0U);
  EXPECT_TRUE(eventually([&] {
    return test::broker().control("-q list_queues name messages").find(queue_ + "\t0\n") !=
           std::string::npos;
  })) << "everything was acknowledged";
}

TEST_F(RabbitBus, ADeletedBindingFailsThePublishAndIsDeclaredAgain) {
  open();
  ASSERT_TRUE(send("before"));
  test::broker().peer({"unbind", queue_, exchange_, queue_});
  const auto lost = send("lost");
  ASSERT_FALSE(lost) << "an unroutable message is acked, so its return is what counts";
  EXPECT_THAT(lost.error().message, HasSubstr("no queue"));
  EXPECT_TRUE(send("after"));
  EXPECT_EQ(test::broker().peer({"get", queue_}).size(), 2U);
}

TEST_F(RabbitBus, ADeletedQueueIsMadeAgainAndConsumed) {
  open();
  ASSERT_TRUE(bus_->consume(queue_, 10, desk_.consumer()));
  ASSERT_TRUE(send("1"));
  EXPECT_EQ(desk_.take(1), std::vector<std::string>{"1"});
  test::broker().peer({"delete", queue_});
  EXPECT_TRUE(eventually([&] { return send("2").has_value(); }));
  EXPECT_EQ(desk_.take(1), std::vector<std::string>{"2"});
}

TEST_F(RabbitBus, AQueueWithOtherArgumentsIsAnErrorWithARemedy) {
  test::broker().peer({"declare", queue_, "{}"});
  const auto opened = open_rabbitmq(options_, {{exchange_, queue_, queue_}});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr(queue_));
  EXPECT_THAT(opened.error().message, HasSubstr("rabbitmq.queue_type"));
  options_.kind = QueueKind::classic;
  open();
  EXPECT_TRUE(send("it fits now"));
}

TEST_F(RabbitBus, WhatCannotBeReachedOrEnteredIsToldWithARemedy) {
  const auto problem = [&](const std::string& url) {
    options_.url = *parse_amqp_url(url);
    const auto opened = open_rabbitmq(options_, {{exchange_, queue_, queue_}});
    return opened ? std::string{} : opened.error().message;
  };
  const std::string good = test::broker().url();
  const std::size_t colon = good.find(':', 7);
  std::string wrong = good;
  wrong.replace(colon + 1, good.find('@') - colon - 1, "wrong-password");
  EXPECT_THAT(problem(wrong), HasSubstr("check user and password"));
  EXPECT_THAT(problem(wrong), Not(HasSubstr("wrong-password")));
  EXPECT_THAT(problem(good.substr(0, good.rfind('/')) + "/nowhere"), HasSubstr("add_vhost"));
  EXPECT_THAT(problem("amqp://a:b@127.0.0.1:1/"), HasSubstr("cannot be reached at 127.0.0.1:1"));
}

TEST_F(RabbitBus, RefusesWhatTheBrokerWouldEndTheChannelFor) {
  options_.waiting_publishes = 1;
  open();
  const auto problem = [&](const Result<>& result) {
    return result ? std::string{} : result.error().message;
  };
  EXPECT_THAT(problem(testing::send(*bus_, testing::message("x"), queue_, "exchange.other")),
              HasSubstr("no exchange"));
  EXPECT_THAT(problem(send(std::string(kMaxMessageBytes + 1, 'x'))), HasSubstr("above the limit"));
  EXPECT_THAT(
      problem(testing::send(*bus_, testing::message("x"), std::string(256, 'k'), exchange_)),
      HasSubstr("above AMQP's limit"));
  EXPECT_TRUE(send(std::string(kMaxMessageBytes, 'x'))) << "of several frames";
  EXPECT_EQ(test::broker().peer({"get", queue_})[0].at("bytes"), kMaxMessageBytes);
  EXPECT_THAT(bus_->consume("queue.other", 1, desk_.consumer()).error().message,
              HasSubstr("no queue"));
  EXPECT_TRUE(bus_->consume(queue_, 1, desk_.consumer()));
  EXPECT_THAT(bus_->consume(queue_, 1, desk_.consumer()).error().message, HasSubstr("already"));
}

TEST_F(RabbitBus, NothingConfirmedIsLostWhenRepliesAreCut) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  test::TcpProxy proxy(test::broker().port());
  open_by(proxy.port());
  std::set<std::string> sent;
  for (std::size_t round = 0; round < 12; ++round) {
    const std::size_t cuts = proxy.replies_cut();
    // An ack has 21 bytes: most cuts are in the middle of one.
    proxy.cut_reply_after(std::uniform_int_distribution<std::size_t>(1, 400)(random));
    for (std::size_t i = 0; proxy.replies_cut() == cuts; ++i) {
      const std::string body = std::to_string(round) + "-" + std::to_string(i);
      sent.insert(body);
      post(body);
      // Few at a time: there is something to answer until the cut comes.
      while (sent.size() - told() > 100 && proxy.replies_cut() == cuts)
        std::this_thread::yield();
    }
  }
  ASSERT_TRUE(eventually([&] { return told() == sent.size(); }));
  EXPECT_EQ(failed(), 0U) << last_error_;
  std::set<std::string> stored;
  for (const auto& message : test::broker().peer({"get", queue_}))
    stored.emplace(message.at("body").as_string());
  EXPECT_EQ(stored, sent);
}

TEST_F(RabbitBus, AnUnacknowledgedDeliveryComesAgainAndItsOldAnswerIsIgnored) {
  test::TcpProxy proxy(test::broker().port());
  open_by(proxy.port());
  ASSERT_TRUE(bus_->consume(queue_, 10, desk_.consumer()));
  ASSERT_TRUE(send("a"));
  ASSERT_TRUE(send("b"));
  auto first_a = desk_.next();
  auto first_b = desk_.next();
  EXPECT_EQ(first_a->attempt(), 1U);
  proxy.cut();
  std::map<std::string, std::unique_ptr<Delivery>> second;
  for (int i = 0; i < 2; ++i) {
    auto delivery = desk_.next();
    EXPECT_EQ(delivery->attempt(), 2U);
    second.emplace(delivery->message().body, std::move(delivery));
  }
  // Both have numbers that the new connection uses as well.
  first_b->acknowledge();
  first_a->give_back(Span{0});
  second.at("a")->acknowledge();
  ASSERT_TRUE(send("c"));
  auto c = desk_.next();
  EXPECT_EQ(c->message().body, "c") << "neither answer reached the new connection";
  c->acknowledge();
  second.at("b")->give_back(Span{0});
  auto b = desk_.next();
  EXPECT_EQ(b->message().body, "b");
  EXPECT_EQ(b->attempt(), 3U);
  b->acknowledge();
}

TEST_F(RabbitBus, ConfirmedMessagesOutliveAKilledBroker) {
  open();
  ASSERT_TRUE(bus_->consume(queue_, 100, desk_.consumer()));
  std::set<std::string> sent;
  std::atomic<bool> killed{false};
  std::thread killer([&] {
    while (told() < 200)
      std::this_thread::yield();
    test::broker().kill();
    killed = true;
  });
  for (std::size_t i = 0; !killed || i < 500; ++i) {
    sent.insert(std::to_string(i));
    post(std::to_string(i));
    if (i > 1'000) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  killer.join();
  EXPECT_TRUE(eventually([&] { return !bus_->healthy(); }));
  test::broker().start();
  ASSERT_TRUE(eventually([&] { return told() == sent.size(); }));
  EXPECT_EQ(failed(), 0U) << last_error_;
  EXPECT_TRUE(eventually([&] { return bus_->healthy(); }));
  std::set<std::string> consumed;
  while (consumed.size() < sent.size()) {
    auto delivery = desk_.next();
    consumed.insert(delivery->message().body);
    delivery->acknowledge();
  }
  EXPECT_EQ(consumed, sent);
}

TEST_F(RabbitBus, PoisonIsTriedThenParkedAndSeen) {
  open();
  ASSERT_TRUE(bus_->consume(queue_, 10, desk_.consumer()));
  ASSERT_TRUE(send("poison"));
  for (std::uint32_t attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    auto delivery = desk_.next();
    EXPECT_EQ(delivery->attempt(), attempt);
    EXPECT_EQ(delivery->message().id, "id-poison");
    EXPECT_EQ(delivery->message().timestamp, Instant{1'795'000'000'000});
    // Some by way of a retry queue, others at once.
    delivery->give_back(Span{attempt % 5 == 0 ? 1 : 0});
  }
  EXPECT_TRUE(eventually([&] { return state().parked == 1; }));
  EXPECT_TRUE(eventually([&] { return state().unacknowledged == 0; }));
  const auto parked = test::broker().peer({"get", queue_ + ".parked"});
  ASSERT_EQ(parked.size(), 1U);
  EXPECT_EQ(parked[0].at("body"), "poison");
  EXPECT_EQ(parked[0].at("message_id"), "id-poison");
  EXPECT_EQ(test::broker().peer({"count", queue_})[0], 0);
  // Put back by a person, it counts from the beginning.
  test::broker().peer({"publish", "", queue_, "poison", R"({"message_id":"id-poison"})"});
  auto again = desk_.next();
  EXPECT_EQ(again->attempt(), 1U);
  again->acknowledge();
}

TEST_F(RabbitBus, AProcessThatDiesOfAMessageParksItInTheEnd) {
  test::TcpProxy proxy(test::broker().port());
  open_by(proxy.port());
  ASSERT_TRUE(bus_->consume(queue_, 10, desk_.consumer()));
  ASSERT_TRUE(send("deadly"));
  std::vector<std::unique_ptr<Delivery>> unanswered;
  for (std::uint32_t attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    unanswered.push_back(desk_.next());
    EXPECT_EQ(unanswered.back()->attempt(), attempt);
    proxy.cut();
  }
  EXPECT_TRUE(eventually([&] { return state().parked == 1; }));
  // Dropped now, they are of the past: no copies of them are made.
  unanswered.clear();
  ASSERT_TRUE(send("after"));
  EXPECT_EQ(desk_.take(1), std::vector<std::string>{"after"});
  EXPECT_EQ(desk_.waiting(), 0U);
  bus_->stop();
  EXPECT_EQ(test::broker().peer({"get", queue_}).size(), 0U);
  EXPECT_EQ(test::broker().peer({"get", queue_ + ".parked"}).size(), 1U);
}

TEST_F(RabbitBus, WhatIsTooLargeIsParked) {
  open();
  ASSERT_TRUE(bus_->consume(queue_, 10, desk_.consumer()));
  test::broker().peer({"publish-large", exchange_, queue_, std::to_string(kMaxMessageBytes + 1)});
  ASSERT_TRUE(send("small"));
  EXPECT_EQ(desk_.take(1), std::vector<std::string>{"small"});
  EXPECT_TRUE(eventually([&] { return state().parked == 1; }));
  EXPECT_EQ(test::broker().peer({"get", queue_ + ".parked"})[0].at("bytes"), kMaxMessageBytes + 1);
}

TEST_F(RabbitBus, ClassicQueuesRetryAndPark) {
  options_.kind = QueueKind::classic;
  open();
  ASSERT_TRUE(bus_->consume(queue_, 10, desk_.consumer()));
  ASSERT_TRUE(send("poison"));
  for (std::uint32_t attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    auto delivery = desk_.next();
    EXPECT_EQ(delivery->attempt(), attempt);
    delivery->give_back(Span{1});
  }
  EXPECT_TRUE(eventually([&] { return state().parked == 1; }));
}

TEST_F(RabbitBus, ABrokerShortOfMemoryHoldsPublishesBackAndCallersAreTold) {
  options_.waiting_publishes = 100;
  open();
  ASSERT_TRUE(bus_->consume(queue_, 10, desk_.consumer()));
  ASSERT_TRUE(send("before"));
  auto before = desk_.next();
  test::broker().control("set_vm_memory_high_watermark 0.00001");
  post("1");  // it is the first publish that the broker answers with the alarm
  EXPECT_TRUE(eventually([&] { return !bus_->healthy(); }));
  for (int i = 2; i <= 150; ++i)
    post(std::to_string(i));
  EXPECT_GE(failed(), 50U) << "no more than 100 wait";
  EXPECT_THAT(last_error_, HasSubstr("which is the limit"));
  before->acknowledge();
  EXPECT_TRUE(eventually([&] { return state().unacknowledged == 0; }))
      << "the other connection goes on";
  test::broker().control("set_vm_memory_high_watermark 0.4");
  EXPECT_TRUE(eventually([&] { return told() == 150; }));
  EXPECT_TRUE(eventually([&] { return bus_->healthy(); }));
  EXPECT_EQ(desk_.take(150 - failed()).size(), 150 - failed());
}

TEST_F(RabbitBus, StoppingAnswersEveryoneThoughTheBrokerIsAway) {
  test::TcpProxy proxy(test::broker().port());
  options_.stop_patience = Span{100};
  open_by(proxy.port());
  proxy.refuse(true);
  proxy.cut();
  EXPECT_TRUE(eventually([&] { return !bus_->healthy(); }));
  for (int i = 0; i < 10; ++i)
    post(std::to_string(i));
  bus_->stop();
  EXPECT_EQ(told(), 10U);
  EXPECT_EQ(failed(), 10U);
  EXPECT_THAT(last_error_, HasSubstr("was closed"));
  post("late");
  EXPECT_THAT(last_error_, HasSubstr("is stopping"));
}

TEST_F(RabbitBus, PatienceEndsWhileTheBrokerIsAway) {
  test::TcpProxy proxy(test::broker().port());
  options_.window.patience = Span{300};
  open_by(proxy.port());
  proxy.refuse(true);
  proxy.cut();
  EXPECT_TRUE(eventually([&] { return !bus_->healthy(); }));
  const auto late = send("x");
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, HasSubstr("did not confirm"));
  // Why it is away is what the last attempt to connect saw, or that none has ended yet.
  EXPECT_THAT(late.error().message, HasSubstr(fmt::format("127.0.0.1:{}", proxy.port())));
  proxy.refuse(false);
  EXPECT_TRUE(eventually([&] { return send("y").has_value(); }));
}

}  // namespace
}  // namespace sluice::bus
