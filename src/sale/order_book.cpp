// Numbering, adding and finding orders.
#include "sale/order_book.h"

#include <algorithm>

#include "base/assert.h"

namespace sluice::sale {

namespace {

constexpr Instant kEpoch{1'704'067'200'000};  // 2024-01-01T00:00:00Z
constexpr int kMsShift = 22;
constexpr int kNodeShift = 12;
constexpr std::int64_t kNodeMask = 0x3ff << kNodeShift;
constexpr std::int64_t kSequenceMask = (1 << kNodeShift) - 1;
constexpr std::int64_t kMaxMs = (std::int64_t{1} << 41) - 1;  // in the year 2093

}  // namespace

OrderBook::OrderBook(std::uint16_t node) {
  SLUICE_ASSERT(node <= 1023, "a node number of 10 bits");
  node_bits_ = std::int64_t{node} << kNodeShift;
}

OrderId OrderBook::last_id() const {
  return orders_.size() == 0 ? OrderId{} : orders_[orders_.size() - 1].id;
}

OrderId OrderBook::next_id(Instant now) const {
  const std::int64_t ms = std::clamp<std::int64_t>((now - kEpoch).ms, 0, kMaxMs);
  const std::int64_t by_clock = (ms << kMsShift) | node_bits_;
  const std::int64_t last = last_id().value;
  if (by_clock > last) return OrderId{by_clock};
  // The clock stands still or went back: the next one of the last millisecond, if it is this
  // node's and not used up, or else the first of the millisecond after it.
  if ((last & kNodeMask) == node_bits_ && (last & kSequenceMask) != kSequenceMask) {
    return OrderId{last + 1};
  }
  const std::int64_t same_ms = ((last >> kMsShift) << kMsShift) | node_bits_;
  if (same_ms > last) return OrderId{same_ms};
  SLUICE_ASSERT((last >> kMsShift) < kMaxMs, "order numbers left before the year 2093 ends");
  return OrderId{(((last >> kMsShift) + 1) << kMsShift) | node_bits_};
}

OrderSlot OrderBook::add(const Order& order) {
  SLUICE_ASSERT(order.id > last_id(), "order ids that only grow");
  return orders_.push_back(order);
}

OrderSlot OrderBook::find(OrderId id) const {
  OrderSlot low = 0;
  OrderSlot high = orders_.size();
  while (low < high) {
    const OrderSlot middle = low + (high - low) / 2;
    if (orders_[middle].id < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < orders_.size() && orders_[low].id == id ? low : kNoOrder;
}

}  // namespace sluice::sale
