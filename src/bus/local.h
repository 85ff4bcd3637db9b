// The bounds of the embedded bus, and how to open one with others than the usual.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "bus/bus.h"

namespace sluice::bus {

struct LocalLimits {
  /// Messages of one queue: ready, unacknowledged and parked together.
  std::uint64_t messages_per_queue = 500'000;
  /// Of all messages together, with what they cost beside their bodies.
  std::uint64_t total_bytes = std::uint64_t{512} << 20;
  /// Publishes that wait for their turn to be written.
  std::size_t waiting_publishes = 65'536;
  std::size_t waiting_bytes = std::size_t{64} << 20;
  /// A delivery that is dropped without a word comes again after this.
  Span dropped_pause = Span::seconds(1);
  /// How soon after a full disk it is tried again.
  Span full_disk_pause = Span::seconds(1);
};

Result<std::unique_ptr<Bus>> open_local(const std::string& directory,
                                        const std::vector<Binding>& bindings,
                                        const LocalLimits& limits);

}  // namespace sluice::bus
