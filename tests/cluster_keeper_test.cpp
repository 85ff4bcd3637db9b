// Keeper and follower between a real MariaDB and a real Redis: what happened in the record is told
// to Redis, what Redis lost comes back, and whoever takes over goes on where the other one stopped.
#include "cluster/keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cluster/follower.h"
#include "cluster/leftovers.h"
#include "redis/admission.h"
#include "support/cluster_shop.h"
#include "support/redis_node.h"

namespace sluice::cluster {
namespace {

using redis::Standing;
using sale::OrderStatus;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Redis is to be back within 30 s; with a machine that does other things too.
constexpr std::chrono::seconds kPatience{30};
constexpr std::int64_t kStock = 10;
constexpr Span kHold = Span::seconds(1800);

/// Whether `holds` comes true in time.
bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class NoBus final : public bus::TimedBus {
 public:
  void publish(std::string_view, std::string_view, bus::Message, bus::Confirmed then) override {
    then(fail("not asked for by the keeper"));
  }
  void publish_later(const bus::WaitingRoom&, bus::Message, bus::Confirmed then) override {
    then(fail("not asked for by the keeper"));
  }
  Result<> consume(std::string_view, std::size_t, bus::Consumer) override {
    return fail("not asked for by the keeper");
  }
  std::vector<QueueState> queues() const override {
    QueueState queue;
    queue.queue = Names().grab_queue;
    queue.ready = waiting;
    queue.counted = counted;
    return {queue};
  }
  void recount() override {
    ++asked;
    if (answers) ++counted;
  }
  bool healthy() const override { return answers; }
  void stop() override {}

  std::atomic<std::uint64_t> waiting{0};
  std::atomic<std::uint64_t> counted{0};
  std::atomic<int> asked{0};
  std::atomic<bool> answers{true};
};

class DirectMailbox final : public engine::Mailbox {
 public:
  void deliver(std::vector<engine::Delivery>&& batch) override {
    for (engine::Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  }
  void post(std::move_only_function<void()> job) override { job(); }
};

store::Reservation for_record(const redis::Reservation& order, std::uint64_t epoch) {
  return {.id = order.id,
          .user = order.user,
          .item = order.item,
          .quantity = order.quantity,
          .amount = order.amount(),
          .created_at = order.created_at,
          .expires_at = order.expires_at,
          .request = order.request,
          .epoch = epoch};
}

/// Gate, broker and worker in one: what is adopted is in the record and out of the outbox when
/// adopt() returns.
class ShortcutGate final : public Gate {
 public:
  ShortcutGate(redis::Client& redis, const mariadb::Address& record, std::string sale_id)
      : redis_(redis), calls_(sale_id), record_(test::must(store::ClusterRecord::open(record))) {}

  engine::Admission submit(sale::Grab&&, engine::Mailbox&, engine::Continuation&&) override {
    return engine::Admission::stopping;
  }
  bool knows_sold_out(std::string_view, ItemNo, std::int64_t) const override { return false; }
  void released(const redis::Announcement&) override {}
  void forget_sold_out() override {}
  void adopt(SaleNo, std::uint64_t epoch, std::vector<redis::OutboxEntry>&& entries) override {
    std::unique_lock lock(mutex_);
    ++calls_so_far_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !blocked_; });
    std::vector<std::string> ids;
    for (const redis::OutboxEntry& entry : entries) {
      ids.push_back(entry.id);
      for (const redis::Reservation& order : entry.orders) {
        adopted_.insert(order.id);
        const store::Reservation row = for_record(order, epoch);
        test::must(record_->grant({&row, 1}, test::wall_now()));
      }
    }
    redis_.ask(calls_.key(), calls_.confirm(epoch, ids));
  }
  std::size_t depth() const override { return 0; }
  void stop(Span) override {}

  void block(bool on) {
    const std::lock_guard lock(mutex_);
    blocked_ = on;
    changed_.notify_all();
  }
  void await_adopt() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return calls_so_far_ > 0; });
  }
  std::set<OrderId> adopted() {
    const std::lock_guard lock(mutex_);
    return adopted_;
  }

 private:
  redis::Client& redis_;
  const redis::SaleCalls calls_;
  std::unique_ptr<store::ClusterRecord> record_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool blocked_ = false;
  int calls_so_far_ = 0;
  std::set<OrderId> adopted_;
};

