// What is known of the money of orders, and which order each transaction settled.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>

#include "sale/chunked.h"
#include "sale/hash_index.h"
#include "sale/order.h"
#include "sale/siphash.h"

namespace sluice::sale {

class SettlementTable {
 public:
  explicit SettlementTable(SipKey key) : key_(key) {}

  /// The settlement of an order, or nullptr.
  const Settlement* find(OrderSlot slot) const;
  /// The order that this transaction settled, or kNoOrder.
  OrderSlot settled_by(std::string_view transaction_id) const;
  /// Adds what find() did not find; an order is settled once. Where two orders of an old record
  /// name one transaction, it stays with the first.
  void add(OrderSlot slot, Settlement settlement);
  std::size_t bytes() const;

 private:
  std::uint32_t hash_of(std::string_view transaction_id) const;

  const SipKey key_;
  std::unordered_map<OrderSlot, Settlement> settlements_;
  Chunked<OrderSlot, 4096> owners_;  ///< of the transactions, in the order they came
  HashIndex index_;                  ///< over owners_
};

}  // namespace sluice::sale
