// Makes definitions of sales and items repeatable: ids before the first try, and knowing one's own
// again after a try whose answer was lost.
#pragma once

#include "engine/catalog.h"
#include "engine/engine.h"
#include "sale/commands.h"

namespace sluice::cluster {

/// Gives sales and items that have no id one that nobody else gives. The core would number them,
/// and a repeat would be a second sale.
void give_ids(sale::Command& command);

/// Turns `duplicate_id` into `opened` or `added`, with the number, where `catalog` has what the
/// command describes. For a repeat of a command of which an earlier try may have been committed.
void recognise(const sale::Command& command, const engine::Catalog& catalog, engine::Reply& reply);

}  // namespace sluice::cluster
