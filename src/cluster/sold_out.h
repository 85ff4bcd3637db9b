// What one node knows to be sold out, and to whom it may say so without asking Redis.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"
#include "base/instant.h"
#include "engine/shopper_filter.h"
#include "redis/outbox.h"

namespace sluice::cluster {

/// "Sold out" is the last answer in the order of refusals: a shopper who has an order in the sale
/// is told that one instead. So it is said here only to those who surely have none, which is known
/// once the shoppers of the sale were read from Redis after the item was sold out.
class SoldOut {
 public:
  /// Whether it may be said to this shopper. Any thread.
  bool covers(std::string_view user, ItemNo item, std::int64_t quantity, Instant now) const {
    {
      const std::lock_guard lock(mutex_);
      const auto seen = seen_.find(item);
      if (seen == seen_.end() || !seen->second.shoppers_known) return false;
      if (!board_.refuses(item, quantity, now)) return false;
    }
    return !shoppers_.may_contain(user);
  }

  // The gate's thread.
  void add_shopper(std::string_view user) { shoppers_.add(user); }
  /// Redis said it. True: the shoppers of its sale have to be read, then shoppers_read() be called.
  bool refused(ItemNo item, std::int64_t available, std::uint64_t revision, Instant now) {
    const std::lock_guard lock(mutex_);
    board_.sold_out(item, available, revision, now);
    Seen& seen = seen_[item];
    if (seen.revision != revision) seen = {revision, false, false};
    if (seen.shoppers_known || seen.reading) return false;
    return seen.reading = true;
  }
  /// `complete`: every shopper who had an order when `revision` was seen has been added.
  void shoppers_read(ItemNo item, std::uint64_t revision, bool complete) {
    const std::lock_guard lock(mutex_);
    Seen& seen = seen_[item];
    if (seen.revision != revision) return;
    seen.reading = false;
    seen.shoppers_known = complete;
  }

  // Any thread.
  void released(ItemNo item, std::uint64_t revision) {
    const std::lock_guard lock(mutex_);
    board_.released(item, revision);
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    board_.forget();
    seen_.clear();
  }

 private:
  struct Seen {
    std::uint64_t revision = 0;
    bool shoppers_known = false;
    bool reading = false;
  };
  mutable std::mutex mutex_;
  redis::SoldOutBoard board_;              // guarded by mutex_
  std::unordered_map<ItemNo, Seen> seen_;  // guarded by mutex_; at most as many as items
  engine::ShopperFilter shoppers_;
};

}  // namespace sluice::cluster
