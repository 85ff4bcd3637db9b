// Sales and items as JSON, for shoppers and for operators.
#pragma once

#include "base/instant.h"
#include "engine/catalog.h"
#include "http/json_writer.h"

namespace sluice::api {

/// What the shopper may do with the item now; a frozen item reads "paused".
sale::Phase phase_of(const engine::CatalogItem& item, Instant now);

void write_shopper_sale(http::JsonWriter& json, const engine::CatalogSale& sale, Instant now);
void write_shopper_item(http::JsonWriter& json, const engine::CatalogItem& item, Instant now);

/// All fields; with `items` the items as well, else only their number.
void write_operator_sale(http::JsonWriter& json, const engine::CatalogSale& sale, Instant now,
                         bool items);
void write_operator_item(http::JsonWriter& json, const engine::CatalogItem& item);

/// {"item_id","stock","available","held","sold","refunded","conserved"}
void write_stats(http::JsonWriter& json, const engine::CatalogItem& item,
                 const sale::Counters& counters);

}  // namespace sluice::api
