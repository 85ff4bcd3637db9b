// Elapsed time from the operating system's boot clock, anchored at the wall clock.
#include "engine/clock.h"

#include <ctime>

namespace sluice::engine {

namespace {

std::int64_t read_ms(clockid_t id) {
  timespec at{};
  clock_gettime(id, &at);
  return static_cast<std::int64_t>(at.tv_sec) * 1000 + at.tv_nsec / 1'000'000;
}

}  // namespace

TimeSource TimeSource::system() {
  return {.wall_ms = [] { return read_ms(CLOCK_REALTIME); },
          .elapsed_ms = [] { return read_ms(CLOCK_BOOTTIME); }};
}

Clock::Clock(TimeSource source)
    : source_(source), offset_ms_(source.wall_ms() - source.elapsed_ms()) {}

Instant Clock::now() const {
  return Instant{source_.elapsed_ms() + offset_ms_.load(std::memory_order_relaxed)};
}

Span Clock::follow_wall_clock() {
  const Span difference{source_.wall_ms() - now().ms};
  if (difference > kLargestDrift || difference < Span{-kLargestDrift.ms}) return difference;
  // One millisecond of difference is the rounding of two clocks read one after the other.
  if (difference.ms > 1) offset_ms_.fetch_add(1, std::memory_order_relaxed);
  if (difference.ms < -1) offset_ms_.fetch_sub(1, std::memory_order_relaxed);
  return Span{0};
}

}  // namespace sluice::engine
