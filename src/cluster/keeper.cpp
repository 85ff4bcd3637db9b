// One thread that seeks the lease and, while it has it, does the keeper's rounds.
#include "cluster/keeper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "cluster/ask.h"
#include "cluster/duty_round.h"
#include "cluster/errand_thread.h"
#include "cluster/holder.h"
#include "cluster/leftovers.h"
#include "cluster/loader.h"
#include "cluster/mirror.h"
#include "store/cluster_feed.h"
#include "store/cluster_leases.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

namespace {

constexpr std::string_view kLease = "keeper";
constexpr Span kLeaseLength = Span::seconds(5);
constexpr Span kRenewEvery = Span::seconds(1);
/// What is begun in the last of it may end after it.
constexpr Span kLeaseMargin{500};
constexpr std::chrono::milliseconds kTurn{50};
constexpr Span kMirrorEvery{100};
constexpr std::uint32_t kMostSwept = 1024;
constexpr int kSweepsPerTurn = 4;
constexpr Span kAfterFailure = Span::seconds(1);
constexpr Span kDutiesEvery = Span::seconds(10);
constexpr std::uint32_t kDutiesPerPage = 1024;
constexpr int kDutyPages = 64;

/// What a node has while it is the keeper, and no longer.
struct Office {
  Office(Node& node, Gate& gate, store::ClusterRecord& record, store::ClusterFeed& feed)
      : loader(node, gate, record, feed), mirror(node, feed), leftovers(node, gate, feed, mirror) {}
  Loader loader;
  Mirror mirror;
  Leftovers leftovers;
  DutyRound duties;
  Instant mirror_at, sweep_at, duties_at;
};

class ElectedKeeper final : public Keeper {
 public:
  ElectedKeeper(Node& node, Gate& gate, std::unique_ptr<store::ClusterRecord> record,
                std::unique_ptr<store::ClusterFeed> feed,
                std::unique_ptr<store::ClusterLeases> leases)
      : node_(node),
        gate_(gate),
        record_(std::move(record)),
        feed_(std::move(feed)),
        leases_(std::move(leases)) {
    thread_.start("sluice-keeper", kTurn, [this] { turn(); });
  }
  ~ElectedKeeper() override { stop(); }
  ElectedKeeper(const ElectedKeeper&) = delete;
  ElectedKeeper& operator=(const ElectedKeeper&) = delete;

  void stop() override {
    stopping_ = true;
    thread_.end();
    office_.reset();
    if (!node_.keeps.exchange(false)) return;
    if (auto given = leases_->give_back(kLease, holder_); !given) {
      spdlog::warn("the keeper's lease runs out by itself: {}", given.error().message);
    }
  }

 private:
  void turn();
  bool hold(Instant now);
  void sweep(Instant now);
  void hand_out_duties(Instant now);
  void post(std::vector<sale::ClosePayment>&& closes, std::vector<sale::RefundPayment>&& refunds);
  Instant now() const { return node_.clock.now(); }

