// The gate over a real Redis, with a broker whose confirms the test gives.
#include "cluster/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cluster/messages.h"
#include "support/redis_node.h"
#include "support/redis_sale.h"
#include "support/tcp_proxy.h"

namespace sluice::cluster {
namespace {

using engine::Reply;
using sale::GrabOutcome;
using test::kItem;
using testing::ElementsAre;

/// A broker that keeps what was published until the test says what became of it.
class HeldBus final : public bus::TimedBus {
 public:
  void publish(std::string_view, std::string_view key, bus::Message message,
               bus::Confirmed then) override {
    std::unique_lock lock(mutex_);
    bodies_.push_back(std::move(message.body));
    keys_.emplace_back(key);
    if (!holding_) {
      lock.unlock();
      then({});
      return;
    }
    waiting_.push_back(std::move(then));
    changed_.notify_all();
  }
  void publish_later(const bus::WaitingRoom&, bus::Message, bus::Confirmed then) override {
    then(fail("not asked for by the gate"));
  }
  Result<> consume(std::string_view, std::size_t, bus::Consumer) override {
    return fail("not asked for by the gate");
  }
  std::vector<QueueState> queues() const override { return {}; }
  void recount() override {}
  bool healthy() const override { return true; }
  void stop() override {}

  void hold(bool on) {
    const std::lock_guard lock(mutex_);
    holding_ = on;
  }
  /// Waits for the next publish and answers it.
  void answer(Result<> result) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !waiting_.empty(); });
    auto then = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    then(std::move(result));
  }
  void await_publish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !waiting_.empty(); });
  }
  std::vector<std::string> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool holding_ = false;
  std::deque<bus::Confirmed> waiting_;
  std::vector<std::string> bodies_, keys_;
};

class DirectMailbox final : public engine::Mailbox {
 public:
  void deliver(std::vector<engine::Delivery>&& batch) override {
    for (engine::Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  }
  void post(std::move_only_function<void()> job) override { job(); }
};

std::shared_ptr<const engine::Catalog> catalog() {
  auto made = std::make_shared<engine::Catalog>();
  made->version = 1;
  sale::Sale sale;
  sale.id = "drop";
  sale.ends_at = kLastInstant;
  made->sales.push_back(std::make_unique<engine::CatalogSale>(engine::CatalogSale{sale, {}}));
  for (std::uint32_t no = 0; no <= kItem.value; ++no) {
    sale::Item item;
    item.no = ItemNo{no};
    item.id = "item-" + std::to_string(no);
    item.price = Money{1999};
    item.currency = *Currency::parse("CNY");
    made->items.push_back(std::make_unique<engine::CatalogItem>(
        engine::CatalogItem{item, made->sales[0].get(), std::make_shared<engine::LiveCounters>()}));
  }
  for (const auto& item : made->items)
    made->item_by_id.emplace(item->item.id, item.get());
  return made;
}

/// One node's gate.
class GateNode {
 public:
  GateNode(redis::Address address, std::uint16_t number)
      : client_(address, {}), node_(options(std::move(address)), client_, bus) {
    node_.catalogs.publish(catalog());
    numbers_.set_node(number);
    gate = open_gate(node_, numbers_);
  }
  ~GateNode() { gate->stop(Span::seconds(10)); }
  GateNode(const GateNode&) = delete;
  GateNode& operator=(const GateNode&) = delete;

  void loaded(std::uint64_t epoch = 1) { node_.loadings.set(SaleNo{0}, epoch); }
  Loadings& loadings() { return node_.loadings; }

  std::future<Reply> grab(const std::string& user, std::int64_t quantity = 1,
                          sale::RequestKey request = {}) {
    auto promise = std::make_shared<std::promise<Reply>>();
    auto future = promise->get_future();
    const auto taken = gate->submit(sale::Grab{user, kItem, quantity, request}, mailbox_,
                                    [promise](const Reply& reply) { promise->set_value(reply); });
    EXPECT_EQ(taken, engine::Admission::accepted);
    return future;
  }
  GrabOutcome outcome(std::future<Reply> future) {
    const Reply reply = future.get();
    EXPECT_EQ(reply.trouble, Reply::Trouble::none);
    return std::get<GrabOutcome>(reply.outcome);
  }

  HeldBus bus;

 private:
  static ClusterOptions options(redis::Address address) {
    ClusterOptions options;
    options.redis = std::move(address);
    return options;
  }
  redis::Client client_;
  Node node_;
  OrderNumbers numbers_;
  DirectMailbox mailbox_;

 public:
  std::unique_ptr<Gate> gate;
};

class GateOverRedis : public testing::Test {
 protected:
  GateOverRedis() : client_(redis_.address(), {}), drop_(client_, "drop") {}

