// The cluster engine from the configuration: its services, names and roles.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "bus/timed.h"
#include "engine/engine.h"
#include "sale/state.h"

namespace sluice::app {

/// Whether engine.kind says so.
bool is_cluster(const Config& config);

/// Errors: addresses that are missing or cannot be read, and keys that every node must share.
Result<> check_cluster(const Config& config);

/// Connects to the broker and declares what engine and payments need.
Result<std::unique_ptr<bus::TimedBus>> open_cluster_bus(const Config& config);

/// `bus` from open_cluster_bus; it outlives the engine's stop().
Result<std::unique_ptr<engine::Engine>> start_cluster_engine(const Config& config,
                                                             const sale::Settings& settings,
                                                             bus::TimedBus& bus);

/// "redis://…, amqp://…, mysql://…" without passwords, for people.
std::string cluster_services(const Config& config);

/// What `sluice doctor` asks the broker for: the places of payments, and of the engine.
Result<std::vector<bus::Binding>> places_of(const Config& config);

}  // namespace sluice::app
