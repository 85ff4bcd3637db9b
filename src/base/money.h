// Money as an integer of minor units, with the currency beside it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// An amount in minor units (fen, cents) of a currency that is stated beside it.
struct Money {
  std::int64_t minor = 0;

  constexpr auto operator<=>(const Money&) const = default;
};

/// No single price may exceed this: 10^12 minor units. Times the largest stock it is more than 64
/// bits hold, so that whoever multiplies by a quantity must check (a grab does).
inline constexpr Money kMaxPrice{1'000'000'000'000};

/// An ISO 4217 code, three upper-case letters.
class Currency {
 public:
  constexpr Currency() : code_{'C', 'N', 'Y'} {}

  /// Empty where `code` is not one of the currencies known here.
  static std::optional<Currency> parse(std::string_view code);

  std::string_view code() const { return {code_.data(), code_.size()}; }

  /// Decimal digits of the minor unit: 2 for CNY, 0 for JPY, 3 for BHD.
  int exponent() const;

  constexpr auto operator<=>(const Currency&) const = default;

 private:
  std::array<char, 3> code_;
};

/// "19.99" -> 1999 minor units, exactly. Refuses signs, exponents, more fraction digits than the
/// currency has (unless they are zeros) and amounts above kMaxPrice.
Result<Money> parse_decimal(std::string_view text, Currency currency);

/// 1999 -> "19.99" for a person.
std::string to_decimal(Money amount, Currency currency);

}  // namespace sluice
