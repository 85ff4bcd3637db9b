// What other threads hand to the two threads of a RabbitMQ bus. Outlives it: a delivery may be
// settled after it is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.h"
#include "bus/publish_window.h"
#include "bus/wakeup.h"

namespace sluice::bus {

class PublishIntake {
 public:
  PublishIntake(std::size_t messages, std::size_t bytes) : messages_(messages), bytes_(bytes) {}

  enum class Admission : std::uint8_t { accepted, full, closed };
  /// Leaves `outgoing` as it is unless it is accepted.
  Admission put(Outgoing& outgoing) {
    const std::uint64_t cost = cost_of(outgoing);
    const std::lock_guard lock(mutex_);
    if (closed_) return Admission::closed;
    if (open_messages_ >= messages_ || open_bytes_ + cost > bytes_) return Admission::full;
    ++open_messages_;
    open_bytes_ += cost;
    waiting_.push_back(std::move(outgoing));
    wakeup_.signal();
    return Admission::accepted;
  }
  /// One that was accepted has been confirmed or failed.
  void release(std::uint64_t cost) {
    const std::lock_guard lock(mutex_);
    --open_messages_;
    open_bytes_ -= cost;
  }
  std::vector<Outgoing> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  Wakeup& wakeup() { return wakeup_; }

 private:
  const std::size_t messages_;
  const std::size_t bytes_;
  Wakeup wakeup_;
  std::mutex mutex_;
  std::vector<Outgoing> waiting_;
  std::size_t open_messages_ = 0;
  std::uint64_t open_bytes_ = 0;
  bool closed_ = false;
};

/// A delivery that its consumer is done with.
struct Settlement {
  enum class Kind : std::uint8_t { acknowledge, requeue };
  std::uint64_t generation = 0;  ///< of the connection that it came over
  std::uint64_t tag = 0;
  Kind kind = Kind::acknowledge;
};

struct Subscribe {
  std::string queue;
  std::size_t prefetch = 0;
  Consumer consumer;
};

class ConsumeIntake {
 public:
  /// Bounded by the prefetch of the consumers. Without effect once closed: the broker gives the
  /// message out again.
  void put(const Settlement& settlement) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    settlements_.push_back(settlement);
    wakeup_.signal();
  }
  bool put(Subscribe&& subscribe) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    subscribes_.push_back(std::move(subscribe));
    wakeup_.signal();
    return true;
  }
  /// A new connection: deliveries of earlier ones are the broker's again.
  void begin(std::uint64_t generation) {
    const std::lock_guard lock(mutex_);
    generation_ = generation;
    renew_ = false;
  }
  /// Consumers have to begin anew: a queue that was deleted and made again at once looks, to the
  /// broker, as if they were still there, yet they get nothing.
  void renew() {
    const std::lock_guard lock(mutex_);
    renew_ = true;
    wakeup_.signal();
  }
  bool take_renewal() {
    const std::lock_guard lock(mutex_);
    return std::exchange(renew_, false);
  }
  /// Whether what came over that connection can still be settled.
  bool is_current(std::uint64_t generation) {
    const std::lock_guard lock(mutex_);
    return !closed_ && generation_ == generation;
  }
  void take(std::vector<Settlement>& settlements, std::vector<Subscribe>& subscribes) {
    settlements.clear();
    subscribes.clear();
    const std::lock_guard lock(mutex_);
    std::swap(settlements, settlements_);
    std::swap(subscribes, subscribes_);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  Wakeup& wakeup() { return wakeup_; }

 private:
  Wakeup wakeup_;
  std::mutex mutex_;
  std::vector<Settlement> settlements_;
  std::vector<Subscribe> subscribes_;
  std::uint64_t generation_ = 0;
  bool renew_ = false;
  bool closed_ = false;
};

}  // namespace sluice::bus
