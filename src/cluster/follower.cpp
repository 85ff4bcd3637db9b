// One thread that looks at the record, asks Redis about sales, and publishes what it finds.
#include "cluster/follower.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cluster/ask.h"
#include "cluster/errand_thread.h"
#include "cluster/holder.h"
#include "cluster/wanted.h"
#include "redis/admission.h"
#include "store/cluster_feed.h"
#include "store/cluster_leases.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

namespace {

using redis::Refusal;

constexpr std::chrono::milliseconds kTurn{250};
constexpr Span kLookEvery{250};
/// The record's own counters, for sales that are not in Redis.
constexpr Span kCountersEvery{1000};
/// How long a definition waits for its catalog.
constexpr std::chrono::seconds kRefreshPatience{5};
/// A number is not given back: it lapses, so that who has it next is later by any clock.
constexpr Span kNumberLength = Span::seconds(30);
constexpr Span kNumberMargin = Span::seconds(5);
constexpr Span kNumberEvery = Span::seconds(5);
constexpr std::uint32_t kEventsPerPage = 1024;
constexpr int kPagesPerTurn = 16;
/// A sale that was just defined needs a moment.
constexpr Span kMayBeClosed{1500};

class RecordFollower final : public Follower {
 public:
  RecordFollower(Node& node, OrderNumbers& numbers, std::unique_ptr<store::ClusterRecord> record,
                 std::unique_ptr<store::ClusterFeed> feed,
                 std::unique_ptr<store::ClusterLeases> leases)
      : node_(node),
        numbers_(numbers),
        record_(std::move(record)),
        feed_(std::move(feed)),
        leases_(std::move(leases)) {}
  ~RecordFollower() override { stop(); }
  RecordFollower(const RecordFollower&) = delete;
  RecordFollower& operator=(const RecordFollower&) = delete;

  Result<> start() {
    if (const auto number = take_number(); !number) return number;
    const auto position = feed_->position();
    if (!position) return fail(position.error().message);
    // Orders that were there before are counted, but nobody waits to hear of them.
    const auto orders = feed_->granted(0, position->history);
    if (!orders) return fail(orders.error().message);
    node_.counts.orders = static_cast<std::uint64_t>(*orders);
    seen_ = *position;
    if (const auto read = read_catalog(*position); !read) return fail(read.error().message);
    thread_->start("sluice-follower", kTurn, [this] { turn(); });
    return {};
  }

  void refresh() override {
    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = ++wanted_;
    lock.unlock();
    thread_->wake();
    lock.lock();
    shown_changed_.wait_for(lock, kRefreshPatience, [&] { return stopping_ || shown_ >= ticket; });
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    shown_changed_.notify_all();
    thread_->end();
    numbers_.set_node(std::nullopt);
  }

 private:
  /// What was last heard of one sale from Redis.
  struct Sight {
    bool asking = false;
    bool is_open = false;
    bool silent = false;            ///< Redis did not answer
    std::uint64_t asked_epoch = 0;  ///< under which it was known here when Redis was asked
    std::optional<Instant> closed_since;
  };

  void turn();
  Result<> take_number();
  void renew_number(Instant now);
  mariadb::Outcome<> follow_record(Instant now);
  mariadb::Outcome<> read_catalog(const store::ClusterFeed::Position& position);
  mariadb::Outcome<> read_counters(Instant now);
  mariadb::Outcome<> read_events(const store::ClusterFeed::Position& position);
  void show_recorded(const engine::CatalogSale& sale);
  void ask_about_sales(Instant now);
  void heard(SaleNo no, const redis::Outcome& outcome);
  void show_health(Instant now);

  Node& node_;
  OrderNumbers& numbers_;
  std::unique_ptr<store::ClusterRecord> record_;
  std::unique_ptr<store::ClusterFeed> feed_;
  std::unique_ptr<store::ClusterLeases> leases_;
  const std::string holder_ = new_holder();

  // The thread's, once it runs.
  store::ClusterFeed::Position seen_;
  bool counters_due_ = false;
  std::vector<std::shared_ptr<engine::LiveCounters>> live_;  ///< index == ItemNo.value
  std::vector<sale::Counters> recorded_;                     ///< the same
  std::vector<bool> frozen_;                                 ///< in the record; the same
  std::map<SaleNo, Sight> sights_;
  Instant number_at_, look_at_, counters_at_;
  Instant number_until_;
  Trouble record_trouble_{"the record"};
  Trouble redis_trouble_{"Redis"};
  Trouble number_trouble_{"this node's number for order ids"};

