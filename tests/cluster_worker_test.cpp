// A worker between a real RabbitMQ and a real MariaDB: messages become orders once, timers end
// holds, and what stops on the way costs nothing. One broker for the whole program.
#include "cluster/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>

#include "bus/rabbitmq.h"
#include "bus/testing.h"
#include "cluster/messages.h"
#include "support/cluster_shop.h"
#include "support/rabbit_broker.h"

namespace sluice::cluster {
namespace {

using sale::OrderStatus;
using test::broker;
using test::eventually;
using ::testing::Each;
using ::testing::SizeIs;

constexpr Span kHold = Span::seconds(1800);

/// A bus whose timers are never heard of again, as if the process ended before the broker's answer.
class MuteBus final : public bus::TimedBus {
 public:
  explicit MuteBus(bus::TimedBus& real) : real_(real) {}
  void publish_later(const bus::WaitingRoom&, bus::Message, bus::Confirmed then) override {
    const std::lock_guard lock(mutex_);
    unheard_.push_back(std::move(then));
  }
  std::size_t unheard() {
    const std::lock_guard lock(mutex_);
    return unheard_.size();
  }
  /// After the end of the connection, so that nothing is acknowledged by it.
  void end() {
    for (auto& then : unheard_)
      then(fail("the process ended"));
  }
  void publish(std::string_view exchange, std::string_view key, bus::Message message,
               bus::Confirmed then) override {
    real_.publish(exchange, key, std::move(message), std::move(then));
  }
  Result<> consume(std::string_view queue, std::size_t prefetch, bus::Consumer consumer) override {
    return real_.consume(queue, prefetch, std::move(consumer));
  }
  std::vector<QueueState> queues() const override { return real_.queues(); }
  void recount() override { real_.recount(); }
  bool healthy() const override { return real_.healthy(); }
  void stop() override { real_.stop(); }

 private:
  bus::TimedBus& real_;
  std::mutex mutex_;
  std::vector<bus::Confirmed> unheard_;
};

class ClusterWorker : public ::testing::Test {
 protected:
  explicit ClusterWorker(test::MariadbService& service = test::MariadbService::shared())
      : shop_(service) {
    const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    names_.grab_exchange = "grabs." + name;
    names_.grab_queue = "grabs.queue." + name;
    names_.timer_exchange = "timers." + name;
    names_.timer_queue = "timers.queue." + name;
    names_.delay_queue = "timers.delay." + name;
    names_.plain_hold = kHold;
  }
  ~ClusterWorker() override { end(); }

  void open_bus() {
    bus::RabbitOptions options;
    options.url = *bus::parse_amqp_url(broker().url());
    options.count_interval = Span{100};
    auto opened = bus::open_rabbitmq(
        options, {{names_.grab_exchange, names_.grab_queue, names_.grab_queue},
                  {names_.timer_exchange, names_.timer_queue, names_.timer_queue}});
    if (!opened) throw std::runtime_error(opened.error().message);
    bus_ = std::move(*opened);
  }
  void work_on(bus::TimedBus& bus) {
    ClusterOptions options;
    options.record = shop_.address();
    options.names = names_;
    node_ = std::make_unique<Node>(std::move(options), redis_, bus);
    node_->catalogs.publish(shop_.catalog());
    auto opened = open_worker(*node_);
    if (!opened) throw std::runtime_error(opened.error().message);
    worker_ = std::move(*opened);
  }
  void work() {
    open_bus();
    work_on(*bus_);
  }
  void end() {
    if (worker_) worker_->stop();
    if (bus_) bus_->stop();
    worker_.reset();
    bus_.reset();
  }

