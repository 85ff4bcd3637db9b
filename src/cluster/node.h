// What the parts of one node of a cluster share: the services, what is loaded into Redis, and what
// other threads may see.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "bus/timed.h"
#include "engine/catalog.h"
#include "engine/clock.h"
#include "engine/engine.h"
#include "engine/outbox.h"
#include "mariadb/address.h"
#include "redis/client.h"
#include "sale/state.h"

namespace sluice::cluster {

/// Where accepted grabs and hold timers travel; names are configuration.
struct Names {
  std::string grab_exchange = "seckillOrderExchange";
  std::string grab_queue = "seckillOrderQueue";  ///< also its routing key
  std::string timer_exchange = "exchange.order";
  std::string timer_queue = "queue.seckillordertimer";  ///< also its routing key
  /// Orders wait here for their hold to end; one queue per length of hold, `<name>.<ms>ms`, and the
  /// plain name for `plain_hold`.
  std::string delay_queue = "queue.seckillordertimerdelay";
  Span plain_hold = Span::seconds(1800);
};

struct ClusterOptions {
  mariadb::Address record;
  redis::Address redis;
  Names names;
  sale::Settings settings;
  bool takes_grabs = true;           ///< role sale
  bool works = true;                 ///< role worker: consumes grabs and timers
  bool keeps = true;                 ///< may be elected keeper
  bool has_desk = false;             ///< somebody takes node.duties; else none are posted
  std::size_t queue_bound = 65'536;  ///< commands waiting; more are answered overloaded
  std::size_t read_bound = 4'096;
  Span preload_every = Span::seconds(30);   ///< the keeper looks for windows that come up
  Span preload_ahead = Span::seconds(120);  ///< how long before its start a sale is loaded
  Span sweep_every{1000};
  /// How long a rebuild of Redis waits for workers that write nothing more, while the broker
  /// answers: what they write later is refused by the record.
  Span rebuild_patience = Span::seconds(20);
  engine::TimeSource time = engine::TimeSource::system();
  /// False, in tests that move `time`: grabs are decided by it too, and not by the clock of Redis.
  bool redis_keeps_time = true;
};

/// Under which epoch each sale is loaded into Redis, as far as this node knows. Any thread.
class Loadings {
 public:
  std::optional<std::uint64_t> epoch_of(SaleNo sale) const {
    const std::lock_guard lock(mutex_);
    const auto found = epochs_.find(sale);
    return found == epochs_.end() ? std::nullopt : std::optional(found->second);
  }
  void set(SaleNo sale, std::uint64_t epoch) {
    const std::lock_guard lock(mutex_);
    epochs_[sale] = epoch;
  }
  /// Unless it has another epoch by now.
  void drop(SaleNo sale, std::uint64_t epoch) {
    const std::lock_guard lock(mutex_);
    const auto found = epochs_.find(sale);
    if (found != epochs_.end() && found->second == epoch) epochs_.erase(found);
  }
  std::vector<SaleNo> sales() const {
    const std::lock_guard lock(mutex_);
    std::vector<SaleNo> all;
    for (const auto& [sale, epoch] : epochs_)
      all.push_back(sale);
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<SaleNo, std::uint64_t> epochs_;  // at most as many as there are sales
};

/// Outlives every part. The parts change what is theirs only; everything may be read by any thread.
struct Node {
  Node(ClusterOptions chosen, redis::Client& its_redis, bus::TimedBus& its_bus)
      : options(std::move(chosen)), clock(options.time), redis(its_redis), bus(its_bus) {}

  const ClusterOptions options;
  /// Returns when the catalog shows every definition that was committed before the call. Set before
  /// the parts start; any thread but the follower's.
  std::function<void()> refresh_catalog;
  engine::Clock clock;
  redis::Client& redis;
  bus::TimedBus& bus;

  engine::Catalogs catalogs;    ///< the follower's
  Loadings loadings;            ///< follower and keeper set, everybody drops what turned out stale
  engine::DutyBoard duties;     ///< clerk, worker and keeper post
  engine::NoticeBoard notices;  ///< the follower posts
  engine::Counts counts;
  std::atomic<std::int64_t> watchers{0};
  std::atomic<bool> record_ok{true};  ///< the follower's last look at the record succeeded
  std::atomic<bool> redis_ok{true};   ///< every sale that is open now can be grabbed
  std::atomic<bool> conserved{true};
  std::atomic<bool> keeps{false};  ///< this node is the elected keeper
};

}  // namespace sluice::cluster
