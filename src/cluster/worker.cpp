// The worker's thread: a batch of grabs, then a round of the sweep, and again.
#include "cluster/worker.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "cluster/arrivals.h"
#include "cluster/hold_timers.h"
#include "cluster/messages.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

namespace {

using mariadb::Failure;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using store::GrantOutcome;

/// While one batch is written, the next one gathers. A rebuild of Redis waits for what workers have
/// in hand (kInHand of the loader), so it is not more than they write in a second.
constexpr std::size_t kGrabPrefetch = 256;
constexpr std::size_t kTimerPrefetch = 256;
/// A batch is closed when it has so many grabs, or this long after its first message.
constexpr std::size_t kFullBatch = 2048;
constexpr milliseconds kGathering{5};
static_assert(kFullBatch + kMaxGrabsPerMessage <= store::ClusterRecord::kMaxBatch);
/// Orders given up in one transaction: grabs wait for it.
constexpr std::uint32_t kMostPerSweep = 1024;
/// The core gives orders up in steps of so long.
constexpr Span kStep{64};
/// A timer that is early by no more than this waits here rather than at the broker.
constexpr Span kShortRest = Span::seconds(2);
constexpr milliseconds kIdleSleep{250};
constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{2000};
/// For what only a person can change: rights, tables.
constexpr milliseconds kPauseForPerson{5000};
constexpr Span kPauseAfterFailure = Span::seconds(30);
/// How long the stop waits for confirms of timers.
constexpr milliseconds kStopPatience{5000};

/// A message in hand, and where its grabs are in the batch.
struct Pending {
  OpenGrab open;
  std::size_t first = 0;
  std::size_t count = 0;
};

class RecordWorker final : public Worker {
 public:
  RecordWorker(Node& node, std::unique_ptr<store::ClusterRecord> record)
      : node_(node),
        record_(std::move(record)),
        arrivals_(std::make_shared<Arrivals>()),
        hold_timers_(node) {}
  ~RecordWorker() override { stop(); }
  RecordWorker(const RecordWorker&) = delete;
  RecordWorker& operator=(const RecordWorker&) = delete;

