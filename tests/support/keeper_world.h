// One node with a keeper and a follower between a real MariaDB and a real Redis, without a broker:
// what the tests of the keeper share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cluster/follower.h"
#include "cluster/keeper.h"
#include "redis/admission.h"
#include "support/cluster_shop.h"
#include "support/redis_node.h"

namespace sluice::cluster {

/// Redis is to be back within 30 s; with a machine that does other things too.
inline constexpr std::chrono::seconds kPatience{30};
inline constexpr std::int64_t kStock = 10;
inline constexpr Span kHold = Span::seconds(1800);

/// Whether `holds` comes true in time.
inline bool eventually(const std::function<bool()>& holds) {
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

inline store::Reservation for_record(const redis::Reservation& order, std::uint64_t epoch) {
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
  std::optional<redis::Standing> standing(std::int64_t order) {
    const OrderId id{order};
    const redis::Outcome outcome = client_.ask(calls_.key(), calls_.find({&id, 1}));
    const auto found = redis::read_found(outcome.value, {&id, 1});
    if (!found || !found->front()) return std::nullopt;
    return found->front()->standing;
  }
  bool becomes(std::int64_t order, redis::Standing wanted) {
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
    EXPECT_EQ(shop_.order(OrderId{order})->status, sale::OrderStatus::refunded);
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

}  // namespace sluice::cluster
