// Opening a desk on a loop of one's own choice: what open_desk does with a thread, and tests with
// time that they move.
#pragma once

#include <memory>

#include "settlement/desk.h"
#include "settlement/loop.h"

namespace sluice::settlement {

Result<std::unique_ptr<Desk>> open_desk_on(std::unique_ptr<Loop> loop, const DeskOptions& options,
                                           engine::Engine& engine, payment::Service& service,
                                           payment::Gateway& gateway, bus::Bus& bus);

}  // namespace sluice::settlement
