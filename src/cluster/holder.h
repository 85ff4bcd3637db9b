// The name under which this process holds leases.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>

namespace sluice::cluster {

/// Another one at each call: a holder is one life of one part of one process. For a person it
/// begins with machine and process.
inline std::string new_holder() {
  std::array<char, 64> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  std::random_device random;
  return fmt::format("{}.{}.{:08x}{:08x}", host.data(), getpid(), random(), random());
}

}  // namespace sluice::cluster
