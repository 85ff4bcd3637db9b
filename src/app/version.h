// What this binary is.
#pragma once

#include <string>

namespace sluice::app {

std::string version();   ///< "0.1.0"
std::string commit();    ///< abbreviated git commit, "+" when changed; "unknown" outside a clone
std::string compiler();  ///< "GCC 12.2.0, RelWithDebInfo"

/// This binary as a person here would call it, for commands to copy.
std::string program();

}  // namespace sluice::app
