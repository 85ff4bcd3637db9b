// What is on sale, for everyone: the clock, the sales, one item.
#include <algorithm>
#include <vector>

#include "api/catalog_json.h"
#include "api/lookup.h"
#include "api/query.h"
#include "api/routes.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

/// One answer holds at most this many sales and (but for a single larger sale) items.
constexpr std::size_t kMaxListedSales = 100;
constexpr std::size_t kMaxListedItems = 1000;

/// What a crowd asks again and again: caches may answer for a second.
void send_public(Exchange& exchange, std::string&& json) {
  http::Response response;
  response.body = std::move(json);
  response.add("Cache-Control", "public, max-age=1");
  exchange.send(std::move(response));
}

/// Sales that are not over first, by start; then those that are, the latest first.
std::vector<const engine::CatalogSale*> in_order(const engine::Catalog& catalog, Instant now) {
  std::vector<const engine::CatalogSale*> sales;
  sales.reserve(catalog.sales.size());
  for (const auto& sale : catalog.sales)
    sales.push_back(sale.get());
  std::ranges::sort(sales, [now](const auto* a, const auto* b) {
    const bool a_over = a->sale.phase(now) == sale::Phase::ended;
    const bool b_over = b->sale.phase(now) == sale::Phase::ended;
    if (a_over != b_over) return b_over;
    const Instant a_key = a_over ? b->sale.ends_at : a->sale.starts_at;
    const Instant b_key = a_over ? a->sale.ends_at : b->sale.starts_at;
    return a_key != b_key ? a_key < b_key : a->sale.no < b->sale.no;
  });
  return sales;
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
  const auto sales = in_order(context.catalog.get(), now);
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("now", now).key("sales").begin_array();
  std::size_t at = std::min(static_cast<std::size_t>(first), sales.size());
  std::size_t items = 0;
  const std::size_t end = std::min(at + kMaxListedSales, sales.size());
  for (; at < end; ++at) {
    if (items > 0 && items + sales[at]->items.size() > kMaxListedItems) break;
    items += sales[at]->items.size();
    write_shopper_sale(json, *sales[at], now);
  }
  json.end_array();
  if (at < sales.size()) json.member("next_page_token", page_token(static_cast<std::int64_t>(at)));
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
