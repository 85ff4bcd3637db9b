// Which shoppers may have an order: lets an I/O thread refuse a newcomer as sold out without asking
// the writer, who alone knows everybody's orders.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace sluice::engine {

/// A Bloom filter of fixed size. "No" is certain, "maybe" costs a trip to the writer: about one in
/// seventy newcomers at a million shoppers. One thread adds, any thread asks.
class ShopperFilter {
 public:
  ShopperFilter() : words_(std::make_unique<std::atomic<std::uint64_t>[]>(kWords)) {}

  void add(std::string_view user) {
    const std::size_t hash = std::hash<std::string_view>{}(user);
    set(hash);
    set(hash >> 32U);
  }
  bool may_contain(std::string_view user) const {
    const std::size_t hash = std::hash<std::string_view>{}(user);
    return get(hash) && get(hash >> 32U);
  }

 private:
  static constexpr std::size_t kBits = std::size_t{1} << 24U;  // 2 MiB
  static constexpr std::size_t kWords = kBits / 64;

  void set(std::size_t hash) {
    std::atomic<std::uint64_t>& word = words_[hash % kBits / 64];
    const std::uint64_t bit = std::uint64_t{1} << (hash % 64);
    if ((word.load(std::memory_order_relaxed) & bit) == 0) {
      word.fetch_or(bit, std::memory_order_release);
    }
  }
  bool get(std::size_t hash) const {
    return (words_[hash % kBits / 64].load(std::memory_order_acquire) >> (hash % 64) & 1U) != 0;
  }

  std::unique_ptr<std::atomic<std::uint64_t>[]> words_;
};

}  // namespace sluice::engine
