// When orders run out of time, and when closings at the provider are asked again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

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

/// Closings that the provider could not decide, to be asked again: one plan for an order at most,
/// since a forgotten one would ask the provider twice. Orders that were decided meanwhile stay
/// until their plan is due, as above.
class CloseRetries {
 public:
  /// Takes the place of what was planned for this order before.
  void plan(OrderSlot slot, Instant at);
  void forget(OrderSlot slot);
  /// Takes the first order whose plan is due, or kNoOrder.
  OrderSlot take_due(Instant now);
  std::optional<Instant> next() const;
  std::size_t bytes() const;

 private:
  std::set<std::pair<Instant, OrderSlot>> queue_;
  std::unordered_map<OrderSlot, Instant> plans_;  ///< the same, to be found by order
};

}  // namespace sluice::sale
