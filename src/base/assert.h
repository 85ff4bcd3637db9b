// Assertions for programmer errors: they stay on in release, and stop the process with a reason.
#pragma once

namespace sluice {

/// Prints what was expected and where, then aborts. Never returns, never allocates.
[[noreturn]] void assertion_failed(const char* expression, const char* why, const char* file,
                                   int line) noexcept;

}  // namespace sluice

/// `SLUICE_ASSERT(left >= 0, "units left")`: for what can only be false through a bug of ours,
/// never for input. The second argument says what the expression means.
#define SLUICE_ASSERT(expression, why) \
  (static_cast<bool>(expression)       \
       ? void(0)                       \
       : ::sluice::assertion_failed(#expression, why, __FILE__, __LINE__))
