// Which valid configurations this version can serve, and which it says no to.
#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"

namespace sluice::app {

/// Errors: an engine or role that is not built in, a listener that others can reach without a key
/// of the operator's own, an address that cannot be parsed.
Result<> check_supported(const Config& config);

/// One sentence per section that is configured though nothing in this version uses it.
std::vector<std::string> unused_settings(const Config& config);

}  // namespace sluice::app
