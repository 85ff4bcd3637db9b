// What other threads ask of the bus's thread: publishes, settled deliveries, new consumers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.h"
#include "bus/local.h"
#include "bus/message_store.h"

namespace sluice::bus {

/// A route was found for it already.
struct Publish {
  const std::vector<std::size_t>* queues = nullptr;  ///< at least one; the bus's table
  std::string exchange;
  std::string routing_key;
  Message message;
  Confirmed then;
};

/// A delivery that its consumer is done with.
struct Settled {
  std::size_t queue = 0;
  std::int64_t sequence = 0;
  std::optional<Span> pause;  ///< none: acknowledged
  bool parked = false;        ///< whatever its attempts
};

struct Subscription {
  std::size_t queue = 0;
  std::size_t prefetch = 0;
  Consumer consumer;
};

struct Batch {
  std::vector<Publish> publishes;
  std::vector<Settled> settled;
  std::vector<Subscription> subscriptions;
  bool empty() const { return publishes.empty() && settled.empty() && subscriptions.empty(); }
  void clear() {
    publishes.clear();
    settled.clear();
    subscriptions.clear();
  }
};

/// Outlives the bus: a delivery may be settled after it is gone.
class Inbox {
 public:
  explicit Inbox(const LocalLimits& limits) : limits_(limits) {}

  enum class Admission : std::uint8_t { accepted, full, closed };
  /// Leaves `publish` as it is unless it is accepted.
  Admission put(Publish& publish) {
    const std::uint64_t cost = cost_of(publish.message);
    const std::lock_guard lock(mutex_);
    if (closed_) return Admission::closed;
    if (waiting_.publishes.size() >= limits_.waiting_publishes ||
        waiting_bytes_ + cost > limits_.waiting_bytes) {
      return Admission::full;
    }
    waiting_bytes_ += cost;
    waiting_.publishes.push_back(std::move(publish));
    wake();
    return Admission::accepted;
  }
  /// Bounded by the prefetch of the consumers. Without effect once closed: the message is still in
  /// the file and comes again after the next start.
  void put(const Settled& settled) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    waiting_.settled.push_back(settled);
    wake();
  }
  bool put(Subscription&& subscription) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    waiting_.subscriptions.push_back(std::move(subscription));
    wake();
    return true;
  }

  /// Replaces `batch` with everything that waits; sleeps up to `most` (none: as long as it takes)
  /// while nothing does. False once closed and empty.
  bool take(Batch& batch, std::optional<std::chrono::milliseconds> most) {
    batch.clear();
    std::unique_lock lock(mutex_);
    const auto something = [this] { return closed_ || !waiting_.empty(); };
    if (!something()) {
      sleeps_ = true;
      if (most) {
        arrived_.wait_for(lock, *most, something);
      } else {
        arrived_.wait(lock, something);
      }
      sleeps_ = false;
    }
    std::swap(batch, waiting_);
    waiting_bytes_ = 0;
    return !closed_ || !batch.empty();
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_.notify_one();
  }

 private:
  void wake() {
    if (!std::exchange(sleeps_, false)) return;
    arrived_.notify_one();
  }

  const LocalLimits limits_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  Batch waiting_;
  std::size_t waiting_bytes_ = 0;
  bool sleeps_ = false;
  bool closed_ = false;
};

}  // namespace sluice::bus
