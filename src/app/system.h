// What commands ask of the operating system.
#pragma once

#include <cstdint>

namespace sluice::app {

/// Raises the soft limit of open files to the hard one and returns what holds now.
std::uint64_t raise_open_files();

/// SIGTERM and SIGINT, taken one at a time by the thread that made this. Make it before any other
/// thread starts, so that all threads inherit the mask.
class StopSignals {
 public:
  StopSignals();
  /// True once a signal came; waits at most `milliseconds`.
  bool wait(int milliseconds);
  /// From now on a further signal ends the process at once with status 130.
  void insist();
};

/// 64 random bits.
std::uint64_t random_seed();

}  // namespace sluice::app
