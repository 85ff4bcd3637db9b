// Small text helpers that several rooms need.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms).
bool valid_utf8(std::string_view text);

/// Whether `text` holds a byte below 0x20 or 0x7f.
bool has_control(std::string_view text);

/// What a stranger wrote, fit for an error message or a log line: in double quotes, cut to 64
/// bytes, control characters and bytes that are not UTF-8 replaced by "?".
std::string quote(std::string_view text);

/// The entry of `known` with the smallest edit distance to `word`, if it is near enough to be a
/// likely typing error; used by "unknown flag" and "unknown key" messages.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known);

/// Lower-case hexadecimal.
std::string to_hex(std::span<const std::uint8_t> bytes);

/// Base64url without padding (RFC 4648 section 5).
std::string to_base64url(std::string_view bytes);

/// Strict inverse of to_base64url: no padding, no foreign characters, no stray low bits. Writes at
/// most `capacity` bytes to `out` and returns how many, or empty.
std::optional<std::size_t> from_base64url(std::string_view text, char* out, std::size_t capacity);

/// Percent-decoding (RFC 3986 section 2.1); empty where a percent sign is not followed by two
/// hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

/// A whole decimal integer without sign, spaces or leading zeros, in [0, max].
std::optional<std::int64_t> parse_uint(std::string_view text, std::int64_t max);

}  // namespace sluice
