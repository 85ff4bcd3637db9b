// Order ids of one node of a cluster.
#include "cluster/node_number.h"

#include <algorithm>

#include "base/assert.h"

namespace sluice::cluster {

namespace {

// As base/ids.h describes an order's number.
constexpr std::int64_t kEpochMs = 1'704'067'200'000;  // 2024-01-01 UTC
constexpr unsigned kSequenceBits = 12;
constexpr unsigned kNodeBits = 10;
constexpr std::int64_t kMostMs = (std::int64_t{1} << 41U) - 1;

}  // namespace

void OrderNumbers::set_node(std::optional<std::uint16_t> node, Instant until) {
  SLUICE_ASSERT(!node || *node < kMostNodes, "a node number of 10 bits");
  const std::lock_guard lock(mutex_);
  node_ = node;
  until_ = until;
}

std::optional<OrderId> OrderNumbers::next(Instant now) {
  const std::lock_guard lock(mutex_);
  if (!node_ || now >= until_) return std::nullopt;
  const std::int64_t ms = std::clamp<std::int64_t>(now.ms - kEpochMs, 1, kMostMs);
  // A clock that stands still or went back, or a full millisecond: go on from the last id.
  last_ = std::max(ms << kSequenceBits, last_ + 1);
  const std::int64_t sequence = last_ & ((std::int64_t{1} << kSequenceBits) - 1);
  return OrderId{((last_ >> kSequenceBits) << (kSequenceBits + kNodeBits)) |
                 (std::int64_t{*node_} << kSequenceBits) | sequence};
}

}  // namespace sluice::cluster
