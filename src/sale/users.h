// Every shopper who ever won an order: names interned once, and where each one's orders begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "sale/chunked.h"
#include "sale/hash_index.h"
#include "sale/order.h"
#include "sale/siphash.h"

namespace sluice::sale {

/// 16 bytes per shopper, apart from the name and the index.
struct User {
  std::uint32_t name = 0;  ///< where the name lies in the arena
  std::uint32_t hash = 0;
  OrderSlot newest = kNoOrder;    ///< head of the list through Order::previous_of_user
  OrderSlot counting = kNoOrder;  ///< head of the list through Order::next_counting
};

/// Bytes of names, each behind a byte of its length, in chunks that never move.
class NameArena {
 public:
  /// Where the name was put. `name` has at most 255 bytes.
  std::uint32_t add(std::string_view name);
  std::string_view at(std::uint32_t place) const;
  std::size_t bytes() const;

 private:
  static constexpr std::uint32_t kChunkBytes = 1U << 16;
  static constexpr std::size_t kMaxChunks = std::size_t{1} << 16;  // a place is 32 bits

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::uint32_t used_ = kChunkBytes;  ///< of the last chunk
};

class UserTable {
 public:
  explicit UserTable(std::uint64_t seed);

  /// A name with its hash, so that a search and the addition after it hash once.
  struct Key {
    std::string_view name;
    std::uint32_t hash = 0;
  };
  Key key(std::string_view name) const;

  std::optional<UserNo> find(const Key& key) const;
  /// Adds a name that find() did not find.
  UserNo add(const Key& key);

  User& operator[](UserNo user) { return users_[user.value]; }
  const User& operator[](UserNo user) const { return users_[user.value]; }
  std::string_view name(UserNo user) const { return names_.at(users_[user.value].name); }
  std::uint32_t size() const { return users_.size(); }
  std::size_t bytes() const { return names_.bytes() + users_.bytes() + index_.bytes(); }

 private:
  SipKey key_;
  NameArena names_;
  Chunked<User, 4096> users_;
  HashIndex index_;
};

}  // namespace sluice::sale
