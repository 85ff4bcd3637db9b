// What is on sale, for everyone: the clock, the sales, one item.
#include "api/catalog_json.h"
#include "api/lookup.h"
#include "api/query.h"
#include "api/routes.h"
#include "api/sales_page.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

/// What a crowd asks again and again: caches may answer for a second.
void send_public(Exchange& exchange, std::string&& json) {
  http::Response response;
  response.body = std::move(json);
  response.add("Cache-Control", "public, max-age=1");
  exchange.send(std::move(response));
}

}  // namespace

void get_time(Context& context, const Request&, const Captures&, Exchange&& exchange) {
  std::string body;
  http::JsonWriter(body).begin_object().member("now", context.engine.now()).end_object();
  exchange.send_personal(std::move(body));
}

void list_sales(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  QueryReader query(request.query, {"page_token"});
  const std::int64_t first = query.page_token().value_or(0);
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());

  const Instant now = context.engine.now();
  const engine::Catalog& catalog = context.catalog.get();
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("now", now);
  if (first == 0) {
    json.raw(context.sales.members(catalog, now));
  } else {
    const auto listing = list_sales_from(catalog, static_cast<std::size_t>(first), now);
    json.raw(sales_members(listing, now));
  }
  json.end_object();
  send_public(exchange, std::move(body));
}

void get_item(Context& context, const Request&, const Captures& captures, Exchange&& exchange) {
  const engine::CatalogItem* item = find_item(context, captures[0]);
  if (item == nullptr) return exchange.fail(Code::unknown_item);
  std::string body;
  http::JsonWriter json(body);
  write_shopper_item(json, *item, context.engine.now());
  send_public(exchange, std::move(body));
}

}  // namespace sluice::api
