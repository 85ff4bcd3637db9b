// What one worker saw: counts by outcome, latencies, duplicates, and whatever should not have been.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/ids.h"
#include "rush/histogram.h"
#include "rush/outcome.h"

namespace sluice::rush {

using OutcomeCounts = std::array<std::uint64_t, kOutcomes>;

/// Requests of shoppers who knew that they hold an order.
struct Duplicates {
  std::uint64_t sent = 0;
  std::uint64_t refused_100 = 0;  ///< 409, already_queued, legacy_code 100, the right order_id
  std::uint64_t replayed = 0;     ///< the same order, by Idempotency-Key
  std::uint64_t limit_reached = 0;
  std::uint64_t excused = 0;        ///< rate limit, overload, pause, end, or no answer
  std::uint64_t wrong = 0;          ///< anything else
  std::uint64_t granted_again = 0;  ///< also counted as wrong
  /// Second clicks and second tabs that were on their way when the first was granted.
  std::uint64_t raced_refused_100 = 0;
};

struct ItemTally {
  std::uint64_t granted = 0;                 ///< distinct orders
  std::uint64_t sold_out = 0;                ///< refusals
  std::uint64_t granted_after_sold_out = 0;  ///< asked after a sold_out answer was in
  std::uint64_t first_sold_out_ns = 0;       ///< monotonic; 0: never seen
};

/// A shopper's grant beyond the first.
struct ExtraGrant {
  std::uint32_t shopper;
  std::uint16_t item;
  OrderId order;
};

inline constexpr std::size_t kMaxSamples = 10;

struct Tally {
  OutcomeCounts outcomes{};
  std::uint64_t sent = 0;
  std::uint64_t unreachable = 0;  ///< given up unsent, because no connection could be made
  Histogram latency;              ///< every answer, from the intended moment
  Histogram granted;              ///< grants only, from the intended moment
  Histogram refused;              ///< 4xx refusals, from the intended moment
  Histogram service;              ///< every answer, from the moment of sending
  Duplicates duplicates;
  std::vector<ItemTally> items;
  std::vector<ExtraGrant> extra_grants;  ///< at most kMaxExtraGrants; see extra_grants_total
  std::uint64_t extra_grants_total = 0;
  std::uint64_t unreadable_grants = 0;  ///< 201 without an order id
  std::uint64_t unexpected = 0;         ///< `refused` and `server_error`
  std::vector<std::string> samples;     ///< the first few oddities, for a person
  std::uint64_t connects = 0;
  std::uint64_t failed_connects = 0;
  std::uint64_t closed_idle = 0;
  double cpu_seconds = 0;

  std::uint64_t answered() const { return latency.count(); }
  void sample(std::string text);
  void merge(const Tally& other);
};
inline constexpr std::size_t kMaxExtraGrants = 100'000;

/// One second of the run.
struct Second {
  OutcomeCounts outcomes{};
  Histogram latency;
};

/// The run second by second, filled by all workers. Thread-safe. Bounded by kMaxSeconds: what comes
/// later is added to the last one.
class Timeline {
 public:
  static constexpr std::size_t kMaxSeconds = 3'600 + 120;  // the longest run and its drain
  void add(std::size_t second, const Second& part);
  std::vector<Second> seconds() const;
  /// p99 of the newest second, for the progress line.
  std::uint64_t newest_p99_ns() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Second> seconds_;
};

}  // namespace sluice::rush
