// The clock that decisions are made by: wall time that never jumps.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/instant.h"

namespace sluice::engine {

/// Where a Clock reads from; tests bring their own.
struct TimeSource {
  std::int64_t (*wall_ms)() = nullptr;     ///< milliseconds since the Unix epoch; may jump
  std::int64_t (*elapsed_ms)() = nullptr;  ///< milliseconds since some moment, suspension included

  /// The operating system's clocks.
  static TimeSource system();
};

/// Starts at the wall clock and then counts elapsed time, suspension included, so that a wall clock
/// set an hour forward does not expire every hold at once, nor one set back give them an hour more.
/// Small differences (a clock disciplined by NTP) are followed a millisecond at a time.
class Clock {
 public:
  explicit Clock(TimeSource source);
  Instant now() const;

  /// Moves at most one millisecond towards the wall clock; a difference above kLargestDrift is a
  /// jump, is not followed, and is returned so that it can be reported. Called about 20 times a
  /// second by one thread.
  Span follow_wall_clock();

  static constexpr Span kLargestDrift{10'000};

 private:
  const TimeSource source_;
  std::atomic<std::int64_t> offset_ms_;
};

}  // namespace sluice::engine