  std::mutex mutex_;
  std::condition_variable shown_changed_;
  std::uint64_t wanted_ = 0;  // guarded by mutex_
  std::uint64_t shown_ = 0;   // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
  /// Answers of Redis may come after the end.
  std::shared_ptr<ErrandThread> thread_ = std::make_shared<ErrandThread>();
};

void RecordFollower::turn() {
  const Instant now = node_.clock.now();
  std::uint64_t wanted = 0;
  bool asked = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    wanted = wanted_;
    asked = wanted_ > shown_;
  }
  if (!asked && now < look_at_) return;
  look_at_ = now + kLookEvery;
  if (const auto followed = follow_record(now); !followed) {
    record_trouble_.raise(followed.error().message);
    node_.record_ok = false;
  } else {
    record_trouble_.end();
    node_.record_ok = true;
  }
  {
    const std::lock_guard lock(mutex_);
    if (node_.record_ok) shown_ = std::max(shown_, wanted);
  }
  shown_changed_.notify_all();
  renew_number(now);
  ask_about_sales(now);
  show_health(now);
}

// ---- the number --------------------------------------------------------------------------------

Result<> RecordFollower::take_number() {
  const Instant before = node_.clock.now();
  const auto number = leases_->take_number(holder_, kNumberLength);
  if (!number) return fail(number.error().message);
  if (!*number) {
    return fail(
        fmt::format("all {} numbers of nodes are held: stop a node, or wait {} s for the "
                    "number of one that died",
                    kMostNodes, kNumberLength.ms / 1000));
  }
  number_until_ = before + kNumberLength - kNumberMargin;
  number_at_ = before + kNumberEvery;
  numbers_.set_node(*number, number_until_);
  return {};
}

/// While it cannot be renewed it counts until its time is over.
void RecordFollower::renew_number(Instant now) {
  if (now < number_at_) return;
  number_at_ = now + kNumberEvery;
  if (const auto taken = take_number(); !taken) {
    number_trouble_.raise(taken.error().message);
  } else {
    number_trouble_.end();
  }
}

// ---- the record --------------------------------------------------------------------------------

mariadb::Outcome<> RecordFollower::follow_record(Instant now) {
  const auto position = feed_->position();
  if (!position) return std::unexpected(position.error());
  if (position->audit != seen_.audit) {
    if (auto read = read_catalog(*position); !read) return read;
  }
  if (position->history != seen_.history) {
    counters_due_ = true;
    if (auto read = read_events(*position); !read) return read;
  }
  seen_.seal = position->seal;
  if (counters_due_ && now >= counters_at_) return read_counters(now);
  return {};
}

/// The catalog's version is the number of changes that it has for sure, the same on every node.
mariadb::Outcome<> RecordFollower::read_catalog(const store::ClusterFeed::Position& position) {
  sale::State state(node_.options.settings);
  if (auto loaded = record_->load_catalog(state); !loaded) return loaded;
  recorded_.resize(state.items().size());
  frozen_.resize(state.items().size());
  for (const sale::Item& item : state.items()) {
    recorded_[item.no.value] = item.counters;
    frozen_[item.no.value] = item.frozen;
  }
  const auto version = static_cast<std::uint64_t>(position.audit) + 1;
  auto catalog = engine::make_catalog(version, state.sales(), state.items(), live_);
  for (const auto& sale : catalog->sales)
    show_recorded(*sale);
  node_.catalogs.publish(std::move(catalog));
  seen_.audit = position.audit;
  return {};
}

mariadb::Outcome<> RecordFollower::read_counters(Instant now) {
  sale::State state(node_.options.settings);
  if (auto loaded = record_->load_catalog(state); !loaded) return loaded;
  counters_at_ = now + kCountersEvery;
  counters_due_ = false;
  for (const sale::Item& item : state.items()) {
    // An item that is not in the catalog yet comes with the next one.
    if (item.no.value >= recorded_.size()) continue;
    recorded_[item.no.value] = item.counters;
    frozen_[item.no.value] = item.frozen;
  }
  const auto catalog = node_.catalogs.current();
  for (const auto& sale : catalog->sales)
    show_recorded(*sale);
  return {};
}

mariadb::Outcome<> RecordFollower::read_events(const store::ClusterFeed::Position& position) {
  std::int64_t told = seen_.history;
  if (node_.watchers.load(std::memory_order_relaxed) > 0) {
    for (int page = 0; page < kPagesPerTurn && told < position.history; ++page) {
      const auto events = feed_->events_after(told, kEventsPerPage);
      if (!events) return std::unexpected(events.error());
      if (events->empty()) break;
      told = events->back().sequence;
      std::map<OrderId, sale::OrderStatus> changed;  // as they are now, each once
      for (const store::FeedEvent& event : *events)
        changed.insert_or_assign(event.order.id, event.order.status);
      std::vector<engine::OrderNotice> notices;
      notices.reserve(changed.size());
      for (const auto& [order, status] : changed)
        notices.push_back({order, status});
      node_.notices.post(std::move(notices));
    }
  } else {
    told = position.history;
  }
  const auto granted = feed_->granted(seen_.history, told);
  if (!granted) return std::unexpected(granted.error());
  node_.counts.orders.fetch_add(static_cast<std::uint64_t>(*granted), std::memory_order_relaxed);
  seen_.history = told;
  return {};
}

