// The embedded engine: one writer thread, memory, and SQLite. Nothing else to install.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/instant.h"
#include "base/result.h"
#include "engine/clock.h"
#include "engine/engine.h"
#include "sale/state.h"

namespace sluice::engine {

struct EmbeddedOptions {
  std::string directory;             ///< of the record; created where missing
  sale::Settings settings;           ///< hash_seed 0: a random one
  std::size_t queue_bound = 65'536;  ///< commands waiting; more are answered overloaded
  std::size_t max_batch = 1'024;     ///< commands per commit
  std::size_t read_bound = 4'096;    ///< reads waiting; more are refused
  Span pulse_period{50};
  std::uint64_t journal_segment_bytes = std::uint64_t{16} << 20;  ///< the journal is twice as long
  TimeSource time = TimeSource::system();
  /// Called during recovery with the number of orders loaded so far; may be empty.
  std::function<void(std::uint64_t)> progress;
};

/// Opens the record, recovers, starts the writer and the reader thread.
Result<std::unique_ptr<Engine>> start_embedded(const EmbeddedOptions& options);

}  // namespace sluice::engine
