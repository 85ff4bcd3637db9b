// What charts are drawn of: a bounded number of samples in two steps, in memory only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>

#include "base/instant.h"

namespace sluice::api {

inline constexpr Span kFineStep = Span::seconds(1);
inline constexpr std::size_t kFineSamples = 900;  ///< a quarter of an hour
inline constexpr Span kCoarseStep = Span::seconds(30);
inline constexpr std::size_t kCoarseSamples = 2880;  ///< a day
inline constexpr std::size_t kMaxColumns = 6;

/// How the samples of a coarse step become one.
enum class Fold : std::uint8_t { last, mean, most };

/// One line of a chart per column. Not thread-safe.
class Series {
 public:
  using Values = std::array<double, kMaxColumns>;
  struct Row {
    Instant at;
    Values values{};
  };

  explicit Series(std::initializer_list<Fold> folds);

  /// One sample, about every kFineStep. One that is not later than the last is left out.
  void add(Instant at, const Values& values);

  const std::deque<Row>& fine() const { return fine_; }
  const std::deque<Row>& coarse() const { return coarse_; }
  std::size_t columns() const { return columns_; }

 private:
  std::array<Fold, kMaxColumns> folds_{};
  std::size_t columns_;
  std::deque<Row> fine_;
  std::deque<Row> coarse_;
  Row gathered_;  ///< of the coarse step under way
  std::size_t count_ = 0;
};

}  // namespace sluice::api
