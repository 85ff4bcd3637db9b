// Rate limits: the exact sequence of decisions, and the bounds of the table under a flood.
#include "http/limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sluice::http {
namespace {

constexpr Instant kStart{1'790'000'000'000};

TEST(RateLimiter, ZeroAllowsEverythingAndKeepsNothing) {
  RateLimiter limiter(0, 10, 100, 1);
  EXPECT_FALSE(limiter.enabled());
  for (int i = 0; i < 1000; ++i)
    EXPECT_TRUE(limiter.admit("a", kStart).allowed);
  EXPECT_EQ(limiter.keys(), 0U);
}

TEST(RateLimiter, AllowsTheBurstThenOneRequestPerInterval) {
  RateLimiter limiter(5, 3, 100, 1);
  for (std::uint32_t left : {2U, 1U, 0U}) {
    const LimitDecision decision = limiter.admit("a", kStart);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.remaining, left);
    EXPECT_EQ(decision.limit, 5U);
  }
  const LimitDecision refused = limiter.admit("a", kStart);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, Span{200});
  EXPECT_FALSE(limiter.admit("a", kStart + Span{199}).allowed);
  EXPECT_TRUE(limiter.admit("a", kStart + Span{200}).allowed);
  EXPECT_FALSE(limiter.admit("a", kStart + Span{200}).allowed);
  // After a rest the burst is back, and not more than the burst.
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(limiter.admit("a", kStart + Span{10'000}).allowed);
  EXPECT_FALSE(limiter.admit("a", kStart + Span{10'000}).allowed);
}

TEST(RateLimiter, RefusalsDoNotPushTheNextPermissionAway) {
  RateLimiter limiter(1, 1, 100, 1);
  EXPECT_TRUE(limiter.admit("a", kStart).allowed);
  for (int ms = 1; ms < 1000; ms += 7)
    EXPECT_FALSE(limiter.admit("a", kStart + Span{ms}).allowed);
  EXPECT_TRUE(limiter.admit("a", kStart + Span{1000}).allowed);
}

TEST(RateLimiter, KeysAreIndependent) {
  RateLimiter limiter(1, 1, 1000, 1);
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(limiter.admit("user" + std::to_string(i), kStart).allowed);
  EXPECT_FALSE(limiter.admit("user7", kStart).allowed);
  EXPECT_FALSE(limiter.admit("user7", kStart).allowed);
  EXPECT_TRUE(limiter.admit("", kStart).allowed);
}

TEST(RateLimiter, AClockThatGoesBackLocksNobodyOut) {
  RateLimiter limiter(1, 2, 100, 1);
  EXPECT_TRUE(limiter.admit("a", kStart + Span::seconds(3600)).allowed);
  const LimitDecision decision = limiter.admit("a", kStart);
  EXPECT_FALSE(decision.allowed);
  EXPECT_LE(decision.retry_after, Span{1000});
  EXPECT_TRUE(limiter.admit("a", kStart + Span{1000}).allowed);
}

TEST(RateLimiter, AFloodOfKeysStaysWithinTheBoundAndTheLatestAreKept) {
  constexpr std::size_t bound = 1024;
  RateLimiter limiter(1, 1, bound, 99);
  for (int i = 0; i < 100'000; ++i)
    limiter.admit("flood" + std::to_string(i), kStart + Span{i / 100});
  EXPECT_LE(limiter.keys(), bound);
  EXPECT_GE(limiter.keys(), bound / 2);
  // A key that was never seen is served in spite of the full table.
  EXPECT_TRUE(limiter.admit("newcomer", kStart + Span{1000}).allowed);
  EXPECT_FALSE(limiter.admit("newcomer", kStart + Span{1000}).allowed);
}

TEST(RateLimiter, ManyThreadsTogetherGetNoMoreThanTheBurst) {
  constexpr std::uint32_t burst = 50;
  RateLimiter limiter(1, burst, 100, 1);
  std::atomic<std::uint32_t> allowed{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        allowed += limiter.admit("a", kStart).allowed ? 1U : 0U;
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(allowed, burst);
}

}  // namespace
}  // namespace sluice::http
