// Orders as JSON: the shape of the contract, and what operators see on top of it.
#pragma once

#include <string>

#include "engine/catalog.h"
#include "http/json_writer.h"
#include "sale/order.h"
#include "sale/views.h"

namespace sluice::api {

/// An order that was just granted: there is no payment yet. `item` is the order's.
void write_granted(http::JsonWriter& json, const sale::Order& order,
                   const engine::CatalogItem& item);

/// An order as its shopper sees it.
void write_order(http::JsonWriter& json, const sale::OrderView& order);

/// The same with the shopper's name, the exact status and the attempts to close its payment.
void write_operator_order(http::JsonWriter& json, const sale::OrderView& order);

/// The same with `payment`, JSON of what the payment service knows of it.
void write_operator_order(http::JsonWriter& json, const sale::OrderView& order,
                          std::string_view payment);

/// "/api/v1/orders/No…", for Location.
std::string order_location(OrderId order);

}  // namespace sluice::api
