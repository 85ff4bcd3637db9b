// What is sold: sales, their items, and the counters that conservation is about.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "base/quantity.h"

namespace sluice::sale {

/// What a shopper sees of a sale at one moment; derived from the window and the switches.
enum class Phase : std::uint8_t { upcoming, open, paused, ended };

const char* to_text(Phase phase);

/// A window of time in which items are sold under common rules.
struct Sale {
  SaleNo no;
  std::string id;  ///< text id, unique among sales
  std::string title;
  Instant starts_at;
  Instant ends_at;
  Span hold;  ///< how long a unit waits for its payment
  bool paused = false;
  bool cancelled = false;  ///< ended by the operator; held orders are given up

  /// In the order in which a grab is refused: ended by the operator, not started, ended by time,
  /// paused.
  Phase phase(Instant now) const;
};

/// Units of one item. available + held + sold == stock, each >= 0, between any two commands.
struct Counters {
  Quantity stock;
  Quantity available;
  Quantity held;
  Quantity sold;
  Quantity refunded;  ///< units that were sold, refunded and put back; not part of the sum

  bool conserved() const;
  auto operator<=>(const Counters&) const = default;
};

/// One thing on sale.
struct Item {
  ItemNo no;
  SaleNo sale;
  std::string id;  ///< text id, unique among items
  std::string title;
  std::string image_url;
  std::string description;
  Money price;
  Money list_price;
  Currency currency;
  Quantity per_user_limit{1};
  Counters counters;
  bool frozen = false;  ///< conservation was found broken: nothing is sold until a person looks
};

/// Limits on what an operator may create; the edges check the same numbers for their messages.
inline constexpr std::size_t kMaxTitleBytes = 512;
inline constexpr std::size_t kMaxUrlBytes = 2048;
inline constexpr std::size_t kMaxDescriptionBytes = 8192;
inline constexpr std::size_t kMaxItemsPerSale = 1000;
inline constexpr std::size_t kMaxSales = 10'000;
inline constexpr std::size_t kMaxItems = 100'000;
inline constexpr Span kMinHold{1000};
inline constexpr Span kMaxHold = Span::seconds(7 * 24 * 3600);

}  // namespace sluice::sale
