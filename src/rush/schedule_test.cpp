// The arrival times: the ramp, the plateau, and that they are the same for the same seed.
#include "rush/schedule.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

namespace sluice::rush {
namespace {

std::vector<double> seconds(Schedule schedule, std::size_t count) {
  std::vector<double> moments;
  for (std::size_t i = 0; i < count; ++i) {
    moments.push_back(static_cast<double>(schedule.peek_ns()) / 1e9);
    schedule.pop();
  }
  return moments;
}

TEST(Schedule, WithoutARampArrivalsAreEvenlySpaced) {
  const auto moments = seconds({100, Span{0}, Arrivals::even, 1}, 300);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    EXPECT_NEAR(moments[i], static_cast<double>(i) / 100, 1e-6);
  }
}

TEST(Schedule, TheRateClimbsInAStraightLine) {
  // 100 per second after 4 s: 200 people come during the ramp, a quarter of them in its first half.
  const auto moments = seconds({100, Span::seconds(4), Arrivals::even, 1}, 600);
  EXPECT_NEAR(moments[50], 2.0, 1e-6);
  EXPECT_NEAR(moments[200], 4.0, 1e-6);
  EXPECT_NEAR(moments[300], 5.0, 1e-6);
  EXPECT_NEAR(moments[500], 7.0, 1e-6);
}

TEST(Schedule, PoissonArrivalsKeepTheRateAndVaryInBetween) {
  constexpr std::size_t kCount = 100'000;
  const auto moments = seconds({1000, Span::seconds(2), Arrivals::poisson, 7}, kCount);
  // 1000 during the ramp, then 1000 per second: the last comes at about 101 s, within 4 sigma.
  EXPECT_NEAR(moments.back(), 101.0, 4 * std::sqrt(100'000.0) / 1000);
  double squares = 0;
  const std::size_t plateau = 5'000;
  for (std::size_t i = plateau; i < kCount; ++i) {
    const double gap = moments[i] - moments[i - 1];
    squares += gap * gap;
  }
  // An exponential gap has a mean square of twice the squared mean; an even one of once.
  EXPECT_NEAR(squares / static_cast<double>(kCount - plateau) * 1e6, 2.0, 0.1);
}

TEST(Schedule, TheSameSeedGivesTheSameCrowd) {
  const Schedule one(500, Span::seconds(1), Arrivals::poisson, 42);
  const Schedule two(500, Span::seconds(1), Arrivals::poisson, 42);
  const Schedule other(500, Span::seconds(1), Arrivals::poisson, 43);
  EXPECT_EQ(seconds(one, 100), seconds(two, 100));
  EXPECT_NE(seconds(one, 100), seconds(other, 100));
}

RC_GTEST_PROP(Schedule, MomentsNeverGoBack, (std::uint64_t seed, bool poisson)) {
  const double rate = *rc::gen::inRange(1, 1'000'000);
  const Span ramp{*rc::gen::inRange(0, 60'000)};
  Schedule schedule(rate, ramp, poisson ? Arrivals::poisson : Arrivals::even, seed);
  std::uint64_t last = 0;
  for (int i = 0; i < 200; ++i) {
    RC_ASSERT(schedule.peek_ns() >= last);
    RC_ASSERT(schedule.peek_ns() == schedule.peek_ns());
    last = schedule.peek_ns();
    schedule.pop();
  }
}

RC_GTEST_PROP(Dice, StaysInItsBounds, (std::uint64_t seed)) {
  Dice dice(seed);
  for (int i = 0; i < 100; ++i) {
    const double fraction = dice.fraction();
    RC_ASSERT(fraction >= 0.0);
    RC_ASSERT(fraction < 1.0);
    RC_ASSERT(dice.below(3) < 3U);
    RC_ASSERT(dice.below(1) == 0U);
  }
}

}  // namespace
}  // namespace sluice::rush
