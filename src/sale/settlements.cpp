// The table of settlements.
#include "sale/settlements.h"

#include <utility>

#include "base/assert.h"

namespace sluice::sale {

const Settlement* SettlementTable::find(OrderSlot slot) const {
  const auto found = settlements_.find(slot);
  return found == settlements_.end() ? nullptr : &found->second;
}

std::uint32_t SettlementTable::hash_of(std::string_view transaction_id) const {
  return static_cast<std::uint32_t>(siphash<1, 3>(key_, transaction_id));
}

OrderSlot SettlementTable::settled_by(std::string_view transaction_id) const {
  const std::uint32_t number = index_.find(hash_of(transaction_id), [&](std::uint32_t candidate) {
    return settlements_.at(owners_[candidate]).transaction_id == transaction_id;
  });
  return number == HashIndex::kNone ? kNoOrder : owners_[number];
}

void SettlementTable::add(OrderSlot slot, Settlement settlement) {
  const bool known = settled_by(settlement.transaction_id) != kNoOrder;
  const auto [at, fresh] = settlements_.emplace(slot, std::move(settlement));
  SLUICE_ASSERT(fresh, "an order is settled once");
  if (known) return;
  index_.add(hash_of(at->second.transaction_id), [this](std::uint32_t before) {
    return hash_of(settlements_.at(owners_[before]).transaction_id);
  });
  owners_.push_back(slot);
}

std::size_t SettlementTable::bytes() const {
  // A node of the map: a link, the key, the settlement, and the allocator's header.
  constexpr std::size_t node_bytes = sizeof(Settlement) + 32;
  std::size_t bytes =
      settlements_.bucket_count() * sizeof(void*) + owners_.bytes() + index_.bytes();
  for (const auto& [slot, settlement] : settlements_) {
    const bool on_heap = settlement.transaction_id.capacity() > std::string{}.capacity();
    bytes += node_bytes + (on_heap ? settlement.transaction_id.capacity() + 17 : 0);
  }
  return bytes;
}

}  // namespace sluice::sale
