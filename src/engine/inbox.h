// The bounded queue between the I/O threads and the writer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "engine/engine.h"
#include "sale/commands.h"
#include "sale/state.h"

namespace sluice::engine {

/// A question to the state that is no command: runs on the writer, between batches.
using Inspection = std::move_only_function<void(const sale::State&)>;

/// A command with its way back, or an inspection.
struct Submission {
  std::variant<sale::Command, Inspection> work;
  Mailbox* to = nullptr;
  Continuation then;
};

/// Many threads put, one takes. Full means refused, never blocked: waiting would only move the
/// crowd into memory.
class Inbox {
 public:
  explicit Inbox(std::size_t bound) : bound_(bound) { waiting_.reserve(kReserved); }

  Admission put(Submission&& submission) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return Admission::stopping;
      if (waiting_.size() >= bound_) return Admission::overloaded;
      waiting_.push_back(std::move(submission));
      if (!taker_sleeps_) return Admission::accepted;
      taker_sleeps_ = false;
    }
    // After the lock: a taker that is woken under it would run into it at once.
    arrived_.notify_one();
    return Admission::accepted;
  }

  /// Replaces `batch` (whose capacity is kept in circulation) with everything that waits. Sleeps up
  /// to `most` while nothing does. False once closed and empty.
  ///
  /// The first of a crowd wakes the taker before the others have been read from their sockets; to
  /// commit it alone would make them all wait for a sync of their own. So while fewer wait than of
  /// late, the taker gives the processor away a few times: microseconds, where a sync is a hundred.
  bool take(std::vector<Submission>& batch, std::chrono::milliseconds most) {
    batch.clear();
    std::unique_lock lock(mutex_);
    if (waiting_.empty() && !closed_) {
      taker_sleeps_ = true;
      arrived_.wait_for(lock, most, [this] { return !taker_sleeps_ || closed_; });
      taker_sleeps_ = false;
    }
    for (int i = 0; i < kMostYields && !waiting_.empty() && waiting_.size() < usual_; ++i) {
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
    }
    usual_ = (usual_ + waiting_.size()) / 2;
    batch.swap(waiting_);
    return !closed_ || !batch.empty();
  }

  /// From now on nothing is accepted; what waits can still be taken.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_.notify_one();
  }

  std::size_t depth() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  std::size_t bound() const { return bound_; }

 private:
  static constexpr std::size_t kReserved = 1024;
  static constexpr int kMostYields = 16;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Submission> waiting_;
  const std::size_t bound_;
  std::size_t usual_ = 0;  ///< size of recent batches, halving; the taker's
  bool taker_sleeps_ = false;
  bool closed_ = false;
};

}  // namespace sluice::engine
