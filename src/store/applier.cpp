// The applier's loop: take what waits, write it as one transaction, sync where somebody asked.
#include "store/applier.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::store {
namespace {

/// Enough for a transaction of its own: some 1,400 grabs, one to two milliseconds.
constexpr std::size_t kWorthwhileBytes = std::size_t{256} << 10;
/// Bytes of batches in one transaction, give or take one batch.
constexpr std::size_t kTransactionBytes = kWorthwhileBytes;
/// When this much waits the thread does not keep up, and who adds a batch carries some.
constexpr std::size_t kBehindBytes = std::size_t{2} << 20;
/// A batch waits no longer than this for others to go with it.
constexpr std::chrono::milliseconds kLag{100};
/// How long a full disk is left alone when nobody asks.
constexpr std::chrono::milliseconds kRetry{1000};
/// Batches whose memory is kept for the next ones.
constexpr std::size_t kMostSpare = 64;
/// One that has grown larger is let go: a crowd's batch has a quarter of it.
constexpr std::size_t kLargestSpare = std::size_t{64} << 10;

Trouble trouble_of(const sqlite::Database& database) {
  return database.failure() == sqlite::Database::Failure::disk_full ? Trouble::disk_full
                                                                    : Trouble::broken;
}

}  // namespace

Result<std::unique_ptr<Applier>> Applier::create(sqlite::Database& database, std::int64_t applied) {
  std::unique_ptr<Applier> applier(new Applier(database));
  auto tables = Tables::create(database.connection());
  if (!tables) return std::unexpected(tables.error());
  applier->tables_ = std::move(*tables);
  applier->added_ = applier->applied_ = applied;
  applier->durable_ = applied;
  return applier;
}

Applier::~Applier() {
  stop();
}

void Applier::start() {
  thread_ = std::thread([this] { run(); });
}

void Applier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_one();
    done_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Applier::add(Batch&& batch) {
  std::unique_lock lock(mutex_);
  const bool was_empty = waiting_.empty();
  const bool was_enough = waiting_bytes_ >= kWorthwhileBytes;
  added_ = batch.sequence();
  waiting_bytes_ += batch.blocks().size();
  waiting_.push_back(std::move(batch));
  if (was_empty) oldest_ = std::chrono::steady_clock::now();
  const bool is_enough = waiting_bytes_ >= kWorthwhileBytes;
  if (thread_.joinable()) {
    // The first starts the clock of the lag.
    if (was_empty || (is_enough && !was_enough)) work_.notify_one();
  }
  const std::size_t bound = thread_.joinable() ? kBehindBytes : kWorthwhileBytes;
  if (waiting_bytes_ >= bound && trouble() == Trouble::none && !busy_) step(lock);
}

Batch Applier::recycled() {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return {};
  Batch batch = std::move(spare_.back());
  spare_.pop_back();
  return batch;
}

std::string Applier::failure() const {
  if (trouble() == Trouble::none) return {};
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::size_t Applier::waiting_bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_;
}

Result<> Applier::settle() {
  std::unique_lock lock(mutex_);
  const std::int64_t target = added_;
  return until(
      lock, [this, target] { return applied_ >= target; }, &wanted_, target);
}

Result<> Applier::settle_durably(std::int64_t sequence) {
  std::unique_lock lock(mutex_);
  wanted_ = std::max(wanted_, sequence);
  return until(
      lock, [this, sequence] { return durable() >= sequence; }, &wanted_durable_, sequence);
}

void Applier::want_durable(std::int64_t sequence) {
  const std::lock_guard lock(mutex_);
  wanted_ = std::max(wanted_, sequence);
  wanted_durable_ = std::max(wanted_durable_, sequence);
  work_.notify_one();
}

Result<> Applier::write_through(Batch&& batch) {
  std::unique_lock lock(mutex_);
  const std::int64_t sequence = batch.sequence();
  direct_ = std::move(batch);
  added_ = sequence;
  wanted_ = sequence;
  auto done = until(
      lock, [this, sequence] { return durable() >= sequence; }, &wanted_durable_, sequence);
  // Another thread may be trying again already, with this batch in hand.
  done_.wait(lock, [this] { return !busy_; });
  if (durable() >= sequence) return {};
  if (done) return done;
  // Nothing of it was written: as if it had never been.
  direct_.reset();
  in_hand_.clear();
  added_ = wanted_ = wanted_durable_ = applied_;
  return done;
}

