// How long to wait before a broker is tried again.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"

namespace sluice::bus {

/// 100 ms, then twice as long each time, up to 5 s. The broker is one machine and we are few: no
/// jitter is needed to keep a crowd from it.
class Backoff {
 public:
  Span next() {
    const Span pause = next_;
    next_ = std::min(Span{next_.ms * 2}, kLongest);
    return pause;
  }
  void reset() { next_ = kFirst; }

  static constexpr Span kFirst{100};
  static constexpr Span kLongest{5'000};

 private:
  Span next_ = kFirst;
};

}  // namespace sluice::bus
