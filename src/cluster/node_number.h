// Order ids of one node of a cluster: milliseconds, the node's number, a sequence.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "base/ids.h"
#include "base/instant.h"

namespace sluice::cluster {

inline constexpr std::uint16_t kMostNodes = 1024;

/// Ids that only grow, also when the clock goes back. Any thread.
class OrderNumbers {
 public:
  /// The number that this node may use from now on; empty: none, and no id is given. From `until`
  /// on none is given either, whoever is late to say so.
  void set_node(std::optional<std::uint16_t> node, Instant until = kLastInstant);
  std::optional<OrderId> next(Instant now);

 private:
  std::mutex mutex_;
  std::optional<std::uint16_t> node_;
  Instant until_;
  std::int64_t last_ = 0;  ///< milliseconds and sequence, without the node
};

}  // namespace sluice::cluster
