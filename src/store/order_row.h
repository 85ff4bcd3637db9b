// One order with what it needs of its item and sale, as readers of the record select it.
#pragma once

#include "sale/views.h"
#include "store/sqlite.h"

namespace sluice::store {

/// Selects the order of id ?1. Column 15 is the same shopper's order before it, or NULL.
extern const char* const kOrderQuery;

/// The row that kOrderQuery gave.
sale::OrderView order_view(const Statement& row);

}  // namespace sluice::store
