// Reading orders back after the crowd has left, over the same connections and with the shoppers'
// own tokens: is everything that was acknowledged still there, and visible to its owner only?
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "rush/tally.h"
#include "rush/target.h"
#include "rush/wire.h"

namespace sluice::rush {

/// One GET and what should come back.
struct Question {
  std::string path;
  std::string token;          ///< of whoever asks
  std::uint32_t subject = 0;  ///< the caller's own number for it
};

/// Asks every question over a few connections, as fast as the answers come; a 429, a 503 or a lost
/// connection is tried again for a while. `on_answer` gets the status (0: no answer in the end) and
/// the body, and may return true to be asked again a little later (a queued order), at most
/// kMaxPolls times. `next` hands out questions one by one and false at the end, so that a million
/// of them need no memory.
class Readback {
 public:
  using Next = std::function<bool(Question&)>;
  using OnAnswer = std::function<bool(std::uint32_t subject, int status, std::string_view body)>;
  static constexpr unsigned kConnections = 32;
  static constexpr int kMaxAttempts = 40;
  static constexpr int kMaxPolls = 600;

  static Result<void> ask(const Target& target, const Next& next, const OnAnswer& on_answer);
};

}  // namespace sluice::rush
