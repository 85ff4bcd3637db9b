// Which items the crowd wants, and when it comes.
#pragma once

#include <optional>
#include <vector>

#include "rush/control.h"
#include "rush/options.h"
#include "rush/worker.h"

namespace sluice::rush {

struct Choice {
  std::vector<Goods> goods;
  std::optional<Instant> starts_at;  ///< empty: the sale is open, come at once
};

/// Picks what --sale and --item name, or else every item of the open sales, or else of the sale
/// that starts next. Errors: an unknown name, nothing on sale, a start that is further away than
/// options.wait.
Result<Choice> choose_goods(const Listing& listing, const Options& options);

}  // namespace sluice::rush
