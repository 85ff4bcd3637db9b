// The histogram's accuracy against sorted values, for any values.
#include "rush/histogram.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace sluice::rush {
namespace {

/// The value that `fraction` of the sorted values do not exceed.
std::uint64_t exact(const std::vector<std::uint64_t>& sorted, double fraction) {
  const double wanted = std::ceil(fraction * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(wanted, 1.0)) - 1];
}

TEST(Histogram, EmptyHasNoPercentiles) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile_ns(0.99), 0U);
  EXPECT_EQ(histogram.mean_ns(), 0.0);
}

TEST(Histogram, BucketsTileTheWholeRange) {
  for (std::size_t bucket = 0; bucket + 1 < Histogram::bucket_of(Histogram::kLargestNs); ++bucket) {
    const std::uint64_t end = Histogram::bucket_end(bucket);
    ASSERT_EQ(Histogram::bucket_of(end), bucket);
    ASSERT_EQ(Histogram::bucket_of(end + 1), bucket + 1);
  }
  EXPECT_EQ(Histogram::bucket_end(Histogram::bucket_of(Histogram::kLargestNs)),
            Histogram::kLargestNs);
}

TEST(Histogram, ValuesAboveTheLargestAreCountedAsTheLargest) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.max_ns(), Histogram::kLargestNs);
  EXPECT_EQ(histogram.percentile_ns(1), Histogram::kLargestNs);
}

RC_GTEST_PROP(Histogram, PercentilesAreWithinOnePercentOrOneUnit,
              (const std::vector<std::uint64_t>& raw)) {
  RC_PRE(!raw.empty());
  std::vector<std::uint64_t> values;
  Histogram histogram;
  for (const std::uint64_t one : raw) {
    values.push_back(one % Histogram::kLargestNs);
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double fraction : {0.0, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const std::uint64_t want = exact(values, fraction);
    const std::uint64_t got = histogram.percentile_ns(fraction);
    RC_ASSERT(got >= want);
    RC_ASSERT(got - want <= std::max<std::uint64_t>(127, want / 128));
  }
  RC_ASSERT(histogram.percentile_ns(1) == values.back());
  RC_ASSERT(histogram.max_ns() == values.back());
}

RC_GTEST_PROP(Histogram, MergingEqualsRecordingEverything,
              (const std::vector<std::uint32_t>& first, const std::vector<std::uint32_t>& second)) {
  Histogram a;
  Histogram b;
  Histogram all;
  for (const auto value : first) {
    a.record(value);
    all.record(value);
  }
  for (const auto value : second) {
    b.record(value);
    all.record(value);
  }
  a.merge(b);
  RC_ASSERT(a.count() == all.count());
  RC_ASSERT(a.mean_ns() == all.mean_ns());
  for (const double fraction : {0.1, 0.5, 0.99, 1.0}) {
    RC_ASSERT(a.percentile_ns(fraction) == all.percentile_ns(fraction));
  }
}

}  // namespace
}  // namespace sluice::rush
