// The body of a grab: empty, or one small JSON object of a fixed shape.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "api/language.h"

namespace sluice::api {

/// Why a grab's body was refused.
enum class GrabBodyFault : std::uint8_t {
  not_an_object,
  bad_syntax,
  bad_utf8,
  unknown_key,
  duplicate_key,
  not_an_integer,  ///< a fraction, an exponent, text, null, true, a list or an object
  out_of_range,    ///< does not fit 64 bits
  trailing_data,
};
const Words& to_text(GrabBodyFault fault);

/// Strictly parses "" (one unit), `{}` (one unit) or `{"quantity":n}` with any JSON white space.
/// Whether n is a sensible quantity is the core's to say; anything else in the body is a fault.
/// Bounded by the length of `body`; allocates nothing.
std::expected<std::int64_t, GrabBodyFault> parse_grab_body(std::string_view body);

}  // namespace sluice::api
