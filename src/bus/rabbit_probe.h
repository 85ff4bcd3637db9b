// Looks at a RabbitMQ without making or changing anything there: for doctors.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "bus/amqp_url.h"
#include "bus/bus.h"
#include "bus/topology.h"

namespace sluice::bus {

struct RabbitReport {
  std::string version;
  std::size_t found = 0;             ///< exchanges and queues that exist, as they should be
  std::vector<std::string> missing;  ///< that the first start will make
  std::vector<std::string> parked;   ///< "queue: n messages", where poison waits for a person
};

/// Errors, with the remedy: unreachable, refused, older than 3.10, declared otherwise (durable,
/// type, arguments), or an account that may not configure or write what exists.
Result<RabbitReport> probe_rabbitmq(const AmqpUrl& url, QueueKind kind,
                                    const std::vector<Binding>& bindings);

}  // namespace sluice::bus
