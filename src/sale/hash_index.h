// An open-addressing index from hashes to the numbers of things that are stored elsewhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::sale {

/// Numbers 0, 1, 2, … are added in order and never removed. A byte of each hash stands apart from
/// the numbers, so that a search for something new touches one cache line and no stored thing.
/// Growth asks for the hash of every number again and so reads no keys.
class HashIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  /// The number whose hash is `hash` and for which `is_it(number)` holds, or kNone.
  template <class IsIt>
  std::uint32_t find(std::uint32_t hash, const IsIt& is_it) const {
    if (tags_.empty()) return kNone;
    for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
      if (tags_[at] == kEmpty) return kNone;
      if (tags_[at] == tag_of(hash) && is_it(numbers_[at])) return numbers_[at];
    }
  }

  /// Adds the next number, which is size(). `hash_of(number)` gives the hash of any number before.
  template <class HashOf>
  void add(std::uint32_t hash, const HashOf& hash_of) {
    if ((std::size_t{size_} + 1) * 4 > tags_.size() * 3) grow(hash_of);
    place(hash, size_++);
  }

  std::uint32_t size() const { return size_; }
  std::size_t bytes() const { return tags_.capacity() + numbers_.capacity() * sizeof(numbers_[0]); }

 private:
  static constexpr std::uint8_t kEmpty = 0;
  static constexpr std::size_t kFirstCapacity = 1024;

  static std::uint8_t tag_of(std::uint32_t hash) {
    return static_cast<std::uint8_t>(std::max<std::uint32_t>(1, hash >> 24));
  }
  std::size_t mask() const { return tags_.size() - 1; }

  void place(std::uint32_t hash, std::uint32_t number) {
    std::size_t at = hash & mask();
    while (tags_[at] != kEmpty)
      at = (at + 1) & mask();
    tags_[at] = tag_of(hash);
    numbers_[at] = number;
  }

  template <class HashOf>
  void grow(const HashOf& hash_of) {
    const std::size_t capacity = std::max(kFirstCapacity, tags_.size() * 2);
    // The old table goes first: everything it knew comes back from hash_of.
    std::vector<std::uint8_t>{}.swap(tags_);
    std::vector<std::uint32_t>{}.swap(numbers_);
    tags_.resize(capacity, kEmpty);
    numbers_.resize(capacity);
    for (std::uint32_t number = 0; number < size_; ++number)
      place(hash_of(number), number);
  }

  std::vector<std::uint8_t> tags_;
  std::vector<std::uint32_t> numbers_;
  std::uint32_t size_ = 0;
};

}  // namespace sluice::sale