/// One node with a follower, and a keeper once it is asked for.
class KeeperNode {
 public:
  KeeperNode(const mariadb::Address& record, const redis::Address& address, bool has_gateway,
             Span patience)
      : redis_(address, {}),
        node_(options_of(record, address, has_gateway, patience), redis_, bus_) {
    node_.refresh_catalog = [this] { follower_->refresh(); };
    auto follower = open_follower(node_, numbers_);
    if (!follower) throw std::runtime_error(follower.error().message);
    follower_ = std::move(*follower);
    gate_ = std::make_unique<ShortcutGate>(redis_, record, "drop");
  }
  ~KeeperNode() {
    gate_->block(false);
    stop_keeper();
    follower_->stop();
  }
  KeeperNode(const KeeperNode&) = delete;
  KeeperNode& operator=(const KeeperNode&) = delete;

  void keep() {
    auto keeper = open_keeper(node_, *gate_);
    if (!keeper) throw std::runtime_error(keeper.error().message);
    keeper_ = std::move(*keeper);
  }
  void stop_keeper() {
    if (keeper_ != nullptr) keeper_->stop();
    keeper_.reset();
  }
  bool has(std::uint64_t epoch) { return node_.loadings.epoch_of(SaleNo{0}) == epoch; }
  sale::Counters live(std::size_t item = 0) {
    return node_.catalogs.current()->items.at(item)->live->read();
  }

  Node& node() { return node_; }
  ShortcutGate& gate() { return *gate_; }
  Follower& follower() { return *follower_; }
  OrderNumbers& numbers() { return numbers_; }
  redis::Client& redis() { return redis_; }
  NoBus& bus() { return bus_; }

 private:
  static ClusterOptions options_of(const mariadb::Address& record, const redis::Address& address,
                                   bool has_gateway, Span patience) {
    ClusterOptions options;
    options.record = record;
    options.redis = address;
    options.settings.has_gateway = has_gateway;
    options.has_desk = has_gateway;
    options.sweep_every = Span{100};
    options.rebuild_patience = patience;
    return options;
  }

  redis::Client redis_;
  NoBus bus_;
  Node node_;
  OrderNumbers numbers_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<ShortcutGate> gate_;
  std::unique_ptr<Keeper> keeper_;
};

class ClusterKeeper : public testing::Test {
 protected:
  explicit ClusterKeeper(test::MariadbService& service = test::MariadbService::shared())
      : shop_(service) {}

  std::unique_ptr<KeeperNode> node(bool has_gateway = false,
                                   Span patience = ClusterOptions().rebuild_patience) {
    return std::make_unique<KeeperNode>(shop_.address(), redis_.address(), has_gateway, patience);
  }
  void open_sale(std::int64_t stock = kStock, Span hold = kHold) {
    shop_.define(test::sale_of("drop", 1, stock, hold));
  }

  /// Empty: Redis does not have the sale.
  std::optional<redis::Stats> stats() {
    const redis::Outcome outcome = client_.ask(calls_.key(), calls_.stats());
    if (outcome.fate != redis::Fate::answered) return std::nullopt;
    auto read = redis::read_stats(outcome.value);
    return read ? std::optional(std::move(*read)) : std::nullopt;
  }
  bool is_open(std::uint64_t epoch) {
    const auto now = stats();
    return now && now->same_run && now->state == "open" && now->epoch == epoch;
  }
  /// Available, held, sold, refunded of the first item.
  std::vector<std::int64_t> in_redis() {
    const auto now = stats();
    if (!now || now->items.empty()) return {};
    const sale::Counters& c = now->items[0].counters;
    return {c.available.units, c.held.units, c.sold.units, c.refunded.units};
  }
  std::vector<std::int64_t> in_record() {
    std::vector<std::int64_t> all;
    for (const char* column : {"available", "held", "sold", "refunded"}) {
      all.push_back(
          shop_.number(std::string("SELECT ") + column + " FROM item_stock WHERE item_no = 0"));
    }
    return all;
  }
  std::optional<Standing> standing(std::int64_t order) {
    const OrderId id{order};
    const redis::Outcome outcome = client_.ask(calls_.key(), calls_.find({&id, 1}));
    const auto found = redis::read_found(outcome.value, {&id, 1});
    if (!found || !found->front()) return std::nullopt;
    return found->front()->standing;
  }
  bool becomes(std::int64_t order, Standing wanted) {
    return eventually([&] { return standing(order) == wanted; });
  }
  std::string position() { return redis_.cli("HGET " + calls_.key() + " mirrored"); }

