// Small files that are read as a whole.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace sluice::app {

/// Longest key, secret or PEM file.
inline constexpr std::size_t kMaxSecretBytes = 64UL * 1024;

/// The whole file. Errors: it cannot be read, or is above `limit` bytes.
Result<std::string> read_limited(const std::string& path, std::size_t limit);

/// The same without line ends at its end, which editors and echo leave there.
Result<std::string> read_secret(const std::string& path);

}  // namespace sluice::app
