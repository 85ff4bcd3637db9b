// Feeds what the record holds to a state at start.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "sale/state.h"
#include "store/sqlite.h"

namespace sluice::store {

Result<> load_state(Connection& connection, sale::State& state,
                    const std::function<void(std::uint64_t)>& progress);

}  // namespace sluice::store