  test::RedisNode redis_;
  redis::Client client_;
  test::RedisSale drop_;
};

bool waits(const std::future<Reply>& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::timeout;
}

TEST_F(GateOverRedis, TellsNobodyBeforeTheBrokerHasConfirmed) {
  drop_.load(5);
  GateNode node(redis_.address(), 1);
  node.loaded();
  node.bus.hold(true);
  auto ann = node.grab("ann");
  node.bus.await_publish();
  EXPECT_TRUE(waits(ann));
  EXPECT_EQ(drop_.outbox().size(), 1);
  // Returned as unroutable: brought again.
  node.bus.answer(fail("no queue is bound"));
  node.bus.await_publish();
  EXPECT_TRUE(waits(ann));
  node.bus.answer({});
  const Reply reply = ann.get();
  EXPECT_EQ(std::get<GrabOutcome>(reply.outcome), GrabOutcome::granted);
  EXPECT_EQ(reply.order.status, sale::OrderStatus::queued);
  EXPECT_EQ(reply.order.amount, Money{1999});
  ASSERT_EQ(node.bus.bodies().size(), 2);
  const auto message = parse_grabs(node.bus.bodies()[1], *catalog());
  ASSERT_TRUE(message);
  ASSERT_EQ(message->grabs.size(), 1);
  EXPECT_EQ(message->grabs[0].user, "ann");
  EXPECT_EQ(message->grabs[0].id, reply.order.id);
  EXPECT_EQ(message->grabs[0].epoch, 1);
  EXPECT_EQ(node.bus.keys()[0], "seckillOrderQueue");
  node.gate->stop(Span::seconds(10));
  EXPECT_TRUE(drop_.outbox().empty());
}

TEST_F(GateOverRedis, AnswersInTheOrderOfTheContract) {
  drop_.load(2);
  GateNode node(redis_.address(), 1);
  node.loaded();
  const sale::RequestKey key{1, 2};
  const Reply first = node.grab("ann", 1, key).get();
  const Reply again = node.grab("ann", 1, key).get();
  EXPECT_EQ(std::get<GrabOutcome>(again.outcome), GrabOutcome::replayed);
  EXPECT_EQ(again.order.id, first.order.id);
  EXPECT_EQ(node.outcome(node.grab("ann", 2, key)), GrabOutcome::key_mismatch);
  const Reply twice = node.grab("ann").get();
  EXPECT_EQ(std::get<GrabOutcome>(twice.outcome), GrabOutcome::already_queued);
  EXPECT_EQ(twice.order.id, first.order.id);
  EXPECT_EQ(node.outcome(node.grab("bob", 2)), GrabOutcome::limit_reached);
  EXPECT_EQ(node.outcome(node.grab("bob")), GrabOutcome::granted);
  EXPECT_EQ(node.outcome(node.grab("cid")), GrabOutcome::sold_out);
}

TEST_F(GateOverRedis, SaysSoldOutByItselfToThoseWithoutAnOrder) {
  drop_.load(1);
  GateNode one(redis_.address(), 1), other(redis_.address(), 2);
  one.loaded();
  other.loaded();
  EXPECT_FALSE(other.gate->knows_sold_out("bob", kItem, 1));
  const Reply ann = one.grab("ann").get();
  EXPECT_EQ(other.outcome(other.grab("bob")), GrabOutcome::sold_out);
  // The shoppers are read in the background; bob's next questions find it done.
  while (!other.gate->knows_sold_out("bob", kItem, 1))
    EXPECT_EQ(other.outcome(other.grab("bob")), GrabOutcome::sold_out);
  // Ann has an order, got at the other node: that is her answer, and Redis alone can give it.
  EXPECT_FALSE(other.gate->knows_sold_out("ann", kItem, 1));
  EXPECT_EQ(other.outcome(other.grab("ann")), GrabOutcome::already_queued);
  EXPECT_EQ(drop_.move(redis::Verb::release, ann.order.id.value), redis::MoveCode::moved);
  other.gate->released({"drop", kItem, drop_.stats().items[0].revision, 1});
  EXPECT_FALSE(other.gate->knows_sold_out("bob", kItem, 1));
  EXPECT_EQ(other.outcome(other.grab("bob")), GrabOutcome::granted);
}

TEST_F(GateOverRedis, IsClosedWhileTheSaleIsNotLoaded) {
  GateNode node(redis_.address(), 1);
  EXPECT_EQ(node.grab("ann").get().trouble, Reply::Trouble::unavailable);
  // Loaded under another epoch than this node believes.
  drop_.load(5, 7);
  node.loaded(6);
  EXPECT_EQ(node.grab("ann").get().trouble, Reply::Trouble::unavailable);
  EXPECT_EQ(node.loadings().epoch_of(SaleNo{0}), std::nullopt);
  node.loaded(7);
  EXPECT_EQ(node.outcome(node.grab("ann")), GrabOutcome::granted);
  redis_.cli("flushall");
  EXPECT_EQ(node.grab("bob").get().trouble, Reply::Trouble::unavailable);
}

TEST_F(GateOverRedis, TakesOneUnitThoughTheAnswerWasCut) {
  drop_.load(3);
  test::TcpProxy proxy(redis_.port());
  GateNode node(redis_.address_by(proxy.port()), 1);
  node.loaded();
  EXPECT_EQ(node.outcome(node.grab("ann")), GrabOutcome::granted);
  proxy.cut_reply_after(3);
  const Reply bob = node.grab("bob").get();
  EXPECT_EQ(bob.trouble, Reply::Trouble::none);
  EXPECT_EQ(std::get<GrabOutcome>(bob.outcome), GrabOutcome::granted);
  EXPECT_EQ(proxy.replies_cut(), 1);
  EXPECT_THAT(drop_.counters(), ElementsAre(1, 2, 0, 0));
  node.gate->stop(Span::seconds(10));
  EXPECT_TRUE(drop_.outbox().empty());
  // What was reserved was published, once or more.
  EXPECT_THAT(node.bus.bodies(), testing::Contains(testing::HasSubstr("\"bob\"")));
}

TEST_F(GateOverRedis, GivesOneUserOneOrderOverTwoNodes) {
  drop_.load(1000, 1, 1000);
  GateNode one(redis_.address(), 1), other(redis_.address(), 2);
  one.loaded();
  other.loaded();
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 1000; ++i)
    replies.push_back((i % 2 == 0 ? one : other).grab("ann"));
  std::map<GrabOutcome, int> outcomes;
  for (auto& reply : replies)
    ++outcomes[one.outcome(std::move(reply))];
  EXPECT_EQ(outcomes[GrabOutcome::granted], 1);
  EXPECT_EQ(outcomes[GrabOutcome::already_queued], 999);
  EXPECT_THAT(drop_.counters(), ElementsAre(999, 1, 0, 0));
}