  store::Reservation grab(std::int64_t n, std::string user = {}, Span hold = kHold) {
    store::Reservation grab;
    grab.id = OrderId{(std::int64_t{1} << 40) + n};
    grab.user = user.empty() ? "user-" + std::to_string(n) : std::move(user);
    grab.item = ItemNo{0};
    grab.amount = Money{100};
    grab.created_at = test::wall_now();
    grab.expires_at = grab.created_at + hold;
    return grab;
  }
  std::string message(const std::vector<store::Reservation>& grabs) {
    return to_message(grabs, *shop_.catalog());
  }
  void publish(const std::string& body) {
    const auto sent = bus::testing::send(*bus_, bus::testing::message(body), names_.grab_queue,
                                         names_.grab_exchange);
    ASSERT_TRUE(sent) << sent.error().message;
  }
  std::int64_t waiting(const std::string& queue) {
    return broker().peer({"count", queue}).at(0).as_int64();
  }
  bool all_acknowledged() {
    const auto state = bus::testing::state_of(*bus_, names_.grab_queue);
    return state.unacknowledged == 0 && waiting(names_.grab_queue) == 0;
  }
  /// The orders of all timers in the queue, which is emptied.
  std::vector<OrderId> timed(const std::string& queue) {
    std::vector<OrderId> orders;
    for (const auto& message : broker().peer({"get", queue})) {
      const auto timer = parse_timer(std::string(message.at("body").as_string()));
      if (!timer) throw std::runtime_error(timer.error().message);
      orders.insert(orders.end(), timer->orders.begin(), timer->orders.end());
    }
    return orders;
  }
  std::uint64_t written() const { return worker_->counts().orders; }
  std::uint64_t refused() const { return worker_->counts().refused; }

