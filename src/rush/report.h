// What a rush found, and its three forms: text for a terminal, JSON for programs, one HTML page for
// people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "rush/options.h"
#include "rush/tally.h"
#include "rush/verdict.h"

namespace sluice::rush {

/// One round of a closed-loop run, for the median.
struct Round {
  double seconds = 0;
  std::uint64_t answered = 0;
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  double cpu = 0;  ///< share of the worker threads' time spent on a CPU
  bool passed = true;

  double per_second() const { return seconds > 0 ? static_cast<double>(answered) / seconds : 0; }
};

struct Report {
  Options options;
  std::string url;
  std::string prefix;
  std::uint64_t seed = 0;
  Instant started_at;
  double seconds = 0;  ///< first intended moment to last answer, of the last round
  Tally tally;         ///< of the last round
  std::vector<Second> timeline;
  std::vector<Round> rounds;
  std::optional<Evidence> evidence;  ///< empty in raw mode
  std::optional<Verdict> verdict;    ///< empty in raw mode
  bool interrupted = false;

  bool passed() const;
  double answered_per_second() const;
  double median_per_second() const;  ///< of the rounds
  double cpu() const { return rounds.empty() ? 0 : rounds.back().cpu; }
  /// "100000 shoppers at 20000/s, …": what was played.
  std::string headline() const;
};

/// Above this share of its time the generator itself is the limit, and the numbers say so.
inline constexpr double kBusyGenerator = 0.95;

std::string render_text(const Report& report);
std::string render_json(const Report& report);
std::string render_html(const Report& report);

double to_ms(std::uint64_t ns);
/// 1234567 -> "1,234,567".
std::string grouped(std::uint64_t number);
std::uint64_t count_of(const OutcomeCounts& counts, Outcome outcome);

}  // namespace sluice::rush
