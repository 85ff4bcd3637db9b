// The sale that `sluice serve --demo` opens.
#pragma once

#include <string>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "engine/engine.h"

namespace sluice::app {

struct DemoSale {
  std::string id;
  Instant starts_at;
  std::vector<std::string> items;  ///< ids
};

/// Opens a fresh sale of a few items that starts in 15 s; durable when it returns.
Result<DemoSale> open_demo_sale(engine::Engine& engine);

}  // namespace sluice::app
