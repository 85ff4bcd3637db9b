// The whole crowd: its shares, its threads, and finding one shopper among a million.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rush/shoppers.h"
#include "rush/tally.h"
#include "rush/worker.h"

namespace sluice::rush {

/// Called about every second from the thread that waits, with the sum over all workers.
using OnProgress = std::function<void(const Progress&)>;

class Crowd {
 public:
  Crowd(std::string prefix, std::uint32_t shoppers, unsigned threads);

  /// Signs everyone's token, one thread per share. `on_progress` gets the number signed so far.
  void sign(const SigningKey& key, Instant issued_at, const std::atomic<bool>& stop,
            const std::function<void(std::uint64_t)>& on_progress);

  /// Connects and gets ready; then play() at the agreed moment. `round` varies the dice.
  Result<void> connect(const Plan& plan, std::uint64_t round);
  void play(std::uint64_t start_ns, const OnProgress& on_progress);
  /// When the last answer came in.
  std::uint64_t finished_ns() const;
  Tally tally() const;

  std::uint32_t size() const { return total_; }
  Shopper& shopper(std::uint32_t index);
  std::string user(std::uint32_t index) const;
  std::string_view token(std::uint32_t index) const;
  const std::string& prefix() const { return prefix_; }

 private:
  std::size_t part_of(std::uint32_t index) const;

  std::string prefix_;
  std::uint32_t total_;
  std::uint32_t per_part_;
  std::vector<std::unique_ptr<Shoppers>> parts_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

/// Long enough for the longest run, its wait and its verdict.
inline constexpr Span kTokenLifetime = Span::seconds(6 * 3600);

}  // namespace sluice::rush
