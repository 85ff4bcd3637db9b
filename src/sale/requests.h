// Which request key made which order; only orders that sent a key take space here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sale/chunked.h"
#include "sale/hash_index.h"
#include "sale/order.h"

namespace sluice::sale {

class RequestTable {
 public:
  /// The order that `key` made, or kNoOrder.
  OrderSlot find(const RequestKey& key) const;
  /// Adds a key that find() did not find. `slot` is above every slot added before.
  void add(const RequestKey& key, OrderSlot slot);
  /// The key that made the order, or an all-zero one.
  RequestKey key_of(OrderSlot slot) const;
  std::size_t bytes() const { return keys_.bytes() + slots_.bytes() + index_.bytes(); }

 private:
  // Two arrays instead of one of pairs: 20 bytes per key instead of 24.
  Chunked<RequestKey, 4096> keys_;
  Chunked<OrderSlot, 4096> slots_;
  HashIndex index_;
};

}  // namespace sluice::sale
