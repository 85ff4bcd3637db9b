// The desk's own thread: jobs in the order they come, timers, and the mailbox that the engine
// answers to. Tests bring a loop whose time they move themselves.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "base/instant.h"
#include "engine/engine.h"

namespace sluice::settlement {

using Job = std::move_only_function<void()>;

/// What arrives is bounded by those who send it: open deliveries, begun payments, calls under way,
/// and one entry per order for duties.
class Loop : public engine::Mailbox {
 public:
  /// The clock that decisions are made by. Any thread.
  virtual Instant now() const = 0;
  /// Runs `job` on the loop's thread after `pause`; not at all once the loop has ended.
  virtual void after(Span pause, Job job) = 0;
  /// Nothing runs after this; what still waits is dropped. Not from the loop's thread. Once.
  virtual void end() = 0;

  void deliver(std::vector<engine::Delivery>&& batch) override;
};

/// A loop on a thread of its own, which starts at once.
class ThreadLoop final : public Loop {
 public:
  explicit ThreadLoop(std::function<Instant()> clock);
  ~ThreadLoop() override;

  Instant now() const override { return clock_(); }
  void post(std::move_only_function<void()> job) override;
  void after(Span pause, Job job) override;
  void end() override;

 private:
  struct Timer {
    std::chrono::steady_clock::time_point at;
    std::uint64_t number = 0;  ///< equal times run in the order they were asked for
    mutable Job job;           ///< mutable: a priority queue only lends its top

    bool operator>(const Timer& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };

  void run();

  const std::function<Instant()> clock_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Job> jobs_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::uint64_t timer_count_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace sluice::settlement
