// A worker's share of the crowd: a signed token and a few bytes of memory per shopper.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "rush/signing_key.h"

namespace sluice::rush {

/// What rush remembers of one shopper; a million of them stay below 200 bytes each, token included.
struct Shopper {
  OrderId order;           ///< of the first grant
  std::uint16_t item = 0;  ///< the grant's item
  std::uint8_t grants = 0;
  std::uint8_t again_left = 0;   ///< impatient clicks still to come
  bool unknown : 1 = false;      ///< a request got no answer: an order may exist unseen
  bool told_queued : 1 = false;  ///< was refused as already queued
  bool by_replay : 1 = false;  ///< the grant is known from a replay; its own answer may still come
  bool queued : 1 = false;     ///< holds a place in a queue, not yet decided
};
static_assert(sizeof(Shopper) <= 16);

/// The seedable character of a shopper, recomputed when needed instead of stored.
struct Character {
  bool impatient = false;
  bool double_clicks = false;
  bool two_tabs = false;
  double taste = 0;  ///< in [0, 1): decides the first item
};

class Shoppers {
 public:
  /// Shoppers `first` to `first + count - 1` of a crowd whose names all start with `prefix`.
  Shoppers(std::string prefix, std::uint32_t first, std::uint32_t count);

  /// Signs everyone's token, counting each in `progress`; stops early when `stop` turns true.
  void sign(const SigningKey& key, Instant issued_at, Span lifetime,
            std::atomic<std::uint64_t>& progress, const std::atomic<bool>& stop);

  std::uint32_t size() const { return static_cast<std::uint32_t>(states_.size()); }
  Shopper& operator[](std::uint32_t index) { return states_[index]; }
  const Shopper& operator[](std::uint32_t index) const { return states_[index]; }
  std::string_view token(std::uint32_t index) const {
    return std::string_view(tokens_).substr(index * stride_, stride_);
  }
  std::string user(std::uint32_t index) const;
  std::uint32_t first() const { return first_; }

 private:
  std::string prefix_;
  std::uint32_t first_;
  std::vector<Shopper> states_;
  std::string tokens_;  ///< all of one length: names have a fixed width
  std::size_t stride_ = 0;
};

}  // namespace sluice::rush
