// Samples for charts: bounds, order, and how a coarse step sums up.
#include "api/history.h"

#include <gtest/gtest.h>

namespace sluice::api {
namespace {

constexpr Instant kStart{1'795'348'800'000};

Instant second(std::int64_t n) {
  return kStart + Span::seconds(n);
}

TEST(Series, KeepsTheNewestOfBothSteps) {
  Series series({Fold::last});
  const std::int64_t seconds = 100'000;  // more than a day
  for (std::int64_t i = 0; i < seconds; ++i)
    series.add(second(i), {static_cast<double>(i)});
  EXPECT_EQ(series.fine().size(), kFineSamples);
  EXPECT_EQ(series.fine().back().at, second(seconds - 1));
  EXPECT_EQ(series.fine().front().at, second(seconds - 900));
  EXPECT_EQ(series.coarse().size(), kCoarseSamples);
  for (std::size_t i = 1; i < series.coarse().size(); ++i) {
    ASSERT_EQ((series.coarse()[i].at - series.coarse()[i - 1].at).ms, kCoarseStep.ms);
  }
}

TEST(Series, FoldsEachColumnInItsWay) {
  Series series({Fold::last, Fold::mean, Fold::most});
  for (std::int64_t i = 0; i < 30; ++i) {
    const auto n = static_cast<double>(i);
    series.add(second(i), {n, n, i == 7 ? 1000.0 : -n});
  }
  ASSERT_EQ(series.coarse().size(), 1U);
  const auto& row = series.coarse().front();
  EXPECT_EQ(row.at, kStart);
  EXPECT_DOUBLE_EQ(row.values[0], 29);
  EXPECT_NEAR(row.values[1], 14.5, 1e-9);
  EXPECT_DOUBLE_EQ(row.values[2], 1000);
}

TEST(Series, AStepStartsAnewWithNegativeValuesToo) {
  Series series({Fold::most});
  for (std::int64_t i = 0; i < 60; ++i)
    series.add(second(i), {i < 30 ? 5.0 : -5.0});
  ASSERT_EQ(series.coarse().size(), 2U);
  EXPECT_DOUBLE_EQ(series.coarse()[0].values[0], 5);
  EXPECT_DOUBLE_EQ(series.coarse()[1].values[0], -5);
}

TEST(Series, TimeThatDoesNotPassIsLeftOut) {
  Series series({Fold::last});
  series.add(second(5), {1});
  series.add(second(5), {2});
  series.add(second(4), {3});
  ASSERT_EQ(series.fine().size(), 1U);
  EXPECT_DOUBLE_EQ(series.fine().front().values[0], 1);
}

TEST(Series, AGapEndsAStepLate) {
  Series series({Fold::last});
  series.add(second(0), {1});
  series.add(second(500), {2});
  series.add(second(501), {3});
  ASSERT_EQ(series.coarse().size(), 1U);
  EXPECT_DOUBLE_EQ(series.coarse()[0].values[0], 2);
}

}  // namespace
}  // namespace sluice::api
