// `sluice rush`: plays a crowd of distinct shoppers against a running server and checks the result.
#pragma once

#include "rush/signing_key.h"

namespace CLI {
class App;
}

namespace sluice::rush {

/// Adds the subcommand to `app`. When it is chosen it runs to the end and sets `exit_status`:
/// 0 verdict PASS, 1 FAIL or the run could not be made, 2 wrong usage.
void add_command(CLI::App& app, int& exit_status, KeySource source);

}  // namespace sluice::rush
