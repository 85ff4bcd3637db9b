// One queue in memory: which messages are ready, which wait for their pause to end, which are with
// the consumer. Knows no disk and no clock; bodies stay in bus.db.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "bus/bus.h"

namespace sluice::bus {

/// A message without its texts.
struct Token {
  std::int64_t sequence = 0;
  std::uint32_t attempts = 0;  ///< deliveries that were begun
  std::uint64_t cost = 0;
};

/// The bus's thread only.
class Backlog {
 public:
  /// Milliseconds of a clock that never goes back.
  using Due = std::int64_t;

  void add_ready(const Token& token) { ready_.emplace(token.sequence, token); }
  void add_parked() { ++parked_; }
  void add_open(const Token& token) { open_.emplace(token.sequence, token); }

  /// The ready message with the lowest sequence.
  std::optional<Token> take() {
    if (ready_.empty()) return std::nullopt;
    return ready_.extract(ready_.begin()).mapped();
  }

  /// What the consumer has is dealt with; how is said by what is called next.
  Token close(std::int64_t sequence) { return open_.extract(sequence).mapped(); }
  void delay(const Token& token, Due until) { delayed_.emplace(until, token); }

  /// Makes ready what is due.
  void wake(Due now) {
    while (!delayed_.empty() && delayed_.begin()->first <= now) {
      add_ready(delayed_.extract(delayed_.begin()).mapped());
    }
  }
  std::optional<Due> next_due() const {
    if (delayed_.empty()) return std::nullopt;
    return delayed_.begin()->first;
  }

  bool has_ready() const { return !ready_.empty(); }
  const std::unordered_map<std::int64_t, Token>& open() const { return open_; }
  /// Ready, or ready after a pause.
  std::uint64_t ready() const { return ready_.size() + delayed_.size(); }
  std::uint64_t parked() const { return parked_; }
  std::uint64_t messages() const { return ready() + open_.size() + parked_; }

 private:
  std::map<std::int64_t, Token> ready_;
  std::multimap<Due, Token> delayed_;
  std::unordered_map<std::int64_t, Token> open_;
  std::uint64_t parked_ = 0;
};

}  // namespace sluice::bus
