// Recording, merging and reading of the latency histogram.
#include "rush/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::rush {

std::size_t Histogram::bucket_of(std::uint64_t ns) {
  const std::uint64_t units = std::min(ns, kLargestNs) >> kUnitBits;
  if (units < 2 * kSub) return static_cast<std::size_t>(units);
  const auto shift = static_cast<unsigned>(std::bit_width(units)) - kSubBits - 1;
  return static_cast<std::size_t>(shift) * kSub + static_cast<std::size_t>(units >> shift);
}

std::uint64_t Histogram::bucket_end(std::size_t bucket) {
  if (bucket < 2 * kSub) return ((static_cast<std::uint64_t>(bucket) + 1) << kUnitBits) - 1;
  const std::size_t shift = bucket / kSub - 1;
  const std::uint64_t sub = bucket % kSub + kSub;
  return ((sub + 1) << (shift + kUnitBits)) - 1;
}

void Histogram::record(std::uint64_t ns) {
  const std::uint64_t value = std::min(ns, kLargestNs);
  ++counts_[bucket_of(value)];
  ++count_;
  sum_ += value;
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i)
    counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

double Histogram::mean_ns() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::uint64_t Histogram::percentile_ns(double fraction) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(bucket_end(i), max_);
  }
  return max_;
}

}  // namespace sluice::rush