  /// A unit for "user-<order>"; the reservation, as it lies in the outbox.
  redis::Reservation grab(std::int64_t order, std::uint64_t epoch = 1,
                          const std::string& user = {}) {
    const redis::Grab grab{
        OrderId{order}, user.empty() ? "user-" + std::to_string(order) : user, ItemNo{0}, 1, {}};
    const redis::Outcome outcome = client_.ask(calls_.key(), calls_.grab({epoch}, {&grab, 1}));
    const auto read = redis::read_grabs(outcome.value, 1);
    if (!read || !read->answers[0].reservation) {
      ADD_FAILURE() << "grab " << order << " was refused";
      return {};
    }
    const std::vector<std::string> entry{read->outbox_entry};
    if (publishes_) client_.ask(calls_.key(), calls_.confirm(epoch, entry));
    return *read->answers[0].reservation;
  }
  store::GrantOutcome write(const redis::Reservation& order, std::uint64_t epoch = 1) {
    const store::Reservation row = for_record(order, epoch);
    return test::must(shop_.record().grant({&row, 1}, test::wall_now())).front().outcome;
  }
  void buy(std::int64_t order, std::uint64_t epoch = 1) {
    EXPECT_EQ(write(grab(order, epoch), epoch), store::GrantOutcome::granted);
  }
  template <class Command>
  auto apply(const Command& command) {
    const sale::Command one = command;
    return test::must(shop_.record().apply({&one, 1}, test::wall_now()));
  }
  /// Paid before, it is paid back, as a shop with a gateway does.
  void refund(std::int64_t order) {
    store::ClusterOptions options;
    options.settings.has_gateway = true;
    auto record = test::must(store::ClusterRecord::open(shop_.address(), options));
    const std::vector<sale::Command> both{sale::Refund{{"operator", "test"}, OrderId{order}},
                                          sale::RefundFinished{OrderId{order}, true}};
    test::must(record->apply(both, test::wall_now()));
    EXPECT_EQ(shop_.order(OrderId{order})->status, OrderStatus::refunded);
  }
  void pay(std::int64_t order) {
    apply(sale::PaymentSucceeded{OrderId{order}, "tx-" + std::to_string(order), Money{100},
                                 *Currency::parse("CNY"), test::wall_now()});
  }
  void cancel(std::int64_t order) {
    apply(sale::CancelByUser{"user-" + std::to_string(order), OrderId{order}});
  }

  test::ClusterShop shop_;
  test::RedisNode redis_;
  redis::Client client_{redis_.address(), {}};
  const redis::SaleCalls calls_{"drop"};
  bool publishes_ = true;  ///< what is grabbed leaves the outbox
};

TEST_F(ClusterKeeper, LoadsWhatIsOpenAndTheFollowerShowsIt) {
  open_sale();
  auto one = node();
  EXPECT_EQ(one->node().catalogs.current()->find_sale("drop")->items.size(), 1U);
  EXPECT_NE(one->numbers().next(test::wall_now()), std::nullopt);
  EXPECT_FALSE(one->node().keeps);
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  ASSERT_TRUE(eventually([&] { return one->has(1); }));
  EXPECT_TRUE(one->node().keeps);
  EXPECT_THAT(in_redis(), ElementsAre(kStock, 0, 0, 0));
  EXPECT_TRUE(one->node().redis_ok);

  grab(1);
  EXPECT_TRUE(eventually([&] { return one->live().held.units == 1; })) << "as Redis has it";
  EXPECT_EQ(one->live().available.units, kStock - 1);
  EXPECT_THAT(in_record(), ElementsAre(kStock, 0, 0, 0));

  auto two = node();
  EXPECT_NE(two->numbers().next(test::wall_now())->value >> 12 & 1023,
            one->numbers().next(test::wall_now())->value >> 12 & 1023);
  EXPECT_TRUE(eventually([&] { return two->has(1); })) << "every node finds it";
  one->stop_keeper();
  EXPECT_FALSE(one->node().keeps);
}

