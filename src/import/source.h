// What the parsers of foreign files give, row by row, and the bounds that hold for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"

namespace sluice::importing {

inline constexpr std::size_t kMaxFileBytes = 256UL * 1024 * 1024;
inline constexpr std::size_t kMaxCellBytes = 1024UL * 1024;  ///< one value, decoded
inline constexpr std::size_t kMaxColumns = 512;
inline constexpr std::size_t kMaxRows = 1'000'000;  ///< of the wanted table
inline constexpr std::size_t kMaxJsonNodes = 2'000'000;
inline constexpr std::size_t kMaxJsonDepth = 16;

/// A line of the file, counted from 1; 0 means the file as a whole.
using Line = std::size_t;

/// A value as text; empty optional: NULL.
using Cell = std::optional<std::string>;

/// One sale in the shape of the operator API. Absent members are empty; the receiver decides what
/// is missing. Amounts are minor units, in decimal digits.
struct ListedItem {
  Line line = 0;
  Cell id, title, image_url, description, price, list_price, currency, stock, per_user_limit;
};
struct ListedSale {
  Line line = 0;
  Cell id, title, starts_at, ends_at, hold_seconds;
  std::vector<ListedItem> items;
};

/// Receives what a parser finds, in the order of the file.
class Sink {
 public:
  virtual ~Sink() = default;
  /// The columns of the rows that follow, until the next call.
  virtual void columns(Line line, const std::vector<std::string>& names) = 0;
  /// One row with as many cells as there are columns. The cells may be moved from.
  virtual void row(Line line, std::vector<Cell>& cells) = 0;
  virtual void sale(ListedSale&& sale) = 0;
  /// A row that cannot be made sense of.
  virtual void left_out(Line line, std::string why) = 0;
  /// Something that a person should know but that costs no row.
  virtual void note(Line line, std::string text) = 0;
};

}  // namespace sluice::importing
