// A number of units of stock.
#pragma once

#include <compare>
#include <cstdint>

namespace sluice {

/// Units of an item. Stock and its parts are never negative between commands.
struct Quantity {
  std::int64_t units = 0;

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity& operator+=(Quantity by) {
    units += by.units;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity by) {
    units -= by.units;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return {a.units + b.units}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return {a.units - b.units}; }
};

/// The largest stock of one item, and so the largest quantity anywhere.
inline constexpr Quantity kMaxStock{1'000'000'000};

}  // namespace sluice
