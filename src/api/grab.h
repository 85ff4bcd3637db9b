// Grabs that wait for the writer.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "api/exchange.h"
#include "base/ids.h"

namespace sluice::api {

struct PendingGrab {
  Exchange exchange;
  std::chrono::steady_clock::time_point started;
  ItemNo item;
  const Words* fault;  ///< what to say where the form is at fault; a constant
};

/// Slots for them, reused: what travels through the engine is a slot number, so that a grab costs
/// no allocation here and is still at hand when the engine does not take it. As many as there are
/// requests in flight, which the server bounds.
class PendingGrabs {
 public:
  std::uint32_t put(PendingGrab&& grab) {
    if (free_.empty()) {
      slots_.push_back(std::move(grab));
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = std::move(grab);
    return slot;
  }
  PendingGrab take(std::uint32_t slot) {
    free_.push_back(slot);
    return std::move(slots_[slot]);
  }

 private:
  std::vector<PendingGrab> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace sluice::api
