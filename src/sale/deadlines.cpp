// Deadline buckets and the queue of close retries.
#include "sale/deadlines.h"

namespace sluice::sale {

namespace {

constexpr int kBucketShift = 6;
constexpr std::int64_t kBucketMs = 1 << kBucketShift;

/// The bucket whose last instant is the first one at or after `at`.
std::int64_t bucket_of(Instant at) {
  return (at.ms + kBucketMs - 1) >> kBucketShift;
}

}  // namespace

void Deadlines::add(OrderBook& orders, OrderSlot slot) {
  const std::int64_t key = bucket_of(orders[slot].expires_at);
  // Orders granted one after another mostly share the newest bucket.
  const bool newest = !buckets_.empty() && buckets_.rbegin()->first == key;
  Bucket& bucket = newest ? buckets_.rbegin()->second : buckets_[key];
  if (bucket.head == kNoOrder) {
    bucket.head = slot;
  } else {
    orders[bucket.tail].next_due = slot;
  }
  bucket.tail = slot;
  orders[slot].next_due = kNoOrder;
}

OrderSlot Deadlines::take_due(OrderBook& orders, Instant now) {
  const std::optional<Instant> first_due = next();
  if (!first_due || *first_due > now) return kNoOrder;
  const auto first = buckets_.begin();
  const OrderSlot slot = first->second.head;
  first->second.head = orders[slot].next_due;
  orders[slot].next_due = kNoOrder;
  if (first->second.head == kNoOrder) buckets_.erase(first);
  return slot;
}

std::optional<Instant> Deadlines::next() const {
  if (buckets_.empty()) return std::nullopt;
  return Instant{buckets_.begin()->first << kBucketShift};
}

std::size_t Deadlines::bytes() const {
  constexpr std::size_t node_bytes = sizeof(std::pair<const std::int64_t, Bucket>) + 32;
  return buckets_.size() * node_bytes;
}

void CloseRetries::plan(OrderSlot slot, Instant at) {
  forget(slot);
  plans_.emplace(slot, at);
  queue_.emplace(at, slot);
}

void CloseRetries::forget(OrderSlot slot) {
  const auto plan = plans_.find(slot);
  if (plan == plans_.end()) return;
  queue_.erase({plan->second, slot});
  plans_.erase(plan);
}

OrderSlot CloseRetries::take_due(Instant now) {
  const std::optional<Instant> first = next();
  if (!first || *first > now) return kNoOrder;
  const OrderSlot slot = queue_.begin()->second;
  forget(slot);
  return slot;
}

std::optional<Instant> CloseRetries::next() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

std::size_t CloseRetries::bytes() const {
  constexpr std::size_t queue_node = sizeof(std::pair<Instant, OrderSlot>) + 48;
  constexpr std::size_t plan_node = sizeof(std::pair<const OrderSlot, Instant>) + 32;
  return queue_.size() * (queue_node + plan_node) + plans_.bucket_count() * sizeof(void*);
}

}  // namespace sluice::sale
