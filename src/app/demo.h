// The sales that `sluice serve --demo` opens.
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
  std::string brief_item;          ///< of a sale of its own, held only as long as brief_hold
  Span brief_hold;
};

/// Opens a fresh sale of a few items that starts in 15 s, and one whose orders expire while one
/// watches; durable when it returns.
Result<DemoSale> open_demo_sale(engine::Engine& engine);

}  // namespace sluice::app
