// When shoppers arrive: an open model, fixed before the run, that never waits for the server.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::rush {

/// A small, fast, seedable generator (splitmix64; Steele, Lea, Flood 2014). The same seed gives the
/// same crowd on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  double fraction();  ///< uniform in [0, 1)
  /// Uniform in [0, bound); bound > 0. The bias for small bounds is below 2^-32.
  std::uint32_t below(std::uint32_t bound);

 private:
  std::uint64_t state_;
};

enum class Arrivals : std::uint8_t {
  poisson,  ///< independent people: exponential gaps
  even,     ///< equal gaps
};

/// A stream of intended moments, in nanoseconds since the start of the run, never decreasing. The
/// rate climbs in a straight line from 0 to `per_second` during `ramp`, then stays.
class Schedule {
 public:
  Schedule(double per_second, Span ramp, Arrivals arrivals, std::uint64_t seed);
  /// The moment of the next arrival; the same until pop().
  std::uint64_t peek_ns() const { return next_ns_; }
  void pop();
  /// The moment by which `count` arrivals are expected: the inverse of the cumulative rate.
  std::uint64_t moment_of(double count) const;

 private:
  double per_second_;
  double ramp_s_;
  Arrivals arrivals_;
  Dice dice_;
  double position_ = 0;
  std::uint64_t next_ns_ = 0;
};

}  // namespace sluice::rush
