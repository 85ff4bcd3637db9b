// Keeps calls from a provider that fails again and again, and finds out when it is back.
#pragma once

#include <chrono>

#include "base/instant.h"

namespace sluice::payment {

using Steady = std::chrono::steady_clock::time_point;

/// Closed: calls pass. After so many failures in a row it opens: none pass. After the pause it is
/// half open: one call passes as a probe; its success closes the breaker, its failure opens it for
/// another pause. One thread.
class CircuitBreaker {
 public:
  CircuitBreaker(int failures, Span pause)
      : limit_(failures), pause_(std::chrono::milliseconds(pause.ms)) {}

  /// Whether a call may be sent now; true obliges to report its end with one of the next two.
  bool admit(Steady now);
  void succeeded();
  void failed(Steady now);

  bool open() const { return open_; }

 private:
  int limit_;
  std::chrono::milliseconds pause_;
  int failures_ = 0;
  bool open_ = false;
  bool probing_ = false;
  Steady probe_at_{};
};

}  // namespace sluice::payment