TEST_F(ClusterKeeper, LeavesAloneWhatIsFarAwayAndLongOver) {
  auto far = test::sale_of("far", 1, kStock, kHold);
  far.starts_at = test::wall_now() + Span::seconds(3600);
  auto over = test::sale_of("over", 1, kStock, kHold);
  over.starts_at = test::wall_now() - Span::seconds(7200);
  over.ends_at = test::wall_now() - Span::seconds(3600);
  shop_.define(far);
  shop_.define(over);
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return one->node().loadings.epoch_of(SaleNo{2}).has_value(); }));
  EXPECT_THAT(one->node().loadings.sales(), ElementsAre(SaleNo{2}));
  EXPECT_EQ(redis_.cli("EXISTS '" + redis::SaleCalls("far").key() + "'"), "0");
  EXPECT_EQ(redis_.cli("EXISTS '" + redis::SaleCalls("over").key() + "'"), "0");
}

TEST_F(ClusterKeeper, TellsRedisWhatHappenedToOrders) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  for (std::int64_t order = 1; order <= 4; ++order)
    buy(order);
  for (std::int64_t order = 1; order <= 4; ++order)
    EXPECT_TRUE(becomes(order, Standing::awaiting)) << order;
  pay(1);
  pay(2);
  cancel(3);
  EXPECT_TRUE(becomes(1, Standing::sold));
  EXPECT_TRUE(becomes(2, Standing::sold));
  EXPECT_TRUE(becomes(3, Standing::released));
  refund(2);
  EXPECT_TRUE(becomes(2, Standing::refunded));

  // One that the record does not take: its shopper has an order by another way.
  store::Reservation other = for_record(grab(5, 1, "somebody"), 1);
  other.id = OrderId{1000};
  test::must(shop_.record().grant({&other, 1}, test::wall_now()));
  other.id = OrderId{5};
  const auto refused = test::must(shop_.record().grant({&other, 1}, test::wall_now()));
  EXPECT_EQ(refused.front().outcome, store::GrantOutcome::already_queued);
  EXPECT_TRUE(becomes(5, Standing::failed));
  EXPECT_THAT(in_redis(), ElementsAre(kStock - 2, 1, 1, 1));
  EXPECT_TRUE(eventually([&] { return one->node().counts.orders == 5; }));
}

TEST_F(ClusterKeeper, RebuildsWhatRedisLost) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  for (std::int64_t order = 1; order <= 4; ++order)
    buy(order);
  pay(1);
  pay(2);
  cancel(3);
  refund(2);
  const redis::Reservation unpublished = grab(9);
  redis_.cli("FLUSHALL");
  ASSERT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_EQ(in_redis(), in_record());
  EXPECT_THAT(in_redis(), ElementsAre(kStock - 2, 1, 1, 1));
  EXPECT_EQ(standing(1), Standing::sold);
  EXPECT_EQ(standing(2), Standing::refunded);
  EXPECT_EQ(standing(3), Standing::released);
  EXPECT_EQ(standing(4), Standing::awaiting);
  EXPECT_EQ(standing(9), std::nullopt);
  EXPECT_EQ(write(unpublished), store::GrantOutcome::stale_epoch) << "its unit may be somebody's";
  EXPECT_TRUE(eventually([&] { return one->has(2); }));
  buy(10, 2);
  EXPECT_TRUE(becomes(10, Standing::awaiting)) << "the mirror goes on";
}

TEST_F(ClusterKeeper, WaitsForTheWorkersBeforeItRebuilds) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  const redis::Reservation published = grab(1);
  one->bus().waiting = 1;
  redis_.cli("FLUSHALL");
  ASSERT_TRUE(eventually([&] { return !one->has(1); }));
  EXPECT_EQ(write(published), store::GrantOutcome::granted)
      << "its shopper was told that it queues";
  EXPECT_EQ(stats(), std::nullopt);
  one->bus().waiting = 0;
  ASSERT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_EQ(standing(1), Standing::awaiting);
}

