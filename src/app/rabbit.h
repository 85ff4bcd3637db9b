// The [rabbitmq] section as a bus.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "bus/timed.h"
#include "bus/topology.h"

namespace sluice::app {

/// Whether rabbitmq.url was given.
bool rabbit_configured(const Config& config);

bus::QueueKind rabbit_queue_kind(const Config& config);

/// Errors: an address that cannot be read.
Result<> check_rabbit(const Config& config);

/// Connects and declares the places; rabbitmq.url must have been given.
Result<std::unique_ptr<bus::TimedBus>> open_rabbit(const Config& config,
                                                   const std::vector<bus::Binding>& places);

/// What `sluice doctor` says where all is well; see bus::probe_rabbitmq for what may not be.
Result<std::string> probe_rabbit(const Config& config, const std::vector<bus::Binding>& places);

}  // namespace sluice::app
