// `sluice rush`: plays a crowd of distinct shoppers against a running server and checks the result.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace CLI {
class App;
}

namespace sluice::rush {

/// Finds the HMAC secret of a server from its data folder and configuration file (either may be
/// empty). The composition root may pass its own; an empty function means rush's own lookup.
using SecretSource =
    std::function<Result<std::string>(const std::string& data, const std::string& config)>;

/// Adds the subcommand to `app`. When it is chosen it runs to the end and sets `exit_status`:
/// 0 verdict PASS, 1 FAIL or the run could not be made, 2 wrong usage.
void add_command(CLI::App& app, int& exit_status, SecretSource source = {});

}  // namespace sluice::rush