/// Goes on, or waits for who is at it, until `reached` or until an attempt fails.
template <class Reached>
Result<> Applier::until(std::unique_lock<std::mutex>& lock, Reached&& reached, std::int64_t* target,
                        std::int64_t sequence) {
  if (reached()) return {};
  if (trouble() == Trouble::broken) return fail(failure_);
  *target = std::max(*target, sequence);
  const std::uint64_t attempts = attempts_;
  retry_ = true;
  const auto ended = [&] { return reached() || attempts_ != attempts || stopping_; };
  while (!ended()) {
    if (busy_) {
      done_.wait(lock);
    } else {
      step(lock);
    }
  }
  if (reached()) return {};
  return fail(failure_.empty() ? "The record is being closed." : failure_);
}

void Applier::run() {
  pthread_setname_np(pthread_self(), "sluice-applier");
  // It fills the gaps while the others wait for the disk or the network, and costs them nothing.
  // Whoever cannot wait for it does its work, see until() and add(). Where the system refuses, the
  // threads share as equals.
  const sched_param none{};
  pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
  std::unique_lock lock(mutex_);
  while (!stopping_ && trouble() != Trouble::broken) {
    if (busy_) {
      done_.wait(lock);
    } else if (is_due()) {
      step(lock);
    } else if (trouble() == Trouble::disk_full) {
      if (work_.wait_for(lock, kRetry) == std::cv_status::timeout) retry_ = true;
    } else if (waiting_.empty()) {
      work_.wait(lock);
    } else {
      work_.wait_until(lock, oldest_ + kLag);
    }
  }
}

bool Applier::is_due() const {
  if (trouble() == Trouble::disk_full) return retry_;
  if (wanted_ > applied_ || wanted_durable_ > durable()) return true;
  if (waiting_.empty()) return false;
  return waiting_bytes_ >= kWorthwhileBytes || std::chrono::steady_clock::now() >= oldest_ + kLag;
}

/// One transaction, and a sync if it reaches what is wanted durable. Gives the lock up meanwhile.
void Applier::step(std::unique_lock<std::mutex>& lock) {
  busy_ = true;
  retry_ = false;
  take_in_hand();
  const std::int64_t last = in_hand_.empty() ? applied_ : in_hand_.back().sequence();
  const bool sync = wanted_durable_ > durable() && last >= wanted_durable_;
  lock.unlock();
  Result<> done = write_in_hand();
  if (done && sync) done = database_.sync_log();
  if (done) done = checkpoint_if_due();
  lock.lock();
  busy_ = false;
  if (!done) {
    failure_ = done.error().message;
    trouble_.store(trouble_of(database_), std::memory_order_release);
    ++attempts_;
  } else {
    trouble_ = Trouble::none;
    applied_ = last;
    if (sync) durable_.store(last, std::memory_order_release);
    for (Batch& batch : in_hand_) {
      if (spare_.size() < kMostSpare && batch.capacity() <= kLargestSpare)
        spare_.push_back(std::move(batch));
    }
    in_hand_.clear();
  }
  done_.notify_all();
}

/// What failed before stays in hand and goes first.
void Applier::take_in_hand() {
  if (!in_hand_.empty()) return;
  if (waiting_.empty() && direct_) {
    in_hand_.push_back(std::move(*direct_));
    direct_.reset();
  }
  std::size_t bytes = 0;
  while (!waiting_.empty() && bytes < kTransactionBytes) {
    bytes += waiting_.front().blocks().size();
    in_hand_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_bytes_ -= bytes;
  oldest_ = std::chrono::steady_clock::now();
}

Result<> Applier::write_in_hand() {
  if (in_hand_.empty()) return {};
  if (auto begun = database_.begin(); !begun) return begun;
  for (const Batch& batch : in_hand_) {
    const auto parts = BatchParts::parse(batch.bytes());
    if (!parts || tables_->write(*parts) != SQLITE_OK) return std::unexpected(database_.abandon());
  }
  return database_.commit();
}

Result<> Applier::checkpoint_if_due() {
  auto done = database_.checkpoint_if_due();
  // Where only room is missing the log goes on growing, and will say so when it cannot.
  if (!done && trouble_of(database_) == Trouble::disk_full) return {};
  return done;
}

}  // namespace sluice::store
