// A raw number that has been given a meaning, so that ids, money and quantities cannot be mixed up.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace sluice {

/// A distinct type around `Rep`. It compares and hashes; arithmetic belongs to the types that need
/// it (Money, Quantity), so `OrderId + OrderId` does not compile.
template <class Tag, class Rep>
struct Strong {
  using rep = Rep;
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep raw) : value(raw) {}
  constexpr auto operator<=>(const Strong&) const = default;
};

}  // namespace sluice

template <class Tag, class Rep>
struct std::hash<sluice::Strong<Tag, Rep>> {
  std::size_t operator()(const sluice::Strong<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
