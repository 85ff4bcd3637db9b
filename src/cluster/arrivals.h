// Deliveries on their way from the bus's thread to the worker's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "bus/bus.h"

namespace sluice::cluster {

/// Bounded by the prefetch of the consumers. Lives as long as they do: what arrives after the stop
/// lies here until the bus ends its connection, and is then the broker's again.
class Arrivals {
 public:
  using Deliveries = std::vector<std::unique_ptr<bus::Delivery>>;

  void put_grab(std::unique_ptr<bus::Delivery> delivery) { put(grabs_, std::move(delivery)); }
  void put_timer(std::unique_ptr<bus::Delivery> delivery) { put(timers_, std::move(delivery)); }

  /// Waits until something is there, the worker is to stop, or for so long.
  void wait(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, most,
                      [this] { return stopping_ || !grabs_.empty() || !timers_.empty(); });
  }
  /// The same for grabs only.
  void wait_for_grabs(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [this] { return stopping_ || !grabs_.empty(); });
  }
  /// False: the worker is to stop.
  bool pause(std::chrono::milliseconds length) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, length, [this] { return stopping_; });
  }

  Deliveries take_grabs() {
    const std::lock_guard lock(mutex_);
    return std::exchange(grabs_, {});
  }
  /// What was taken and not used: first in the line again.
  void put_back(Deliveries&& grabs) {
    if (grabs.empty()) return;
    const std::lock_guard lock(mutex_);
    for (auto& later : grabs_)
      grabs.push_back(std::move(later));
    grabs_ = std::move(grabs);
  }
  Deliveries take_timers() {
    const std::lock_guard lock(mutex_);
    return std::exchange(timers_, {});
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

 private:
  void put(Deliveries& line, std::unique_ptr<bus::Delivery>&& delivery) {
    const std::lock_guard lock(mutex_);
    line.push_back(std::move(delivery));
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Deliveries grabs_;
  Deliveries timers_;
  bool stopping_ = false;
};

}  // namespace sluice::cluster
