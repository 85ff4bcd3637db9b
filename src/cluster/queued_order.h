// An order that Redis has and the record has not yet.
#pragma once

#include <optional>

#include "cluster/node.h"
#include "mariadb/failure.h"
#include "sale/views.h"

namespace sluice::cluster {

/// Asks Redis for the order in every sale that is loaded. Waits: not on a connection's thread.
mariadb::Outcome<std::optional<sale::OrderView>> find_queued(Node& node, OrderId id);

}  // namespace sluice::cluster
