// One whole rush: find the sale, sign the tokens, play the crowd, audit, report.
#pragma once

#include "base/result.h"
#include "rush/options.h"
#include "rush/report.h"
#include "rush/signing_key.h"

namespace sluice::rush {

/// Runs to the end and returns what was found. Progress goes to standard error. SIGINT and SIGTERM
/// end the arrivals early; the audit still happens. Errors: a target that is not this machine,
/// no key, no sale to play, a server that is not there.
Result<Report> run(Options options, const KeySource& source);

}  // namespace sluice::rush