  test::ClusterShop shop_;
  Names names_;
  redis::Client redis_{*redis::parse_address("redis://127.0.0.1:1"), {}};  // not asked
  std::unique_ptr<bus::TimedBus> bus_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(ClusterWorker, ArraysAndSingleObjectsBecomeOrdersWithTimers) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  work();
  publish(message({grab(1), grab(2), grab(3)}));
  const std::string array = message({grab(4)});
  broker().peer({"publish", names_.grab_exchange, names_.grab_queue,
                 array.substr(1, array.size() - 2)});  // another client, a single object
  EXPECT_TRUE(eventually([&] { return shop_.orders(OrderStatus::awaiting_payment) == 4; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  EXPECT_EQ(shop_.number("SELECT held FROM item_stock"), 4);
  const auto order = shop_.order(grab(1).id);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->user, "user-1");
  EXPECT_EQ(order->expires_at - order->created_at, kHold);
  const auto orders = timed(names_.delay_queue);
  EXPECT_EQ(std::set<OrderId>(orders.begin(), orders.end()),
            (std::set<OrderId>{grab(1).id, grab(2).id, grab(3).id, grab(4).id}));
  EXPECT_EQ(orders.size(), 4U);
}

TEST_F(ClusterWorker, ThousandsAreWrittenInFewTransactions) {
  shop_.define(test::sale_of("s", 1, 5'000, kHold));
  open_bus();
  std::vector<store::Reservation> all;
  for (int n = 0; n < 5'000; ++n) {
    all.push_back(grab(n));
    if (all.size() == 25) {
      publish(message(all));
      all.clear();
    }
  }
  work_on(*bus_);
  EXPECT_TRUE(eventually([&] { return shop_.orders(OrderStatus::awaiting_payment) == 5'000; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  EXPECT_EQ(written(), 5'000U);
  EXPECT_LE(worker_->counts().batches, 100U);
  EXPECT_THAT(timed(names_.delay_queue), SizeIs(5'000));
}

TEST_F(ClusterWorker, WhatIsDeliveredAgainChangesNothing) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  work();
  const std::string body = message({grab(1), grab(2)});
  for (int i = 0; i < 3; ++i)
    publish(body);
  EXPECT_TRUE(eventually([&] { return written() == 2; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  end();
  work();
  publish(body);
  EXPECT_TRUE(eventually([&] { return worker_->counts().batches >= 1; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  EXPECT_EQ(written(), 0U);
  EXPECT_EQ(shop_.number("SELECT COUNT(*) FROM history"), 2);
  EXPECT_EQ(shop_.number("SELECT available FROM item_stock"), 8);
}

TEST_F(ClusterWorker, AWorkerThatEndsBetweenCommitAndAcknowledgementCostsNothing) {
  shop_.define(test::sale_of("s", 1, 20, kHold));
  open_bus();
  MuteBus mute(*bus_);
  work_on(mute);
  std::vector<store::Reservation> grabs;
  for (int n = 0; n < 10; ++n)
    grabs.push_back(grab(n));
  publish(message(grabs));
  EXPECT_TRUE(eventually([&] { return mute.unheard() == 1; }));
  EXPECT_EQ(shop_.orders(OrderStatus::awaiting_payment), 10) << "committed";
  EXPECT_EQ(bus::testing::state_of(*bus_, names_.grab_queue).unacknowledged, 1U);
  bus_->stop();
  mute.end();
  worker_.reset();
  bus_.reset();
  EXPECT_TRUE(eventually([&] { return waiting(names_.grab_queue) == 1; }));
  work();
  EXPECT_TRUE(eventually([&] { return worker_->counts().batches == 1; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  EXPECT_EQ(written(), 0U);
  EXPECT_EQ(shop_.number("SELECT COUNT(*) FROM history"), 10) << "each once";
  EXPECT_THAT(timed(names_.delay_queue), SizeIs(10)) << "their timers were still missing";
}

TEST_F(ClusterWorker, PoisonIsParkedAndHoldsNobodyUp) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  work();
  publish("not json");
  std::string negative = message({grab(1)});
  negative.replace(negative.find("\"money\":100"), 11, "\"money\":-10");
  publish(negative);
  publish(message({grab(2)}));
  EXPECT_TRUE(eventually([&] { return written() == 1; }));
  publish(message({grab(2, "somebody else"), grab(3)}));
  EXPECT_TRUE(eventually([&] { return written() == 2; })) << "what is good in it counts";
  EXPECT_TRUE(eventually([&] { return waiting(names_.grab_queue + ".parked") == 3; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  EXPECT_EQ(shop_.order(grab(2).id)->user, "user-2");
  EXPECT_EQ(shop_.number("SELECT COUNT(*) FROM orders"), 2);
}

TEST_F(ClusterWorker, GoodsThatAreNotInTheCatalogYetAreWaitedFor) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  work();
  shop_.define(test::sale_of("new", 1, 10, kHold));
  auto one = grab(1);
  one.item = ItemNo{1};
  publish(message({one, grab(2)}));
  EXPECT_TRUE(eventually([&] { return written() == 1; })) << "the other one is known";
  node_->catalogs.publish(shop_.catalog());
  EXPECT_TRUE(eventually([&] { return written() == 2; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
}

TEST_F(ClusterWorker, AShopperWhoHasAnUnpaidOrderIsRefusedByTheRecord) {
  shop_.define(test::sale_of("s", 2, 10, kHold));
  work();
  publish(message({grab(1, "ann")}));
  EXPECT_TRUE(eventually([&] { return written() == 1; }));
  auto second = grab(2, "ann");
  second.item = ItemNo{1};
  publish(message({second}));
  EXPECT_TRUE(eventually([&] { return refused() == 1; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  EXPECT_EQ(shop_.order(second.id)->status, OrderStatus::failed);
  EXPECT_EQ(timed(names_.delay_queue), std::vector<OrderId>{grab(1).id});
}

TEST_F(ClusterWorker, HoldsEndByTheirTimersAlone) {
  shop_.define(test::sale_of("s", 1, 10, Span::seconds(1)));
  work();
  std::vector<store::Reservation> grabs;
  for (int n = 0; n < 5; ++n)
    grabs.push_back(grab(n, {}, Span::seconds(1)));
  publish(message(grabs));
  EXPECT_TRUE(eventually([&] { return shop_.orders(OrderStatus::expired) == 5; }));
  for (const store::Reservation& grab : grabs) {
    const auto timeline = shop_.timeline(grab.id);
    ASSERT_THAT(timeline, SizeIs(2));
    EXPECT_GE(timeline[1].at, grab.expires_at) << "not before its time";
  }
  EXPECT_TRUE(eventually([&] { return worker_->counts().timers == 1; }));
  EXPECT_EQ(shop_.number("SELECT available FROM item_stock"), 10);
  EXPECT_EQ(waiting(names_.delay_queue + ".1000ms"), 0);
}

TEST_F(ClusterWorker, OrdersWhoseTimersAreLostAreLeftToTheSweep) {
  const Span hold = Span::seconds(6);
  shop_.define(test::sale_of("s", 1, 10, hold));
  work();
  const auto one = grab(1, {}, hold);
  publish(message({one}));
  EXPECT_TRUE(eventually([&] { return written() == 1; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  broker().peer({"delete", names_.delay_queue + ".6000ms"});
  EXPECT_TRUE(eventually([&] { return node_->clock.now() > one.expires_at + Span{200}; }));
  EXPECT_EQ(shop_.orders(OrderStatus::awaiting_payment), 1) << "nobody looked";
  test::must(shop_.record().sweep(100, node_->clock.now()));
  EXPECT_EQ(shop_.orders(OrderStatus::expired), 1);
  // The next timer finds its queue made anew.
  publish(message({grab(2, {}, hold)}));
  EXPECT_TRUE(eventually([&] { return written() == 2; }));
  EXPECT_TRUE(eventually([&] { return shop_.orders(OrderStatus::expired) == 2; }));
}

TEST_F(ClusterWorker, ATimerThatIsEarlyGoesBackForTheRest) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  work();
  const auto one = grab(1, {}, Span::seconds(8));
  const auto timer = bus::testing::send(*bus_, bus::testing::message(message({one})),
                                        names_.timer_queue, names_.timer_exchange);
  ASSERT_TRUE(timer);
  const std::string back = names_.timer_queue + ".retry.16000ms";
  EXPECT_TRUE(eventually([&] { return waiting(back) == 1; }));
  EXPECT_EQ(worker_->counts().timers, 0U);
  publish(message({grab(2, {}, Span::seconds(1))}));
  EXPECT_TRUE(eventually([&] { return worker_->counts().timers == 1; })) << "others go on";
}

TEST_F(ClusterWorker, ATimerThatIsNoTimerIsParked) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  work();
  ASSERT_TRUE(bus::testing::send(*bus_, bus::testing::message("{}"), names_.timer_queue,
                                 names_.timer_exchange));
  EXPECT_TRUE(eventually([&] { return waiting(names_.timer_queue + ".parked") == 1; }));
}

TEST_F(ClusterWorker, ABrokerThatTakesNoTimersHoldsUpNoOrders) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  broker().peer({"declare", names_.delay_queue, R"({"x-message-ttl":5})"});
  work();
  publish(message({grab(1)}));
  EXPECT_TRUE(eventually([&] { return written() == 1; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); })) << "the sweep needs no timer";
}

TEST_F(ClusterWorker, HoldsThatNoSaleHasShareAFewQueues) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  work();
  publish(message({grab(1, {}, Span{17'001}), grab(2, {}, Span{31'999})}));
  EXPECT_TRUE(eventually([&] { return written() == 2; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  EXPECT_THAT(timed(names_.delay_queue + ".32000ms"), SizeIs(2));
}

/// With a database that may be killed.
class ClusterWorkerOutage : public ClusterWorker {
 protected:
  ClusterWorkerOutage() : ClusterWorker(service()) {}
  static test::MariadbService& service() {
    static test::MariadbService own;
    return own;
  }
};

TEST_F(ClusterWorkerOutage, WhileTheRecordIsAwayDeliveriesStayOpenAndAreWrittenAfter) {
  shop_.define(test::sale_of("s", 1, 10, kHold));
  work();
  publish(message({grab(1)}));
  EXPECT_TRUE(eventually([&] { return written() == 1; }));
  const std::string two = message({grab(2), grab(3)}), last = message({grab(4)});
  service().kill();
  publish(two);
  EXPECT_TRUE(eventually(
      [&] { return bus::testing::state_of(*bus_, names_.grab_queue).unacknowledged == 1; }));
  service().start();
  EXPECT_TRUE(eventually([&] { return written() == 3; }));
  EXPECT_TRUE(eventually([&] { return all_acknowledged(); }));
  shop_.reconnect();
  EXPECT_EQ(shop_.orders(OrderStatus::awaiting_payment), 3);
  service().kill();
  publish(last);
  EXPECT_TRUE(eventually(
      [&] { return bus::testing::state_of(*bus_, names_.grab_queue).unacknowledged == 1; }));
  end();  // does not wait for it
  EXPECT_TRUE(eventually([&] { return waiting(names_.grab_queue) == 1; }));
  service().start();
  shop_.reconnect();
}

}  // namespace
}  // namespace sluice::cluster
