// How often an address may try to sign in.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/instant.h"

namespace sluice::console {

inline constexpr int kMaxAttempts = 10;  ///< per address and window
inline constexpr Span kAttemptWindow = Span::seconds(300);
/// Addresses that are remembered; beyond it the one whose window began first is forgotten.
inline constexpr std::size_t kMaxAddresses = 4096;

/// Thread-safe.
class Attempts {
 public:
  /// Counts an attempt. Empty: go on. Otherwise: how long that address has to wait.
  std::optional<Span> refuse(std::string_view address, Instant now);
  /// One that was counted but never checked.
  void give_back(std::string_view address);
  /// A right password ends the count.
  void forget(std::string_view address);

 private:
  struct Count {
    Instant since;
    int attempts = 0;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Count> by_address_;
};

}  // namespace sluice::console
