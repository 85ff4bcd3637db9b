// All orders in order of creation, and the numbers they are given.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ids.h"
#include "base/instant.h"
#include "sale/chunked.h"
#include "sale/order.h"

namespace sluice::sale {

class OrderBook {
 public:
  explicit OrderBook(std::uint16_t node);

  Order& operator[](OrderSlot slot) { return orders_[slot]; }
  const Order& operator[](OrderSlot slot) const { return orders_[slot]; }
  std::uint32_t size() const { return orders_.size(); }

  /// The id for the next order: at least what `now` says, always above the last one.
  OrderId next_id(Instant now) const;
  OrderId last_id() const;

  /// Adds an order whose id is above last_id().
  OrderSlot add(const Order& order);
  /// By binary search: ids only grow. kNoOrder where there is none.
  OrderSlot find(OrderId id) const;

  std::size_t bytes() const { return orders_.bytes(); }

 private:
  std::int64_t node_bits_ = 0;
  Chunked<Order, 1024> orders_;
};

}  // namespace sluice::sale
