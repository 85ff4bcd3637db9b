// Rate limits per key (a user, an address): the generic cell rate algorithm (ITU-T I.371) over a
// bounded table.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/instant.h"

namespace sluice::http {

struct LimitDecision {
  bool allowed = true;
  Span retry_after;         ///< when refused: how long until one request would be allowed
  std::uint32_t limit = 0;  ///< requests per second, for RateLimit-Policy
  std::uint32_t remaining = 0;
};

/// Thread-safe (sharded locks). Memory is bounded by `max_keys`; when it is full the keys that have
/// been idle longest make room, so a flood of new keys cannot lock known ones out.
class RateLimiter {
 public:
  /// `per_second` 0 allows everything and keeps nothing. `seed` keys the table's hash.
  RateLimiter(std::uint32_t per_second, std::uint32_t burst, std::size_t max_keys,
              std::uint64_t seed);
  ~RateLimiter();
  bool enabled() const;
  LimitDecision admit(std::string_view key, Instant now);
  std::size_t keys() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::http