TEST_F(GateOverRedis, SellsExactlyTheStockToACrowd) {
  constexpr int kCrowd = 5000;
  drop_.load(100);
  GateNode one(redis_.address(), 1), other(redis_.address(), 2);
  one.loaded();
  other.loaded();
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < kCrowd; ++i)
    replies.push_back((i % 2 == 0 ? one : other).grab("shopper-" + std::to_string(i)));
  std::map<GrabOutcome, int> outcomes;
  for (auto& reply : replies)
    ++outcomes[one.outcome(std::move(reply))];
  EXPECT_EQ(outcomes[GrabOutcome::granted], 100);
  EXPECT_EQ(outcomes[GrabOutcome::sold_out], kCrowd - 100);
  EXPECT_THAT(drop_.counters(), ElementsAre(0, 100, 0, 0));
}

TEST_F(GateOverRedis, BringsToTheBrokerWhatAnotherNodeLeft) {
  drop_.load(5);
  const auto left = drop_.grab(4711, "ann");
  ASSERT_EQ(left.code, redis::GrabCode::granted);
  GateNode node(redis_.address(), 1);
  node.loaded();
  node.gate->adopt(SaleNo{0}, 1, drop_.outbox());
  // A turn later it is the gate's, which stops only when it is done.
  EXPECT_EQ(node.outcome(node.grab("bob")), GrabOutcome::granted);
  node.gate->stop(Span::seconds(10));
  EXPECT_THAT(node.bus.bodies(), testing::Contains(testing::HasSubstr("\"No4711\"")));
  EXPECT_TRUE(drop_.outbox().empty());
}

TEST_F(GateOverRedis, GivesUpAfterAWhileWithoutABrokerAndKeepsTheUnit) {
  drop_.load(5);
  GateNode node(redis_.address(), 1);
  node.loaded();
  node.bus.hold(true);
  EXPECT_EQ(node.grab("ann").get().trouble, Reply::Trouble::unavailable);
  // The broker is back: the order follows, though its shopper was sent away.
  node.bus.answer({});
  node.gate->stop(Span::seconds(10));
  EXPECT_TRUE(drop_.outbox().empty());
  EXPECT_THAT(drop_.counters(), ElementsAre(4, 1, 0, 0));
}

}  // namespace
}  // namespace sluice::cluster
