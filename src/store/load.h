// Feeds what the record holds to a state at start.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "sale/state.h"
#include "store/encoder.h"
#include "store/sqlite.h"

namespace sluice::store {

/// `events` gets the newest row of history of each order.
Result<> load_state(Connection& connection, sale::State& state, LastEvents& events,
                    const std::function<void(std::uint64_t)>& progress);

}  // namespace sluice::store
