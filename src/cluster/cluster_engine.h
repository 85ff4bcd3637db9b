// The cluster engine: the engine interface over Redis, RabbitMQ and MariaDB.
#pragma once

#include <memory>

#include "base/instant.h"
#include "base/result.h"
#include "bus/timed.h"
#include "cluster/node.h"
#include "engine/engine.h"

namespace sluice::cluster {

/// After which every node shows what one of them defined, and has it in Redis where it is open.
inline constexpr Span kSpread{1500};

/// Connects to the record and Redis, applies missing migrations, and takes its part in the cluster.
/// `bus` must have been opened with bindings_of(names), and outlive the engine's stop().
Result<std::unique_ptr<engine::Engine>> start_cluster(const ClusterOptions& options,
                                                      bus::TimedBus& bus);

/// The exchanges and queues that the engine needs.
std::vector<bus::Binding> bindings_of(const Names& names);

}  // namespace sluice::cluster
