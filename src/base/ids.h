// The identifiers of the system and the text forms that the outside sees.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/strong.h"

namespace sluice {

/// A time-ordered 63-bit order number: milliseconds since 2024-01-01 UTC in the upper 41 bits,
/// then 10 bits of node and 12 bits of sequence. Zero means "no order".
using OrderId = Strong<struct OrderIdTag, std::int64_t>;

/// Dense numbers of sales and items inside one engine; also their primary keys in the record.
/// The outside knows sales and items by their text ids (see valid_catalog_id).
using SaleNo = Strong<struct SaleNoTag, std::uint32_t>;
using ItemNo = Strong<struct ItemNoTag, std::uint32_t>;

/// A dense number of a shopper inside one engine; never leaves the process.
using UserNo = Strong<struct UserNoTag, std::uint32_t>;

/// "No" followed by the decimal digits, as the outside sees an order.
std::string to_text(OrderId id);

/// The inverse of to_text: exactly "No" and 1 to 19 digits without a leading zero, in range.
std::optional<OrderId> parse_order_id(std::string_view text);

/// Whether `text` may name a sale or an item: 1 to 64 of [A-Za-z0-9._-], not starting with a dot.
bool valid_catalog_id(std::string_view text);

/// Longest user name (`sub` of a token) that is accepted, in bytes.
inline constexpr std::size_t kMaxUserBytes = 128;

/// Whether `user` is 1 to kMaxUserBytes bytes of valid UTF-8 without control characters.
bool valid_user(std::string_view user);

}  // namespace sluice
