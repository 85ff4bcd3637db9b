// The filter of operators' order lists and exports.
#pragma once

#include "api/query.h"
#include "sale/views.h"

namespace sluice::api {

/// Reads user, item, sale, status, order, transaction_id, from (inclusive) and to (exclusive).
sale::OrderFilter read_order_filter(QueryReader& query);

}  // namespace sluice::api
