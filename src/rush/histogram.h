// Latencies in a bounded log-linear histogram: every recorded value is known to better than one
// percent, whatever its size, in constant memory and without allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::rush {

/// Counts nanoseconds. Below 16 µs the resolution is 128 ns; above, a bucket is at most 1/128 of
/// its value wide (the layout of HdrHistogram). Values above kLargestNs are counted as kLargestNs.
/// Not thread-safe: one per thread, merged afterwards.
class Histogram {
 public:
  static constexpr std::uint64_t kLargestNs = (std::uint64_t{1} << 40) - 1;  ///< 18 minutes

  void record(std::uint64_t ns);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t max_ns() const { return max_; }
  double mean_ns() const;
  /// The smallest bucket end that at least `fraction` of the values do not exceed, at most max_ns;
  /// 0 when nothing was recorded. `fraction` in [0, 1].
  std::uint64_t percentile_ns(double fraction) const;

  static std::size_t bucket_of(std::uint64_t ns);
  /// The largest value that is counted in `bucket`.
  static std::uint64_t bucket_end(std::size_t bucket);

 private:
  static constexpr unsigned kUnitBits = 7;
  static constexpr unsigned kSubBits = 7;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = (40 - kUnitBits - kSubBits + 1) * kSub;

  std::array<std::uint32_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace sluice::rush