TEST_F(ClusterKeeper, WaitsAsLongAsWorkersGetOnAndThenNoLonger) {
  constexpr Span patience = Span::seconds(2);
  open_sale();
  auto one = node(false, patience);
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  const redis::Reservation published = grab(1);
  std::uint64_t waiting = 1'000;
  one->bus().waiting = waiting;
  redis_.cli("FLUSHALL");
  ASSERT_TRUE(eventually([&] { return !one->has(1); }));
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(2 * patience.ms);
  while (std::chrono::steady_clock::now() < until) {
    one->bus().waiting = --waiting;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(write(published), store::GrantOutcome::granted)
      << "workers were getting on all the time";
  EXPECT_EQ(stats(), std::nullopt);
  EXPECT_TRUE(eventually([&] { return is_open(2); })) << "what nobody writes is not waited for";
}

TEST_F(ClusterKeeper, WaitsForABrokerThatMayHaveGrabs) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  const redis::Reservation published = grab(1);
  one->bus().answers = false;
  redis_.cli("FLUSHALL");
  ASSERT_TRUE(eventually([&] { return !one->has(1); }));
  const int asked = one->bus().asked;
  ASSERT_TRUE(eventually([&] { return one->bus().asked > asked + 60; }));
  EXPECT_EQ(write(published), store::GrantOutcome::granted)
      << "no epoch began while nobody knew what the broker has";
  EXPECT_EQ(stats(), std::nullopt);
  one->bus().answers = true;
  ASSERT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_EQ(standing(1), Standing::awaiting);
}

TEST_F(ClusterKeeper, AfterARestartOfRedisTheOutboxIsDrainedFirst) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  buy(1);
  publishes_ = false;
  grab(2);
  grab(3);
  redis_.kill();
  EXPECT_TRUE(eventually([&] { return !one->node().redis_ok; }));
  redis_.start();
  ASSERT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_THAT(one->gate().adopted(), ElementsAre(OrderId{2}, OrderId{3}));
  EXPECT_EQ(standing(2), Standing::awaiting);
  EXPECT_EQ(standing(3), Standing::awaiting);
  EXPECT_EQ(in_redis(), in_record());
  EXPECT_THAT(in_redis(), ElementsAre(kStock - 3, 3, 0, 0));
  EXPECT_TRUE(eventually([&] { return one->node().redis_ok.load(); }));
}

TEST_F(ClusterKeeper, StaysClosedWhileTheOutboxIsNotDrained) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  publishes_ = false;
  grab(1);
  one->gate().block(true);
  redis_.kill();
  redis_.start();
  one->gate().await_adopt();
  EXPECT_EQ(stats()->state, "sealed");
  const redis::Grab more{OrderId{2}, "late", ItemNo{0}, 1, {}};
  const auto refused =
      redis::read_grabs(client_.ask(calls_.key(), calls_.grab({1}, {&more, 1})).value, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, redis::Refusal::Kind::not_loaded);
  one->gate().block(false);
  EXPECT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_EQ(standing(1), Standing::awaiting);
}

TEST_F(ClusterKeeper, TakesUpALoadingThatNobodyFinished) {
  open_sale();
  const auto loading = test::must(shop_.record().begin_loading(SaleNo{0}));
  const redis::ItemDefinition item{ItemNo{0}, Money{100}, 1, Quantity{kStock}, 1};
  client_.ask(calls_.key(), calls_.load_begin({loading.epoch}, {}, {&item, 1}));
  ASSERT_EQ(stats()->state, "loading");
  auto one = node();
  one->keep();
  EXPECT_TRUE(eventually([&] { return is_open(2); }));
  // Opened, but the record has gone on: whoever raised it may be reading orders already.
  test::must(shop_.record().begin_loading(SaleNo{0}));
  EXPECT_TRUE(eventually([&] { return is_open(4); }));
}

