// The retry schedule under speeds, and the faults of delivery.
#include "sandbox/outbox.h"

#include <gmock/gmock.h>

#include <numeric>

namespace sluice::sandbox {
namespace {

using ::testing::ElementsAre;
using Kind = Attempt::Kind;

constexpr Instant kNow{1'700'000'000'000};

class OutboxTest : public ::testing::Test {
 protected:
  std::uint64_t post(Span delay = {}) {
    return outbox_.post("No1", std::nullopt, "event", delay, now_);
  }
  std::vector<Outbox::Task> take(std::size_t room = 1'000) {
    return outbox_.take(room, faults_, now_);
  }
  std::vector<Kind> kinds(const std::vector<Outbox::Task>& tasks) {
    std::vector<Kind> found;
    for (const Outbox::Task& task : tasks)
      found.push_back(task.kind);
    return found;
  }
  /// Moves the clock to what is due next and refuses it; how long that was.
  std::optional<Span> refuse_next() {
    const auto due = outbox_.next_due(faults_, now_);
    if (!due) return std::nullopt;
    const Span waited = *due - now_;
    now_ = *due;
    for (const Outbox::Task& task : take())
      outbox_.answered(task, false, now_);
    return waited;
  }

  Instant now_ = kNow;
  NotifyFaults faults_;
  Outbox outbox_;
};

TEST_F(OutboxTest, TheScheduleIsTheDocumentedOneOf24HoursAnd4Minutes) {
  post();
  std::vector<std::int64_t> seconds;
  while (const auto waited = refuse_next())
    seconds.push_back(waited->ms / 1000);
  EXPECT_THAT(seconds, ElementsAre(0, 15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800,
                                   10800, 10800, 21600, 21600));
  EXPECT_EQ(std::accumulate(seconds.begin(), seconds.end(), std::int64_t{0}), 24 * 3600 + 4 * 60);
  EXPECT_EQ(outbox_.size(), 0U) << "given up and forgotten";
}

TEST_F(OutboxTest, SpeedCompressesTheSchedule) {
  outbox_.set_speed(60);
  post();
  std::int64_t sum = 0;
  while (const auto waited = refuse_next())
    sum += waited->ms;
  EXPECT_EQ(sum, (24 * 3600 + 4 * 60) * 1000 / 60);
}

TEST_F(OutboxTest, SpeedAppliesToWhatIsWaitingAlready) {
  post();
  refuse_next();
  EXPECT_EQ(outbox_.next_due(faults_, now_), now_ + Span::seconds(15));
  outbox_.set_speed(1000);
  EXPECT_EQ(outbox_.next_due(faults_, now_), now_ + Span{15});
  outbox_.set_speed(0.5);
  EXPECT_EQ(outbox_.next_due(faults_, now_), now_ + Span::seconds(30));
}

TEST_F(OutboxTest, ADelayIsInRealTime) {
  post(Span::seconds(7));
  outbox_.set_speed(1000);
  EXPECT_EQ(outbox_.next_due(faults_, now_), kNow + Span::seconds(7));
  now_ = kNow + Span{6'999};
  EXPECT_TRUE(take().empty());
  now_ = kNow + Span::seconds(7);
  EXPECT_EQ(take().size(), 1U);
}

TEST_F(OutboxTest, AnAcknowledgedOneIsOver) {
  post();
  const auto tasks = take();
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_EQ(outbox_.answered(tasks[0], true, now_), Outbox::Then::acknowledged);
  EXPECT_EQ(outbox_.next_due(faults_, now_), std::nullopt);
  EXPECT_EQ(outbox_.size(), 0U);
}

TEST_F(OutboxTest, DroppedAttemptsAreToldAndComeAgainLater) {
  faults_.drop = 2;
  post();
  for (int i = 0; i < 2; ++i) {
    const auto tasks = take();
    EXPECT_THAT(kinds(tasks), ElementsAre(Kind::dropped));
    EXPECT_EQ(outbox_.answered(tasks[0], false, now_), Outbox::Then::waits);
    now_ = *outbox_.next_due(faults_, now_);
  }
  EXPECT_EQ(faults_.drop, 0);
  EXPECT_THAT(kinds(take()), ElementsAre(Kind::sent));
}

TEST_F(OutboxTest, CopiesFollowAndTheFirstAcknowledgementCounts) {
  faults_.duplicate = 3;
  post();
  const auto tasks = take();
  EXPECT_THAT(kinds(tasks), ElementsAre(Kind::sent, Kind::copy, Kind::copy, Kind::copy));
  EXPECT_EQ(outbox_.answered(tasks[0], false, now_), Outbox::Then::waits);
  EXPECT_EQ(outbox_.answered(tasks[1], true, now_), Outbox::Then::acknowledged);
  EXPECT_EQ(outbox_.next_due(faults_, now_), std::nullopt) << "the retry is called off";
  EXPECT_EQ(outbox_.answered(tasks[2], false, now_), Outbox::Then::waits);
  EXPECT_EQ(outbox_.size(), 1U) << "kept while something of it is under way";
  EXPECT_EQ(outbox_.answered(tasks[3], true, now_), Outbox::Then::waits) << "it ends once";
  EXPECT_EQ(outbox_.size(), 0U);
}

TEST_F(OutboxTest, AForgedOneIsExtraAndItsAcknowledgementCountsForNothing) {
  faults_.forge = 1;
  post();
  const auto tasks = take();
  EXPECT_THAT(kinds(tasks), ElementsAre(Kind::forged, Kind::sent));
  EXPECT_EQ(outbox_.answered(tasks[0], true, now_), Outbox::Then::waits);
  EXPECT_EQ(outbox_.answered(tasks[1], false, now_), Outbox::Then::waits);
  EXPECT_TRUE(outbox_.next_due(faults_, now_).has_value());
}

TEST_F(OutboxTest, ReorderSendsWhatWasGatheredNewestFirst) {
  faults_.reorder = true;
  const auto first = post();
  now_ = now_ + Span{50};
  const auto second = post();
  EXPECT_TRUE(take().empty()) << "still gathering";
  now_ = *outbox_.next_due(faults_, now_);
  EXPECT_EQ(now_, kNow + kReorderWindow);
  const auto tasks = take();
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(tasks[0].notice, second);
  EXPECT_EQ(tasks[1].notice, first);
}

TEST_F(OutboxTest, ALongRowOfCopiesHoldsNobodyUp) {
  faults_.duplicate = 1'000;
  const auto first = post();
  faults_.duplicate = 1'000;
  const auto second = post();
  std::map<std::uint64_t, int> sent;
  for (const Outbox::Task& task : take(100))
    ++sent[task.notice];
  EXPECT_EQ(sent[first], 50);
  EXPECT_EQ(sent[second], 50);
}

TEST_F(OutboxTest, TakesNoMoreThanThereIsRoomFor) {
  for (int i = 0; i < 10; ++i)
    post();
  EXPECT_EQ(take(3).size(), 3U);
  EXPECT_EQ(outbox_.next_due(faults_, now_), now_);
  EXPECT_EQ(take(100).size(), 7U);
}

}  // namespace
}  // namespace sluice::sandbox