  Result<> start() {
    thread_ = std::thread([this] { run(); });
    const Names& names = node_.options.names;
    auto consumed = node_.bus.consume(
        names.grab_queue, kGrabPrefetch,
        [arrivals = arrivals_](auto delivery) { arrivals->put_grab(std::move(delivery)); });
    if (!consumed) return consumed;
    return node_.bus.consume(
        names.timer_queue, kTimerPrefetch,
        [arrivals = arrivals_](auto delivery) { arrivals->put_timer(std::move(delivery)); });
  }
  const WorkerCounts& counts() const override { return counts_; }
  void stop() override {
    arrivals_->stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  enum class Written : std::uint8_t { done, refused, stopped };

  void run();
  bool gather();
  void read(std::unique_ptr<bus::Delivery> delivery);
  void write(std::span<Pending> pending);
  Written grant(std::span<const store::Reservation> batch);
  void conclude(std::span<Pending> pending);
  void judge(const store::Reservation& grab, const store::GrantReply& reply, OpenGrab& open);
  void take_timers();
  void sweep();
  void settle_timers();
  bool pass(const Failure& failure, milliseconds& pause);
  milliseconds time_to_sleep() const;

  Node& node_;
  std::unique_ptr<store::ClusterRecord> record_;
  std::shared_ptr<Arrivals> arrivals_;
  HoldTimers hold_timers_;
  WorkerCounts counts_;

  // The batch in hand.
  std::shared_ptr<const engine::Catalog> catalog_;
  std::vector<Pending> pending_;
  std::vector<store::Reservation> grabs_;
  std::vector<store::GrantReply> replies_;
  std::vector<store::Reservation> to_time_;  ///< their holds run

  std::multimap<Instant, std::unique_ptr<bus::Delivery>> early_;  ///< by when to look
  std::vector<std::unique_ptr<bus::Delivery>> due_;               ///< until the sweep is through
  bool record_silent_ = false;
  std::thread thread_;
};

void RecordWorker::run() {
  pthread_setname_np(pthread_self(), "sluice-worker");
  while (!arrivals_->stopping()) {
    if (due_.empty()) arrivals_->wait(time_to_sleep());
    if (gather()) write(pending_);
    pending_.clear();
    take_timers();
    if (!due_.empty()) sweep();
    hold_timers_.resend();
  }
  hold_timers_.drain(kStopPatience);
  // Unacknowledged as they are, they come again to whoever works on.
  for (auto& delivery : due_)
    arrivals_->put_timer(std::move(delivery));
  for (auto& [look_at, delivery] : early_)
    arrivals_->put_timer(std::move(delivery));
}

milliseconds RecordWorker::time_to_sleep() const {
  if (early_.empty()) return kIdleSleep;
  const Span rest = early_.begin()->first - node_.clock.now();
  return std::clamp(milliseconds(rest.ms), milliseconds(0), kIdleSleep);
}

/// False: there is nothing to write.
bool RecordWorker::gather() {
  pending_.clear();
  grabs_.clear();
  catalog_ = node_.catalogs.current();
  auto taken = arrivals_->take_grabs();
  if (taken.empty()) return false;
  const auto until = SteadyClock::now() + kGathering;
  while (true) {
    std::size_t used = 0;
    while (used < taken.size() && grabs_.size() < kFullBatch)
      read(std::move(taken[used++]));
    taken.erase(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(used));
    if (grabs_.size() >= kFullBatch || SteadyClock::now() >= until || arrivals_->stopping()) break;
    arrivals_->wait_for_grabs(until);
    taken = arrivals_->take_grabs();
  }
  arrivals_->put_back(std::move(taken));
  return !pending_.empty();
}

void RecordWorker::read(std::unique_ptr<bus::Delivery> delivery) {
  auto message = parse_grabs(delivery->message().body, *catalog_);
  if (!message) {
    spdlog::critical("alarm: a message {} of {} is no grab and is parked for a person: {}",
                     quote(delivery->message().id), delivery->queue(), message.error().message);
    return delivery->park();
  }
  Pending pending;
  pending.first = grabs_.size();
  pending.count = message->grabs.size();
  if (!message->unknown_goods.empty()) {
    spdlog::warn("a message of {} names goods that are not known here (yet): {}", delivery->queue(),
                 quote(message->unknown_goods.front()));
    pending.open.fate = OpenGrab::Fate::again;
  }
  pending.open.delivery = std::move(delivery);
  std::ranges::move(message->grabs, std::back_inserter(grabs_));
  pending_.push_back(std::move(pending));
}

/// Of what the record will not take, one half after the other: the others need not suffer.
void RecordWorker::write(std::span<Pending> pending) {
  const std::size_t first = pending.front().first;
  const std::size_t end = pending.back().first + pending.back().count;
  const Written written = grant(std::span(grabs_).subspan(first, end - first));
  if (written == Written::done) return conclude(pending);
  if (written == Written::stopped) {
    for (Pending& each : pending)
      arrivals_->put_grab(std::move(each.open.delivery));
    return;
  }
  if (pending.size() > 1) {
    const std::size_t half = pending.size() / 2;
    write(pending.first(half));
    return write(pending.subspan(half));
  }
  pending.front().open.fate = OpenGrab::Fate::again;
  settle(pending.front().open);
}

/// What may pass is waited for: a batch may be written twice and counts once.
RecordWorker::Written RecordWorker::grant(std::span<const store::Reservation> batch) {
  milliseconds pause = kFirstPause;
  while (true) {
    auto done = record_->grant(batch, node_.clock.now());
    if (done) {
      if (std::exchange(record_silent_, false)) spdlog::info("the record takes orders again");
      replies_ = std::move(*done);
      counts_.batches.fetch_add(1, std::memory_order_relaxed);
      return Written::done;
    }
    if (!pass(done.error(), pause)) return Written::refused;
    if (!arrivals_->pause(pause)) return Written::stopped;
  }
}

/// Whether to try again after `pause`, which grows. Otherwise nothing was done, and it is not the
/// server's state that stands in the way.
bool RecordWorker::pass(const Failure& failure, milliseconds& pause) {
  if (!std::exchange(record_silent_, true)) {
    spdlog::critical("alarm: the record does not take what this worker has: {}", failure.message);
  }
  switch (failure.kind) {
    case Failure::Kind::unreachable:
    case Failure::Kind::lost:
    case Failure::Kind::retryable:
      pause = std::min(pause * 2, kLongestPause);
      return true;
    case Failure::Kind::refused:
    case Failure::Kind::denied:
    case Failure::Kind::no_table:
    case Failure::Kind::no_column:
      pause = kPauseForPerson;
      return true;
    case Failure::Kind::duplicate_key:
    case Failure::Kind::other:
      break;
  }
  return false;
}

void RecordWorker::conclude(std::span<Pending> pending) {
  const std::size_t begin = pending.front().first;
  to_time_.clear();
  std::vector<OpenGrab> open;
  for (Pending& each : pending) {
    for (std::size_t i = each.first; i < each.first + each.count; ++i)
      judge(grabs_[i], replies_[i - begin], each.open);
    open.push_back(std::move(each.open));
  }
  hold_timers_.send(to_time_, std::move(open), *catalog_);
}

void RecordWorker::judge(const store::Reservation& grab, const store::GrantReply& reply,
                         OpenGrab& open) {
  switch (reply.outcome) {
    case GrantOutcome::granted:
      counts_.orders.fetch_add(1, std::memory_order_relaxed);
      to_time_.push_back(grab);
      return;
    case GrantOutcome::replayed:
      // Whoever wrote it may not have come to its timer.
      if (reply.status == sale::OrderStatus::awaiting_payment) to_time_.push_back(grab);
      return;
    case GrantOutcome::malformed:
    case GrantOutcome::contradicts:
    case GrantOutcome::unknown_item:
      spdlog::critical("alarm: order {} of a grab is parked for a person: {}", to_text(grab.id),
                       to_text(reply.outcome));
      open.fate = OpenGrab::Fate::park;
      break;
    case GrantOutcome::stale_epoch:
    case GrantOutcome::sale_cancelled:
    case GrantOutcome::key_used:
    case GrantOutcome::already_queued:
    case GrantOutcome::limit_reached:
    case GrantOutcome::sold_out:
      break;
  }
  counts_.refused.fetch_add(1, std::memory_order_relaxed);
}

/// Sorts timers by what is to be done: nothing yet, not here, now.
void RecordWorker::take_timers() {
  const Instant now = node_.clock.now();
  for (auto& delivery : arrivals_->take_timers()) {
    const auto timer = parse_timer(delivery->message().body);
    if (!timer) {
      spdlog::critical("alarm: a message {} of {} is no timer and is parked for a person: {}",
                       quote(delivery->message().id), delivery->queue(), timer.error().message);
      delivery->park();
      continue;
    }
    const Span rest = timer->due + kStep - now;
    if (rest > kShortRest) {
      delivery->give_back(rest);
    } else {
      early_.emplace(timer->due + kStep, std::move(delivery));
    }
  }
  while (!early_.empty() && early_.begin()->first <= now) {
    due_.push_back(std::move(early_.begin()->second));
    early_.erase(early_.begin());
  }
}

/// One round; grabs are written between two.
void RecordWorker::sweep() {
  milliseconds pause = kFirstPause;
  while (true) {
    auto swept = record_->sweep(kMostPerSweep, node_.clock.now());
    if (swept) {
      if (std::exchange(record_silent_, false)) spdlog::info("the record takes orders again");
      const auto& outcome = std::get<sale::PulseOutcome>(swept->outcomes.front());
      for (const std::string& alarm : swept->alarms)
        spdlog::critical("alarm: {}", alarm);
      node_.counts.alarms.fetch_add(swept->alarms.size(), std::memory_order_relaxed);
      if (node_.options.has_desk) {  // otherwise the keeper hands them out
        sale::Effects effects;
        effects.closes = std::move(swept->closes);
        effects.refunds = std::move(swept->refunds);
        node_.duties.post(effects);
      }
      if (outcome.expired + outcome.closing < kMostPerSweep && !outcome.more) settle_timers();
      return;
    }
    if (!pass(swept.error(), pause)) {
      for (auto& delivery : due_)
        delivery->give_back(kPauseAfterFailure);
      due_.clear();
      return;
    }
    if (!arrivals_->pause(pause)) return;
  }
}

void RecordWorker::settle_timers() {
  counts_.timers.fetch_add(due_.size(), std::memory_order_relaxed);
  for (auto& delivery : due_)
    delivery->acknowledge();
  due_.clear();
}

}  // namespace

Result<std::unique_ptr<Worker>> open_worker(Node& node) {
  SLUICE_ASSERT(node.options.works, "this node has the role worker");
  SLUICE_ASSERT(node.catalogs.current() != nullptr, "the follower has published a catalog");
  store::ClusterOptions options;
  options.settings = node.options.settings;
  auto record = store::ClusterRecord::open(node.options.record, options);
  if (!record) return std::unexpected(record.error());
  auto worker = std::make_unique<RecordWorker>(node, std::move(*record));
  if (auto started = worker->start(); !started) return std::unexpected(started.error());
  return worker;
}

}  // namespace sluice::cluster
