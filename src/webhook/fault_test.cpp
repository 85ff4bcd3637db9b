// Full disks, broken disks and power cuts: nothing is left out, and nothing comes in the wrong
// order.
#include <gmock/gmock.h>

#include <cerrno>
#include <random>

#include "sqlite/fault_vfs.h"
#include "webhook/protocol.h"
#include "webhook/testing.h"

namespace sluice::webhook::testing {
namespace {

using sale::HistoryEvent;
using sqlite::testing::FaultVfs;
using sqlite::testing::write_image;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Made before the databases that it must outlive.
struct WithFaults {
  FaultVfs disk_;
};

// NOLINTNEXTLINE(misc-multiple-inheritance): bases are made in this order
class DeskFaultTest : public WithFaults, public DeskTest {};

TEST_F(DeskFaultTest, AFullDiskHoldsEventsBackAndLosesNone) {
  add();
  source_.add(1, HistoryEvent::paid);
  disk_.fail_from(FaultVfs::Operation::write, 0, SQLITE_FULL, ENOSPC);
  advance(Span::seconds(1));
  EXPECT_TRUE(disk_.failed());
  EXPECT_FALSE(desk_->counts().healthy);
  EXPECT_THAT(sender_.sent, IsEmpty());
  disk_.heal();
  now_ = now_ + Span::seconds(2);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1"));
  EXPECT_TRUE(desk_->counts().healthy);
}

TEST_F(DeskFaultTest, WhatCannotBeStoredAsDeliveredIsNotSentAgain) {
  const Endpoint endpoint = add();
  source_.add(1, HistoryEvent::paid);
  source_.add(1, HistoryEvent::refunded);
  advance(Span::seconds(1));
  ASSERT_TRUE(answer(200));
  disk_.fail_from(FaultVfs::Operation::write, 0, SQLITE_FULL, ENOSPC);
  for (int i = 0; i < 5; ++i)
    advance(Span::seconds(2));
  EXPECT_THAT(sender_.sent, IsEmpty());
  disk_.heal();
  now_ = now_ + Span::seconds(2);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1", "evt_2"));
  EXPECT_EQ(desk_->delivery(endpoint.id, 1)->log.size(), 1U);
}

TEST_F(DeskFaultTest, ABrokenDiskStopsItUntilTheNextStart) {
  add();
  source_.add(1, HistoryEvent::paid);
  disk_.fail_from(FaultVfs::Operation::write, 0, SQLITE_IOERR_WRITE, EIO);
  advance(Span::seconds(1));
  disk_.heal();
  advance(Span::seconds(10));
  EXPECT_FALSE(desk_->counts().healthy);
  EXPECT_THAT(sender_.sent, IsEmpty());
  open();
  now_ = now_ + Span::seconds(1);
  answer_all(200);
  EXPECT_THAT(taken_, ElementsAre("evt_1"));
}

// NOLINTNEXTLINE(misc-multiple-inheritance): as above
class PowerCutTest : public WithFaults,
                     public DeskTest,
                     public ::testing::WithParamInterface<std::uint64_t> {};

TEST_P(PowerCutTest, RepeatsSomeAndLosesNone) {
  std::mt19937_64 random(GetParam());
  const auto pick = [&random](std::uint64_t below) { return random() % below; };
  add();
  std::vector<std::string> expected;
  for (int cut = 0; cut < 4; ++cut) {
    for (std::uint64_t i = 0, moves = 5 + pick(60); i < moves; ++i) {
      if (pick(3) == 0) {
        const auto order = static_cast<std::int64_t>(1 + pick(8));
        source_.add(order, pick(2) == 0 ? HistoryEvent::paid : HistoryEvent::refunded, now_);
        expected.push_back("evt_" + std::to_string(source_.head));
      }
      if (pick(2) == 0) answer(pick(3) == 0 ? 500 : 200);
      advance(Span{static_cast<std::int64_t>(pick(8000))});
    }
    // What the disk of a machine without power holds, in a directory of its own.
    const std::string next = directory_ + "/" + std::to_string(cut);
    write_image(disk_.power_cut(random()), next);
    directory_ = next;
    open();
  }
  for (int minute = 0; minute < 120; ++minute) {
    now_ = now_ + Span::seconds(60);
    answer_all(200);
  }
  // Where each event came first, and that none came after a later one of its order only.
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto first = std::ranges::find(taken_, expected[i]);
    ASSERT_NE(first, taken_.end()) << expected[i] << " was lost";
    for (std::size_t j = i + 1; j < expected.size(); ++j) {
      if (source_.history[i].order.id != source_.history[j].order.id) continue;
      EXPECT_LT(first, std::ranges::find(taken_, expected[j])) << expected[i] << expected[j];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCutTest, ::testing::Range<std::uint64_t>(1, 31));

}  // namespace
}  // namespace sluice::webhook::testing
