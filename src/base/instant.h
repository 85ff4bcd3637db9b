// Points in time and lengths of time, both in whole milliseconds.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// A length of time in milliseconds; may be negative.
struct Span {
  std::int64_t ms = 0;

  static constexpr Span seconds(std::int64_t count) { return Span{count * 1000}; }
  constexpr auto operator<=>(const Span&) const = default;
};

/// Milliseconds since the Unix epoch, UTC.
struct Instant {
  std::int64_t ms = 0;

  constexpr auto operator<=>(const Instant&) const = default;
  friend constexpr Instant operator+(Instant at, Span by) { return Instant{at.ms + by.ms}; }
  friend constexpr Instant operator-(Instant at, Span by) { return Instant{at.ms - by.ms}; }
  friend constexpr Span operator-(Instant a, Instant b) { return Span{a.ms - b.ms}; }
};

/// Years outside 1970 to 9999 have no RFC 3339 form and are refused at every edge.
inline constexpr Instant kLastInstant{253'402'300'799'999};

/// RFC 3339, UTC, milliseconds: "2026-11-22T14:05:09.123Z" (24 bytes).
std::string to_rfc3339(Instant at);

/// Writes the 24 bytes of to_rfc3339 to `out`, without a terminator.
void write_rfc3339(Instant at, char* out);

/// Parses RFC 3339 with "Z" or a numeric offset and up to nine fraction digits (cut to ms).
Result<Instant> parse_rfc3339(std::string_view text);

/// Parses "YYYY-MM-DD HH:MM:SS" (one-digit months, days and hours allowed, fraction optional, "T"
/// accepted) as local time at `utc_offset`, the form of MySQL dumps.
Result<Instant> parse_local(std::string_view text, Span utc_offset);

/// Parses a duration such as "90s", "30m", "2h", "1d", "250ms"; a bare number means seconds.
/// Refuses negatives, overflow and more than 3650 days.
Result<Span> parse_span(std::string_view text);

}  // namespace sluice
