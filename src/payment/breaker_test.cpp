// The circuit breaker's states and the pauses between repetitions, without a clock.
#include "payment/breaker.h"

#include <gtest/gtest.h>

#include <chrono>

#include "payment/driver.h"

namespace sluice::payment {
namespace {

constexpr Steady kStart{};
constexpr std::chrono::milliseconds kPause{5000};

TEST(CircuitBreaker, OpensAfterFailuresInARow) {
  CircuitBreaker breaker(3, Span{kPause.count()});
  for (int round = 0; round < 5; ++round) {
    breaker.failed(kStart);
    breaker.failed(kStart);
    breaker.succeeded();
  }
  EXPECT_FALSE(breaker.open());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(breaker.admit(kStart));
    breaker.failed(kStart);
  }
  EXPECT_TRUE(breaker.open());
  EXPECT_FALSE(breaker.admit(kStart + kPause - std::chrono::milliseconds(1)));
}

TEST(CircuitBreaker, OneProbeDecides) {
  CircuitBreaker breaker(1, Span{kPause.count()});
  breaker.failed(kStart);
  EXPECT_TRUE(breaker.admit(kStart + kPause));
  EXPECT_FALSE(breaker.admit(kStart + kPause)) << "one at a time";
  breaker.failed(kStart + kPause);
  EXPECT_FALSE(breaker.admit(kStart + kPause)) << "another pause";
  EXPECT_TRUE(breaker.admit(kStart + 2 * kPause));
  breaker.succeeded();
  EXPECT_FALSE(breaker.open());
  EXPECT_TRUE(breaker.admit(kStart + 2 * kPause));
}

TEST(CircuitBreaker, LateFailuresDoNotProlongThePause) {
  CircuitBreaker breaker(2, Span{kPause.count()});
  breaker.failed(kStart);
  breaker.failed(kStart);
  breaker.failed(kStart + kPause / 2);  // was under way when it opened
  EXPECT_TRUE(breaker.admit(kStart + kPause));
}

TEST(RepeatPause, DoublesWithJitterUpToABound) {
  using std::chrono::milliseconds;
  EXPECT_EQ(repeat_pause(1, 0), milliseconds(200));
  EXPECT_EQ(repeat_pause(2, 0), milliseconds(400));
  EXPECT_EQ(repeat_pause(2, 0.5), milliseconds(300));
  EXPECT_EQ(repeat_pause(3, 0.999), milliseconds(401));
  EXPECT_EQ(repeat_pause(100, 0), milliseconds(2000));
}

}  // namespace
}  // namespace sluice::payment
