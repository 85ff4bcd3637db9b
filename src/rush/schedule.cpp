// Arrival times: a unit-rate process, stretched by the inverse of the cumulative rate.
#include "rush/schedule.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace sluice::rush {

std::uint64_t Dice::next() {
  state_ += 0x9e37'79b9'7f4a'7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebULL;
  return z ^ (z >> 31);
}

double Dice::fraction() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::uint32_t Dice::below(std::uint32_t bound) {
  return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
}

Schedule::Schedule(double per_second, Span ramp, Arrivals arrivals, std::uint64_t seed)
    : per_second_(per_second),
      ramp_s_(static_cast<double>(ramp.ms) / 1e3),
      arrivals_(arrivals),
      dice_(seed) {
  SLUICE_ASSERT(per_second > 0, "an arrival rate is positive");
  SLUICE_ASSERT(ramp.ms >= 0, "a ramp is not negative");
  if (arrivals_ == Arrivals::poisson) {
    pop();
  } else {
    next_ns_ = moment_of(0);
  }
}

std::uint64_t Schedule::moment_of(double count) const {
  // While the rate climbs, rate(t) = r t / ramp, so r t^2 / (2 ramp) people have come by t.
  const double during_ramp = per_second_ * ramp_s_ / 2;
  const double seconds = count < during_ramp ? std::sqrt(2 * ramp_s_ * count / per_second_)
                                             : ramp_s_ + (count - during_ramp) / per_second_;
  return static_cast<std::uint64_t>(seconds * 1e9);
}

void Schedule::pop() {
  position_ += arrivals_ == Arrivals::poisson ? -std::log1p(-dice_.fraction()) : 1.0;
  next_ns_ = std::max(next_ns_, moment_of(position_));
}

}  // namespace sluice::rush