TEST_F(ClusterKeeper, RedisLearnsWhatTheOperatorChanges) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  const sale::Operator by{"operator", "test"};
  shop_.define(sale::AdjustStock{by, ItemNo{0}, Quantity{25}});
  one->follower().refresh();
  EXPECT_EQ(one->node().catalogs.current()->items[0]->item.counters.stock, Quantity{25});
  EXPECT_TRUE(eventually([&] { return in_redis() == std::vector<std::int64_t>{25, 0, 0, 0}; }));
  sale::AddItem add{by, SaleNo{0}, {}};
  add.item.id = "second";
  add.item.title = "second";
  add.item.price = Money{5};
  add.item.stock = Quantity{7};
  shop_.define(add);
  EXPECT_TRUE(eventually([&] { return stats()->items.size() == 2; }));
  EXPECT_EQ(stats()->items[1].counters.stock, Quantity{7});
  sale::ChangeItem change;
  change.by = by;
  change.item = ItemNo{0};
  change.price = Money{150};
  shop_.define(change);
  EXPECT_TRUE(eventually([&] {
    return redis_.cli("HGET '" + redis::SaleCalls("drop").key() + "' version") ==
           std::to_string(one->node().catalogs.current()->version);
  }));
  shop_.define(sale::PauseSale{by, SaleNo{0}, true});
  const auto field = [&](const std::string& name) {
    return redis_.cli("HGET '" + calls_.key() + "' " + name);
  };
  EXPECT_TRUE(eventually([&] { return field("paused") == "1"; }));
  EXPECT_EQ(stats()->epoch, 1U) << "without loading it anew";
  shop_.define(sale::PauseSale{by, SaleNo{0}, false});
  EXPECT_TRUE(eventually([&] { return field("paused") == "0"; }));
  EXPECT_TRUE(eventually([&] { return one->live(1).stock.units == 7; }));
  EXPECT_EQ(grab(1).price, Money{150});
}

TEST_F(ClusterKeeper, OneKeepsAndTheOtherTakesOverWhatTheFirstDidNotSee) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return one->node().keeps && is_open(1); }));
  auto two = node();
  two->keep();
  buy(1);
  ASSERT_TRUE(becomes(1, Standing::awaiting));
  ASSERT_TRUE(eventually([&] { return position() == "1:1"; })) << "it is kept where it cannot lie";
  EXPECT_FALSE(two->node().keeps);

  // The first one stops in the middle of its work, as a suspended process does.
  one->gate().block(true);
  publishes_ = false;
  const redis::Reservation left = grab(2);
  one->gate().await_adopt();
  EXPECT_EQ(write(left), store::GrantOutcome::granted);
  pay(1);
  ASSERT_TRUE(eventually([&] { return two->node().keeps.load(); }));
  EXPECT_TRUE(becomes(1, Standing::sold));
  EXPECT_TRUE(becomes(2, Standing::awaiting));
  EXPECT_TRUE(is_open(1)) << "what is open is not loaded again";

  // It wakes up, and does no harm.
  one->gate().block(false);
  EXPECT_TRUE(eventually([&] { return !one->node().keeps; }));
  publishes_ = true;
  buy(3);
  EXPECT_TRUE(becomes(3, Standing::awaiting));
  EXPECT_TRUE(is_open(1));
  EXPECT_EQ(in_redis(), in_record());
}

TEST_F(ClusterKeeper, GivesItsLeaseBackWhenItStops) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return one->node().keeps.load(); }));
  one->stop_keeper();
  EXPECT_EQ(shop_.number("SELECT until FROM lease WHERE name = 'keeper'"), 0);
  auto two = node();
  two->keep();
  EXPECT_TRUE(eventually([&] { return two->node().keeps.load(); }));
}

/// The keeper's rounds without its lease.
struct Rounds {
  explicit Rounds(KeeperNode& on, const mariadb::Address& address)
      : node(on),
        record(test::must(store::ClusterRecord::open(address))),
        feed(test::must(store::ClusterFeed::open(address))),
        loader(node.node(), node.gate(), *record, *feed),
        mirror(node.node(), *feed) {}
  void turn() {
    loader.turn(test::wall_now());
    mirror.turn(loader.open(), test::wall_now());
  }
  KeeperNode& node;
  std::unique_ptr<store::ClusterRecord> record;
  std::unique_ptr<store::ClusterFeed> feed;
  Loader loader;
  Mirror mirror;
};

