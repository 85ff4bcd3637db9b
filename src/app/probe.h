// Trying things out on this machine, leaving no trace.
#pragma once

#include <cstddef>
#include <string>

#include "app/config.h"
#include "base/result.h"

namespace sluice::app {

/// `directory`, or its nearest parent that exists.
std::string existing_parent(const std::string& directory);

/// Writes and removes a file there; gives the directory that was tried.
Result<std::string> probe_writable(const std::string& directory);

struct SyncCost {
  double median_ms = 0;
  std::size_t rounds = 0;
};
/// Appends a page and synchronises it, several times.
Result<SyncCost> measure_sync(const std::string& directory);

/// Binds the port for a moment.
Result<> probe_port(const Endpoint& endpoint);

}  // namespace sluice::app
