// Asking Redis about one sale by one who may wait, and saying a trouble once.
#pragma once

#include <spdlog/spdlog.h>

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "redis/admission.h"
#include "redis/client.h"

namespace sluice::cluster {

/// What `read` makes of the reply; a refusal of kind broken where none came.
template <class Read>
auto read_reply(const redis::Outcome& outcome, Read read) -> decltype(read(outcome.value)) {
  if (outcome.fate == redis::Fate::answered) return read(outcome.value);
  return std::unexpected(redis::Refusal{redis::Refusal::Kind::broken, outcome.why});
}

/// Waits: not on a connection's thread.
template <class Read>
auto ask(redis::Client& client, const redis::SaleCalls& calls, redis::Command command, Read read) {
  return read_reply(client.ask(calls.key(), std::move(command)), std::move(read));
}

/// One sentence for a person.
std::string text_of(const redis::Refusal& refusal);

/// How long one round over many sales may take: each call may wait for Redis until its time is
/// over, and the lease has to be renewed in between.
class TurnBudget {
 public:
  bool is_spent() const { return Clock::now() - began_ >= std::chrono::milliseconds(500); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point began_ = Clock::now();
};

/// What goes wrong again and again, said when it begins and when it is over. One thread at a time.
class Trouble {
 public:
  explicit Trouble(std::string subject) : subject_(std::move(subject)) {}
  void raise(std::string_view what) {
    if (!std::exchange(raised_, true)) spdlog::error("{}: {}", subject_, what);
  }
  void end() {
    if (std::exchange(raised_, false)) spdlog::info("{}: works again", subject_);
  }

 private:
  std::string subject_;
  bool raised_ = false;
};

}  // namespace sluice::cluster