  Node& node_;
  Gate& gate_;
  std::unique_ptr<store::ClusterRecord> record_;
  std::unique_ptr<store::ClusterFeed> feed_;
  std::unique_ptr<store::ClusterLeases> leases_;
  const std::string holder_ = new_holder();
  std::optional<Office> office_;  ///< of the thread
  Instant held_until_, renew_at_;
  Trouble lease_trouble_{"the keeper's lease"};
  Trouble record_trouble_{"the keeper's rounds over the record"};
  std::atomic<bool> stopping_{false};
  ErrandThread thread_;
};

void ElectedKeeper::turn() {
  // After each part, as each may take long.
  const auto still = [this] { return !stopping_ && hold(now()); };
  if (!still()) return;
  if (!office_) {
    spdlog::info("this node keeps the sales in Redis from now on");
    office_.emplace(node_, gate_, *record_, *feed_);
  }
  office_->loader.turn(now());
  if (!still()) return;
  if (now() >= office_->mirror_at) {
    office_->mirror_at = now() + kMirrorEvery;
    office_->mirror.turn(office_->loader.open(), now());
    for (const SaleNo lost : office_->mirror.take_lost())
      office_->loader.reload(lost);
    if (!still()) return;
  }
  office_->leftovers.turn(office_->loader.open(), now());
  if (!still()) return;
  sweep(now());
  if (!still()) return;
  hand_out_duties(now());
}

/// Whether this node is the keeper.
bool ElectedKeeper::hold(Instant now) {
  if (now >= renew_at_) {
    renew_at_ = now + kRenewEvery;
    const auto taken = leases_->take(kLease, holder_, kLeaseLength);
    if (!taken) {
      lease_trouble_.raise(taken.error().message);
    } else {
      lease_trouble_.end();
      // Counted from before the call: the record's time began somewhere in it.
      held_until_ = *taken ? now + kLeaseLength - kLeaseMargin : Instant{};
    }
  }
  const bool holds = this->now() < held_until_;
  if (!holds && office_) {
    spdlog::warn("this node keeps the sales in Redis no longer: its lease is over");
    office_.reset();
  }
  node_.keeps = holds;
  return holds;
}

void ElectedKeeper::sweep(Instant now) {
  if (now < office_->sweep_at) return;
  office_->sweep_at = now + node_.options.sweep_every;
  for (int round = 0; round < kSweepsPerTurn; ++round) {
    auto swept = record_->sweep(kMostSwept, this->now());
    if (!swept) {
      record_trouble_.raise(swept.error().message);
      office_->sweep_at = now + std::max(kAfterFailure, node_.options.sweep_every);
      return;
    }
    record_trouble_.end();
    for (const std::string& alarm : swept->alarms)
      spdlog::critical("alarm: {}", alarm);
    node_.counts.alarms.fetch_add(swept->alarms.size(), std::memory_order_relaxed);
    post(std::move(swept->closes), std::move(swept->refunds));
    if (!std::get<sale::PulseOutcome>(swept->outcomes.front()).more) return;
  }
}

void ElectedKeeper::post(std::vector<sale::ClosePayment>&& closes,
                         std::vector<sale::RefundPayment>&& refunds) {
  if (!node_.options.has_desk) return;
  sale::Effects effects;
  effects.closes = std::move(closes);
  effects.refunds = std::move(refunds);
  node_.duties.post(effects);
}

void ElectedKeeper::hand_out_duties(Instant now) {
  if (!node_.options.has_desk || now < office_->duties_at) return;
  office_->duties_at = now + kDutiesEvery;
  OrderId after{};
  for (int page = 0; page < kDutyPages; ++page) {
    auto unfinished = record_->unfinished(after, kDutiesPerPage);
    if (!unfinished) return record_trouble_.raise(unfinished.error().message);
    const auto is_had = [&](const auto& duty) {
      return !office_->duties.hand_out(duty.order, now);
    };
    std::erase_if(unfinished->closes, is_had);
    std::erase_if(unfinished->refunds, is_had);
    post(std::move(unfinished->closes), std::move(unfinished->refunds));
    after = unfinished->next;
    if (after == OrderId{}) return office_->duties.end();
  }
}

}  // namespace

Result<std::unique_ptr<Keeper>> open_keeper(Node& node, Gate& gate) {
  SLUICE_ASSERT(node.options.keeps, "this node may be elected");
  SLUICE_ASSERT(node.catalogs.current() != nullptr, "the follower has published a catalog");
  store::ClusterOptions options;
  options.settings = node.options.settings;
  auto record = store::ClusterRecord::open(node.options.record, options);
  if (!record) return std::unexpected(record.error());
  auto feed = store::ClusterFeed::open(node.options.record);
  if (!feed) return std::unexpected(feed.error());
  auto leases = store::ClusterLeases::open(node.options.record);
  if (!leases) return std::unexpected(leases.error());
  return std::make_unique<ElectedKeeper>(node, gate, std::move(*record), std::move(*feed),
                                         std::move(*leases));
}

}  // namespace sluice::cluster
