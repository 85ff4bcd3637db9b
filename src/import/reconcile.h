// Compares a plan with what the shop has already, so that importing twice changes nothing.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "import/plan.h"
#include "sale/catalog.h"

namespace sluice::importing {

/// The sales and items of the place that is imported into, by id. `Sale::no` and `Item::sale` need
/// only agree with each other.
struct Existing {
  std::unordered_map<std::string, sale::Sale> sales;
  std::unordered_map<std::string, sale::Item> items;
};

/// Something to do: open a sale with its items, or add items to one that is there.
struct Step {
  bool opens = true;
  PlannedSale sale;  ///< when it adds: `id` and `items` count, the rest is as it stands there
};

struct Reconciled {
  std::vector<Step> steps;
  std::vector<Notice> already_there;  ///< items left alone, with what differs
};

/// Items whose id exists are left alone. What is left of a sale goes into the sale of that id if it
/// has the same window (or the source named it) and has not ended; otherwise into a new one.
Reconciled reconcile(Plan&& plan, const Existing& existing, Instant now);

}  // namespace sluice::importing
