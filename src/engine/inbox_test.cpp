// The bounded queue in front of the writer.
#include "engine/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace sluice::engine {
namespace {

using std::chrono::milliseconds;

Submission pulse() {
  return Submission{sale::Command{sale::Pulse{}}, nullptr, {}};
}

TEST(InboxTest, RefusesWhatIsAboveItsBoundAndTakesAgainOnceEmptied) {
  Inbox inbox(2);
  EXPECT_EQ(inbox.put(pulse()), Admission::accepted);
  EXPECT_EQ(inbox.put(pulse()), Admission::accepted);
  EXPECT_EQ(inbox.put(pulse()), Admission::overloaded);
  std::vector<Submission> batch;
  EXPECT_TRUE(inbox.take(batch, milliseconds{0}));
  EXPECT_EQ(batch.size(), 2U);
  EXPECT_EQ(inbox.put(pulse()), Admission::accepted);
}

TEST(InboxTest, WhatWasAcceptedBeforeTheCloseCanStillBeTaken) {
  Inbox inbox(8);
  EXPECT_EQ(inbox.put(pulse()), Admission::accepted);
  inbox.close();
  EXPECT_EQ(inbox.put(pulse()), Admission::stopping);
  std::vector<Submission> batch;
  EXPECT_TRUE(inbox.take(batch, milliseconds{0}));
  EXPECT_EQ(batch.size(), 1U);
  EXPECT_FALSE(inbox.take(batch, milliseconds{0}));
}

TEST(InboxTest, AnEmptyInboxWakesUpForTheClock) {
  Inbox inbox(8);
  std::vector<Submission> batch;
  EXPECT_TRUE(inbox.take(batch, milliseconds{1}));
  EXPECT_TRUE(batch.empty());
}

TEST(InboxTest, NothingIsLostBetweenManyPuttersAndOneTaker) {
  constexpr std::size_t kEach = 20'000;
  Inbox inbox(64);
  std::atomic<std::size_t> accepted{0};
  std::vector<std::thread> putters;
  for (int i = 0; i < 4; ++i) {
    putters.emplace_back([&] {
      for (std::size_t put = 0; put < kEach;) {
        if (inbox.put(pulse()) == Admission::accepted) {
          ++put;
          ++accepted;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  std::size_t taken = 0;
  std::vector<Submission> batch;
  while (taken < 4 * kEach) {
    ASSERT_TRUE(inbox.take(batch, milliseconds{1000}));
    ASSERT_LE(batch.size(), inbox.bound());
    taken += batch.size();
  }
  for (std::thread& putter : putters)
    putter.join();
  EXPECT_EQ(taken, accepted.load());
}

}  // namespace
}  // namespace sluice::engine