/// Of a sale that Redis does not have.
void RecordFollower::show_recorded(const engine::CatalogSale& sale) {
  const auto sight = sights_.find(sale.sale.no);
  if (sight != sights_.end() && sight->second.is_open) return;
  for (const engine::CatalogItem* item : sale.items) {
    const std::size_t no = item->item.no.value;
    item->live->publish(recorded_[no], frozen_[no]);
  }
}

// ---- Redis -------------------------------------------------------------------------------------

void RecordFollower::ask_about_sales(Instant now) {
  const auto catalog = node_.catalogs.current();
  for (const auto& sale : catalog->sales) {
    const SaleNo no = sale->sale.no;
    const auto known = sights_.find(no);
    if (!is_wanted(*sale, now, node_.options.preload_ahead)) {
      if (known == sights_.end() || known->second.asking) continue;
      if (const auto epoch = node_.loadings.epoch_of(no)) node_.loadings.drop(no, *epoch);
      sights_.erase(known);
      show_recorded(*sale);
      continue;
    }
    Sight& sight = known == sights_.end() ? sights_[no] : known->second;
    if (sight.asking) continue;
    sight.asking = true;
    sight.asked_epoch = node_.loadings.epoch_of(no).value_or(0);
    const redis::SaleCalls calls(sale->sale.id);
    node_.redis.call(
        calls.key(), calls.stats(), [this, no, thread = thread_](redis::Outcome&& outcome) {
          thread->post([this, no, outcome = std::move(outcome)] { heard(no, outcome); });
        });
  }
}

void RecordFollower::heard(SaleNo no, const redis::Outcome& outcome) {
  Sight& sight = sights_[no];
  sight.asking = false;
  const auto stats = read_reply(outcome, redis::read_stats);
  sight.silent = !stats && stats.error().kind == Refusal::Kind::broken;
  if (sight.silent) return;  // what was seen last is as good as anything
  const auto catalog = node_.catalogs.current();
  const engine::CatalogSale& sale = *catalog->sales[no.value];
  sight.is_open = stats && stats->same_run && stats->state == "open";
  if (!sight.is_open) {
    if (!sight.closed_since) sight.closed_since = node_.clock.now();
    node_.loadings.drop(no, sight.asked_epoch);
    return show_recorded(sale);
  }
  sight.closed_since.reset();
  node_.loadings.set(no, stats->epoch);
  for (const engine::CatalogItem* item : sale.items) {
    const auto row = std::ranges::find(stats->items, item->item.no, &redis::ItemRow::item);
    const std::size_t at = item->item.no.value;
    if (row == stats->items.end()) {
      item->live->publish(recorded_[at], frozen_[at]);
      continue;
    }
    // What was given back and sold again in between, Redis does not count.
    sale::Counters counters = row->counters;
    counters.refunded = recorded_[at].refunded;
    item->live->publish(counters, row->frozen || frozen_[at]);
  }
}

/// Whether shoppers can grab in every sale that is open now.
void RecordFollower::show_health(Instant now) {
  const auto catalog = node_.catalogs.current();
  bool redis_ok = true;
  bool silent = false;
  for (const auto& sale : catalog->sales) {
    if (!is_open(sale->sale, now)) continue;
    const auto sight = sights_.find(sale->sale.no);
    if (sight == sights_.end()) continue;
    const auto& closed_since = sight->second.closed_since;
    silent = silent || sight->second.silent;
    if (sight->second.silent || (closed_since && now - *closed_since > kMayBeClosed)) {
      redis_ok = false;
    }
  }
  node_.redis_ok = redis_ok;
  if (silent) {
    redis_trouble_.raise("no answer about a sale that is open");
  } else {
    redis_trouble_.end();
  }
  node_.conserved = std::ranges::none_of(live_, [](const auto& live) { return live->frozen(); });
}

}  // namespace

Result<std::unique_ptr<Follower>> open_follower(Node& node, OrderNumbers& numbers) {
  store::ClusterOptions options;
  options.settings = node.options.settings;
  auto record = store::ClusterRecord::open(node.options.record, options);
  if (!record) return std::unexpected(record.error());
  auto feed = store::ClusterFeed::open(node.options.record);
  if (!feed) return std::unexpected(feed.error());
  auto leases = store::ClusterLeases::open(node.options.record);
  if (!leases) return std::unexpected(leases.error());
  auto follower = std::make_unique<RecordFollower>(node, numbers, std::move(*record),
                                                   std::move(*feed), std::move(*leases));
  if (auto started = follower->start(); !started) return std::unexpected(started.error());
  return follower;
}

}  // namespace sluice::cluster
