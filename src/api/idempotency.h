// The Idempotency-Key header and the 128 bits that stand for it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sale/order.h"

namespace sluice::api {

inline constexpr std::size_t kMaxIdempotencyKey = 64;  ///< characters, without quotes

/// The key of a header value: bare, or quoted as a structured-field string (RFC 8941 section
/// 3.3.3); both forms of the same characters are the same key. Empty where it is malformed, empty,
/// too long or not printable ASCII.
std::optional<std::string> parse_idempotency_key(std::string_view value);

/// The first 128 bits of SHA-256 over (length of user, user, key): never zero, and no user can make
/// another's.
sale::RequestKey request_key(std::string_view user, std::string_view key);

}  // namespace sluice::api
