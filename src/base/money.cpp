// Currencies of ISO 4217 and exact conversion between decimals and minor units.
#include "base/money.h"

#include <algorithm>

#include "base/text.h"

namespace sluice {

namespace {

/// Active codes of ISO 4217 that money is paid in, in alphabetical order, by digits of the minor
/// unit. Funds codes, metals and test codes are left out.
constexpr std::string_view kTwoDigits[] = {
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT",
    "BGN", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF",
    "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN",
    "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD",
    "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW",
    "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK",
    "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO",
    "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD",
    "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP",
    "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS",
    "UAH", "USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "YER", "ZAR", "ZMW"};
constexpr std::string_view kNoDigits[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
                                          "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"};
constexpr std::string_view kThreeDigits[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};

static_assert(std::ranges::is_sorted(kTwoDigits));
static_assert(std::ranges::is_sorted(kNoDigits));
static_assert(std::ranges::is_sorted(kThreeDigits));

/// Longest decimal that is looked at; no amount within the limit needs more.
constexpr std::size_t kMaxDecimalBytes = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail("the amount " + quote(text) + " " + std::string{why});
}

}  // namespace

std::optional<Currency> Currency::parse(std::string_view code) {
  if (!std::ranges::binary_search(kTwoDigits, code) &&
      !std::ranges::binary_search(kNoDigits, code) &&
      !std::ranges::binary_search(kThreeDigits, code)) {
    return std::nullopt;
  }
  Currency currency;
  std::ranges::copy(code, currency.code_.begin());
  return currency;
}

int Currency::exponent() const {
  if (std::ranges::binary_search(kNoDigits, code())) return 0;
  if (std::ranges::binary_search(kThreeDigits, code())) return 3;
  return 2;
}

Result<Money> parse_decimal(std::string_view text, Currency currency) {
  if (text.size() > kMaxDecimalBytes) return refuse(text, "is too long; write digits only");
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  const bool has_form = !whole.empty() && std::ranges::all_of(whole, is_digit) &&
                        std::ranges::all_of(fraction, is_digit) &&
                        (point == std::string_view::npos || !fraction.empty());
  if (!has_form) return refuse(text, "is not a decimal; write it like 19.99, without a sign");
  if (whole.size() > 1 && whole.front() == '0') {
    return refuse(text, "has leading zeros; remove them");
  }

  std::int64_t minor = 0;
  const auto append = [&minor](char digit) {
    // Beyond the limit the exact value no longer matters, only that it stays beyond.
    if (minor <= kMaxPrice.minor) minor = minor * 10 + (digit - '0');
  };
  std::ranges::for_each(whole, append);
  const auto digits = static_cast<std::size_t>(currency.exponent());
  for (std::size_t i = 0; i < digits; ++i)
    append(i < fraction.size() ? fraction[i] : '0');
  if (fraction.size() > digits &&
      !std::ranges::all_of(fraction.substr(digits), [](char c) { return c == '0'; })) {
    return refuse(text, "has more fraction digits than the " + std::to_string(digits) + " of " +
                            std::string{currency.code()} + "; round it first");
  }
  if (minor > kMaxPrice.minor) {
    return refuse(text, "is above the largest price, " + to_decimal(kMaxPrice, currency) + " " +
                            std::string{currency.code()});
  }
  return Money{minor};
}

std::string to_decimal(Money amount, Currency currency) {
  const bool negative = amount.minor < 0;
  // Negation in unsigned arithmetic is right for the smallest number too.
  const auto raw = static_cast<std::uint64_t>(amount.minor);
  std::string digits = std::to_string(negative ? 0 - raw : raw);
  const auto exponent = static_cast<std::size_t>(currency.exponent());
  if (exponent > 0) {
    if (digits.size() <= exponent) digits.insert(0, exponent + 1 - digits.size(), '0');
    digits.insert(digits.size() - exponent, 1, '.');
  }
  return negative ? "-" + digits : digits;
}

}  // namespace sluice
