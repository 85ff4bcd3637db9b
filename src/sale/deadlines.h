// When orders run out of time, and when closings at the provider are asked again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <vector>

#include "base/instant.h"
#include "sale/order.h"
#include "sale/order_book.h"

namespace sluice::sale {

/// Orders in buckets of 64 ms, first in, first out within a bucket. A bucket is due as a whole when
/// its last instant has come, so nothing is taken early and at most 63 ms late. Orders that
/// need no deadline any more stay until their bucket is due; the caller skips them.
class Deadlines {
 public:
  void add(OrderBook& orders, OrderSlot slot);
  /// Takes the first order out of the buckets that are due, or kNoOrder.
  OrderSlot take_due(OrderBook& orders, Instant now);
  /// When the next bucket is due; empty: there is none.
  std::optional<Instant> next() const;
  std::size_t bytes() const;

 private:
  struct Bucket {
    OrderSlot head = kNoOrder;
    OrderSlot tail = kNoOrder;
  };
  std::map<std::int64_t, Bucket> buckets_;
};

/// A closing that the provider could not decide, to be asked again.
struct CloseRetry {
  Instant at;
  OrderSlot slot = kNoOrder;
  std::uint8_t attempts = 0;  ///< of the order when this was planned; another number: outdated

  bool operator>(const CloseRetry& other) const {
    return at != other.at ? at > other.at : slot > other.slot;
  }
};

class CloseRetries {
 public:
  void add(const CloseRetry& retry) { queue_.push(retry); }
  std::optional<CloseRetry> take_due(Instant now);
  std::optional<Instant> next() const;
  std::size_t bytes() const { return queue_.size() * sizeof(CloseRetry); }

 private:
  std::priority_queue<CloseRetry, std::vector<CloseRetry>, std::greater<>> queue_;
};

}  // namespace sluice::sale
