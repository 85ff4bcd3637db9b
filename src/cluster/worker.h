// Consumes accepted grabs and hold timers: orders are written in batches, timers are sent, what is
// past its deadline is given up.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "cluster/node.h"

namespace sluice::cluster {

struct WorkerCounts {
  std::atomic<std::uint64_t> orders{0};   ///< written by this node
  std::atomic<std::uint64_t> refused{0};  ///< reservations that the record did not take
  std::atomic<std::uint64_t> batches{0};
  std::atomic<std::uint64_t> timers{0};
};

class Worker {
 public:
  virtual ~Worker() = default;
  virtual const WorkerCounts& counts() const = 0;
  /// Finishes the batch in hand; deliveries that wait go back to the broker. Before the bus's
  /// stop(). Once.
  virtual void stop() = 0;
};

/// Starts consuming names.grab_queue and names.timer_queue.
Result<std::unique_ptr<Worker>> open_worker(Node& node);

}  // namespace sluice::cluster
