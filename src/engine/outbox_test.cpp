// The boards between the writer and those who wait: duties are handed over once, and none is lost
// to coming too early.
#include "engine/outbox.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::engine {
namespace {

class KeepingMailbox final : public Mailbox {
 public:
  void deliver(std::vector<Delivery>&&) override { FAIL() << "duties are no replies"; }
  void post(std::move_only_function<void()> job) override { jobs.push_back(std::move(job)); }
  std::vector<std::move_only_function<void()>> jobs;
};

sale::Effects effects_of(std::int64_t close, std::int64_t refund) {
  sale::Effects effects;
  if (close != 0) effects.closes.push_back({OrderId{close}});
  if (refund != 0) effects.refunds.push_back({OrderId{refund}, "T", Money{1}, Currency{}, {}});
  return effects;
}

class DutyBoardTest : public testing::Test {
 protected:
  void take() {
    board_.take(mailbox_, [this](Duties&& duties) {
      ++handed_over_;
      for (const sale::ClosePayment& close : duties.closes)
        closes_.push_back(close.order.value);
      for (const sale::RefundPayment& refund : duties.refunds)
        refunds_.push_back(refund.order.value);
    });
  }
  void run() {
    for (auto& job : std::exchange(mailbox_.jobs, {}))
      job();
  }

  DutyBoard board_;
  KeepingMailbox mailbox_;
  int handed_over_ = 0;
  std::vector<std::int64_t> closes_, refunds_;
};

TEST_F(DutyBoardTest, WhatCameBeforeAnybodyTookOverIsHandedOverInOrder) {
  for (const std::int64_t order : {1, 2, 3}) {
    sale::Effects effects = effects_of(order, order * 10);
    board_.post(effects);
    EXPECT_TRUE(effects.closes.empty() && effects.refunds.empty());
  }
  take();
  EXPECT_EQ(handed_over_, 0) << "on the mailbox's thread only";
  run();
  EXPECT_EQ(handed_over_, 1);
  EXPECT_EQ(closes_, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(refunds_, (std::vector<std::int64_t>{10, 20, 30}));
}

TEST_F(DutyBoardTest, EveryCommitIsHandedOverOnce) {
  take();
  EXPECT_TRUE(mailbox_.jobs.empty()) << "nothing to do, nobody woken";
  sale::Effects nothing;
  board_.post(nothing);
  EXPECT_TRUE(mailbox_.jobs.empty());
  sale::Effects first = effects_of(1, 0);
  board_.post(first);
  sale::Effects second = effects_of(0, 2);
  board_.post(second);
  run();
  EXPECT_EQ(handed_over_, 2);
  EXPECT_EQ(closes_, std::vector<std::int64_t>{1});
  EXPECT_EQ(refunds_, std::vector<std::int64_t>{2});
}

TEST_F(DutyBoardTest, OneDeskOnly) {
  take();
  EXPECT_DEATH(take(), "one desk takes the duties");
}

}  // namespace
}  // namespace sluice::engine
