// Which valid configurations this version can serve, and which it says no to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "base/result.h"

namespace sluice::app {

/// Errors: an engine or role that is not built in, a listener that others can reach without a key
/// of the operator's own, an address that cannot be parsed.
Result<> check_supported(const Config& config);

/// One sentence per section that is configured though nothing uses it, and per loose end;
/// `demo` has a gateway of its own.
std::vector<std::string> unused_settings(const Config& config, bool demo = false);

/// Whether server.roles names it.
bool has_role(const Config& config, std::string_view role);

}  // namespace sluice::app