TEST_F(ClusterKeeper, TwoAtOnceDoNoHarm) {
  constexpr std::int64_t kMany = 40;
  open_sale(kMany);
  auto one = node();
  auto two = node();
  std::atomic<bool> over{false};
  std::thread other([&] {
    Rounds rounds(*two, shop_.address());
    while (!over)
      rounds.turn();
  });
  Rounds rounds(*one, shop_.address());
  std::int64_t order = 0;
  // Everybody wants one, and twice Redis forgets everything.
  constexpr std::int64_t kGrabs = 3 * kMany;
  std::int64_t flushed = 0;
  const auto until = std::chrono::steady_clock::now() + 2 * kPatience;
  while (order < kGrabs && std::chrono::steady_clock::now() < until) {
    rounds.turn();
    if (flushed < 2 && order >= (flushed + 1) * kMany) {
      redis_.cli("FLUSHALL");
      ++flushed;
    }
    const auto now = stats();
    if (!now || now->state != "open") continue;
    const redis::Grab grab{OrderId{++order}, "user-" + std::to_string(order), ItemNo{0}, 1, {}};
    const auto read = redis::read_grabs(
        client_.ask(calls_.key(), calls_.grab({now->epoch}, {&grab, 1})).value, 1);
    if (!read || !read->answers[0].reservation) continue;
    client_.ask(calls_.key(),
                calls_.confirm(now->epoch, std::vector<std::string>{read->outbox_entry}));
    write(*read->answers[0].reservation, now->epoch);
    if (order % 3 == 0) cancel(order);
  }
  over = true;
  other.join();
  EXPECT_TRUE(eventually([&] {
    rounds.turn();
    const auto now = stats();
    return now && now->state == "open" && in_redis() == in_record();
  })) << testing::PrintToString(in_redis())
      << testing::PrintToString(in_record());
  EXPECT_EQ(order, kGrabs) << "the sale opened again after each loss";
  EXPECT_EQ(flushed, 2);
}

TEST_F(ClusterKeeper, ALatePaymentWaitsUntilRedisHasTheUnit) {
  open_sale(1);
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  buy(1);
  cancel(1);
  ASSERT_TRUE(becomes(1, Standing::released));
  const redis::Reservation second = grab(2);
  pay(1);  // the record has the unit free
  EXPECT_EQ(shop_.order(OrderId{1})->status, OrderStatus::paid);
  EXPECT_EQ(write(second), store::GrantOutcome::sold_out);
  EXPECT_TRUE(becomes(2, Standing::failed));
  EXPECT_TRUE(becomes(1, Standing::sold));
  EXPECT_THAT(in_redis(), ElementsAre(0, 0, 1, 0));
}

TEST_F(ClusterKeeper, FindsWhatNodesAndBrokerLeftLying) {
  open_sale();
  auto one = node();
  Rounds rounds(*one, shop_.address());
  ASSERT_TRUE(eventually([&] {
    rounds.turn();
    return is_open(1);
  }));
  grab(1);                                                  // published, and lost by the broker
  EXPECT_EQ(write(grab(2)), store::GrantOutcome::granted);  // in the record, not told to Redis
  publishes_ = false;
  grab(3);  // its node died
  redis::SweepPlan plan;
  plan.outbox_patience = Span{-1000};
  plan.straggler_patience = Span{-1000};
  Leftovers leftovers(one->node(), one->gate(), *rounds.feed, rounds.mirror, plan);
  EXPECT_TRUE(eventually([&] {
    leftovers.turn(rounds.loader.open(), test::wall_now());
    return standing(2) == Standing::awaiting && one->gate().adopted().contains(OrderId{1});
  }));
  EXPECT_THAT(one->gate().adopted(), ElementsAre(OrderId{1}, OrderId{3}));
  rounds.turn();
  EXPECT_TRUE(eventually([&] {
    rounds.turn();
    return standing(1) == Standing::awaiting && standing(3) == Standing::awaiting;
  }));
  EXPECT_EQ(in_redis(), in_record());
}

