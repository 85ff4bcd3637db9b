// Commands and reads for callers without an event loop: the import command, tests.
#pragma once

#include "base/result.h"
#include "engine/engine.h"

namespace sluice::engine {

/// Submits one command and waits for its durable outcome. Errors: overloaded, stopping, storage.
/// Any thread but the engine's own and I/O threads.
Result<Reply> call(Engine& engine, sale::Command&& command);

}  // namespace sluice::engine
