// The table of request keys.
#include "sale/requests.h"

#include "base/assert.h"

namespace sluice::sale {

namespace {

/// Keys are cryptographic hashes already: any of their bits will do.
std::uint32_t hash_of(const RequestKey& key) {
  return static_cast<std::uint32_t>(key.low);
}

}  // namespace

OrderSlot RequestTable::find(const RequestKey& key) const {
  const std::uint32_t number =
      index_.find(hash_of(key), [&](std::uint32_t candidate) { return keys_[candidate] == key; });
  return number == HashIndex::kNone ? kNoOrder : slots_[number];
}

void RequestTable::add(const RequestKey& key, OrderSlot slot) {
  SLUICE_ASSERT(slots_.size() == 0 || slots_[slots_.size() - 1] < slot, "slots only grow");
  keys_.push_back(key);
  slots_.push_back(slot);
  index_.add(hash_of(key), [this](std::uint32_t before) { return hash_of(keys_[before]); });
}

RequestKey RequestTable::key_of(OrderSlot slot) const {
  std::uint32_t low = 0;
  std::uint32_t high = slots_.size();
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (slots_[middle] < slot) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < slots_.size() && slots_[low] == slot ? keys_[low] : RequestKey{};
}

}  // namespace sluice::sale