TEST_F(ClusterKeeper, SweepsAndHandsOutDutiesThatNobodyHas) {
  open_sale(kStock, Span{1000});
  auto one = node(true);
  ASSERT_NE(one, nullptr);
  // A payment that another node began to close before it died.
  auto long_ago = for_record({}, 0);
  long_ago.id = OrderId{1};
  long_ago.user = "user-1";
  long_ago.amount = Money{100};
  long_ago.created_at = test::wall_now() - Span::seconds(100);
  long_ago.expires_at = test::wall_now() - Span::seconds(90);
  auto later = long_ago;
  later.id = OrderId{2};
  later.user = "user-2";
  const std::vector<store::Reservation> both{long_ago, later};
  store::ClusterOptions options;
  options.settings.has_gateway = true;
  auto record = test::must(store::ClusterRecord::open(shop_.address(), options));
  test::must(record->grant({&long_ago, 1}, long_ago.created_at));
  const sale::Command begin = sale::BeginPayment{"user-1", OrderId{1}};
  test::must(record->apply({&begin, 1}, long_ago.created_at));
  ASSERT_THAT(test::must(record->sweep(10, test::wall_now())).closes, SizeIs(1));
  test::must(record->grant({&later, 1}, later.created_at));
  const sale::Command begin_later = sale::BeginPayment{"user-2", OrderId{2}};
  test::must(record->apply({&begin_later, 1}, later.created_at));

  std::mutex mutex;
  std::map<OrderId, int> closes;
  DirectMailbox mailbox;
  one->node().duties.take(mailbox, [&](engine::Duties&& duties) {
    const std::lock_guard lock(mutex);
    for (const sale::ClosePayment& close : duties.closes)
      ++closes[close.order];
  });
  one->keep();
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return closes[OrderId{1}] == 1 && closes[OrderId{2}] >= 1;
  }));
  EXPECT_EQ(shop_.orders(OrderStatus::closing), 2);
}

TEST_F(ClusterKeeper, TheFollowerTellsWhoWatches) {
  open_sale();
  auto one = node();
  std::mutex mutex;
  std::map<OrderId, OrderStatus> told;
  DirectMailbox mailbox;
  one->node().notices.watch(mailbox, [&](const std::vector<engine::OrderNotice>& notices) {
    const std::lock_guard lock(mutex);
    for (const engine::OrderNotice& notice : notices)
      told[notice.order] = notice.status;
  });
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  buy(1);
  ASSERT_TRUE(eventually([&] { return one->node().counts.orders == 1; }));
  {
    const std::lock_guard lock(mutex);
    EXPECT_THAT(told, IsEmpty()) << "nobody watches";
  }
  one->node().watchers = 1;
  buy(2);
  pay(2);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return told.size() == 1 && told[OrderId{2}] == OrderStatus::paid;
  }));
}

class ClusterKeeperAlone : public ClusterKeeper {
 protected:
  ClusterKeeperAlone() : ClusterKeeperAlone(std::make_unique<test::MariadbService>()) {}
  explicit ClusterKeeperAlone(std::unique_ptr<test::MariadbService> service)
      : ClusterKeeper(*service), service_(std::move(service)) {}
  std::unique_ptr<test::MariadbService> service_;
};

TEST_F(ClusterKeeperAlone, GetsOverARecordThatWasAway) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1) && one->node().record_ok; }));
  service_->kill();
  EXPECT_TRUE(eventually([&] { return !one->node().record_ok; }));
  EXPECT_TRUE(eventually([&] { return !one->node().keeps; })) << "nobody knows who is the keeper";
  EXPECT_TRUE(is_open(1)) << "Redis goes on by itself";
  const redis::Reservation queued = grab(1);
  service_->start();
  EXPECT_TRUE(eventually([&] { return one->node().record_ok && one->node().keeps; }));
  shop_.reconnect();
  EXPECT_EQ(write(queued), store::GrantOutcome::granted);
  EXPECT_TRUE(becomes(1, Standing::awaiting));
  EXPECT_TRUE(is_open(1));
}

}  // namespace
}  // namespace sluice::cluster
