// The members of sales and items, in the order of the contract.
#include "api/catalog_json.h"

namespace sluice::api {

namespace {

void window_members(http::JsonWriter& json, const sale::Sale& sale) {
  json.member("starts_at", sale.starts_at).member("ends_at", sale.ends_at);
}

void text_members(http::JsonWriter& json, const sale::Item& item) {
  json.member("title", item.title).member("image_url", item.image_url);
  json.member("description", item.description).member("price", item.price.minor);
  json.member("list_price", item.list_price.minor).member("currency", item.currency.code());
}

void counter_members(http::JsonWriter& json, const sale::Counters& counters) {
  json.member("stock", counters.stock.units).member("available", counters.available.units);
  json.member("held", counters.held.units).member("sold", counters.sold.units);
  json.member("refunded", counters.refunded.units);
}

}  // namespace

sale::Phase phase_of(const engine::CatalogItem& item, Instant now) {
  const sale::Phase phase = item.sale->sale.phase(now);
  return phase == sale::Phase::open && item.live->frozen() ? sale::Phase::paused : phase;
}

void write_shopper_sale(http::JsonWriter& json, const engine::CatalogSale& sale, Instant now) {
  json.begin_object().member("id", sale.sale.id).member("title", sale.sale.title);
  window_members(json, sale.sale);
  json.member("phase", to_text(sale.sale.phase(now))).key("items").begin_array();
  for (const engine::CatalogItem* item : sale.items)
    write_shopper_item(json, *item, now);
  json.end_array().end_object();
}

void write_shopper_item(http::JsonWriter& json, const engine::CatalogItem& item, Instant now) {
  const sale::Counters counters = item.live->read();
  json.begin_object().member("id", item.item.id).member("sale_id", item.sale->sale.id);
  text_members(json, item.item);
  json.member("stock", counters.stock.units).member("available", counters.available.units);
  json.member("sold_out", counters.available.units == 0);
  json.member("per_user_limit", item.item.per_user_limit.units);
  json.member("phase", to_text(phase_of(item, now)));
  window_members(json, item.sale->sale);
  json.end_object();
}

void write_operator_sale(http::JsonWriter& json, const engine::CatalogSale& sale, Instant now,
                         bool items) {
  json.begin_object().member("id", sale.sale.id).member("title", sale.sale.title);
  window_members(json, sale.sale);
  json.key("hold_seconds");
  if (sale.sale.hold.ms % 1000 == 0) {
    json.value(sale.sale.hold.ms / 1000);
  } else {
    json.value(static_cast<double>(sale.sale.hold.ms) / 1000);
  }
  json.member("phase", to_text(sale.sale.phase(now)));
  json.member("paused", sale.sale.paused).member("cancelled", sale.sale.cancelled);
  json.member("item_count", sale.items.size());
  if (items) {
    json.key("items").begin_array();
    for (const engine::CatalogItem* item : sale.items)
      write_operator_item(json, *item);
    json.end_array();
  }
  json.end_object();
}

void write_operator_item(http::JsonWriter& json, const engine::CatalogItem& item) {
  json.begin_object().member("id", item.item.id).member("sale_id", item.sale->sale.id);
  text_members(json, item.item);
  json.member("per_user_limit", item.item.per_user_limit.units);
  counter_members(json, item.live->read());
  json.member("frozen", item.live->frozen()).end_object();
}

void write_stats(http::JsonWriter& json, const engine::CatalogItem& item,
                 const sale::Counters& counters) {
  json.begin_object().member("item_id", item.item.id);
  counter_members(json, counters);
  json.member("conserved", counters.conserved() && !item.live->frozen()).end_object();
}

}  // namespace sluice::api
