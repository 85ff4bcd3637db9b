// Which closings and refunds nobody seems to have: handed out when they are seen for the first time
// and again when they do not move.
#pragma once

#include <unordered_map>

#include "base/ids.h"
#include "base/instant.h"

namespace sluice::cluster {

/// One keeper's memory of what it handed out. The provider is asked with the order's own numbers,
/// so that a duty which two have is done once.
class DutyRound {
 public:
  /// Longer than a desk takes for a try.
  static constexpr Span kPatience = Span::seconds(60);

  /// An order whose duty is unfinished. True: it is to be handed out now.
  bool hand_out(OrderId order, Instant now) {
    Seen& seen = seen_.try_emplace(order, Seen{now - kPatience, 0}).first->second;
    seen.round = round_;
    if (now - seen.handed_at < kPatience) return false;
    seen.handed_at = now;
    return true;
  }
  /// Every unfinished one was asked about: the others are finished.
  void end() {
    std::erase_if(seen_, [this](const auto& entry) { return entry.second.round != round_; });
    ++round_;
  }
  std::size_t size() const { return seen_.size(); }

 private:
  struct Seen {
    Instant handed_at;
    std::uint64_t round = 0;
  };
  std::unordered_map<OrderId, Seen> seen_;  // at most as many as orders under way
  std::uint64_t round_ = 0;
};

}  // namespace sluice::cluster
