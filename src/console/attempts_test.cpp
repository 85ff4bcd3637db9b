// Attempts to sign in: who has to wait, and for how long.
#include "console/attempts.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::console {
namespace {

constexpr Instant kNow{1'795'348'800'000};

TEST(Attempts, AnAddressWaitsAfterTooMany) {
  Attempts attempts;
  for (int i = 0; i < kMaxAttempts; ++i)
    EXPECT_FALSE(attempts.refuse("a", kNow + Span{i}));
  EXPECT_EQ(attempts.refuse("a", kNow + Span{1000}), Span{kAttemptWindow.ms - 1000});
  EXPECT_FALSE(attempts.refuse("b", kNow)) << "another address is not held back";
  EXPECT_TRUE(attempts.refuse("a", kNow + kAttemptWindow - Span{1}));
  EXPECT_FALSE(attempts.refuse("a", kNow + kAttemptWindow));
}

TEST(Attempts, ARightPasswordEndsTheCount) {
  Attempts attempts;
  for (int i = 0; i < kMaxAttempts; ++i)
    attempts.refuse("a", kNow);
  EXPECT_TRUE(attempts.refuse("a", kNow));
  attempts.forget("a");
  EXPECT_FALSE(attempts.refuse("a", kNow));
}

TEST(Attempts, WhatWasNeverCheckedIsGivenBack) {
  Attempts attempts;
  for (int i = 0; i < kMaxAttempts; ++i)
    attempts.refuse("a", kNow);
  attempts.give_back("a");
  attempts.give_back("nobody");
  EXPECT_FALSE(attempts.refuse("a", kNow));
  EXPECT_TRUE(attempts.refuse("a", kNow));
}

TEST(Attempts, AFloodOfAddressesIsBoundedAndForgetsTheOldest) {
  Attempts attempts;
  for (int i = 0; i <= kMaxAttempts; ++i)
    attempts.refuse("first", kNow);
  for (std::size_t i = 0; i + 1 < kMaxAddresses; ++i)
    attempts.refuse("flood " + std::to_string(i), kNow + Span{1});
  EXPECT_TRUE(attempts.refuse("first", kNow + Span{2})) << "still within the bound";
  attempts.refuse("one more", kNow + Span{2});
  EXPECT_FALSE(attempts.refuse("first", kNow + Span{3}));
}

}  // namespace
}  // namespace sluice::console
