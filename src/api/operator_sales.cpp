// Operators: creating, reading, changing, pausing and cancelling sales; live statistics.
#include <algorithm>
#include <string>

#include "api/catalog_json.h"
#include "api/lookup.h"
#include "api/operator_body.h"
#include "api/query.h"
#include "api/routes.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

constexpr Words kBadWindow{"ends_at must be after starts_at, and both within 1970 to 9999.",
                           "ends_at 必须晚于 starts_at，且都在 1970 至 9999 年之间。"};

std::string sale_json(Context& context, SaleNo no) {
  std::string body;
  http::JsonWriter json(body);
  write_operator_sale(json, *context.catalog.get().sales[no.value], context.engine.now(), true);
  return body;
}

void answer_opened(Context& context, Exchange&& exchange, const engine::Reply& reply) {
  using sale::OpenSaleOutcome;
  switch (std::get<OpenSaleOutcome>(reply.outcome)) {
    case OpenSaleOutcome::opened:
      return exchange.send_created(
          sale_json(context, reply.sale),
          "/api/v1/admin/sales/" + context.catalog.get().sales[reply.sale.value]->sale.id);
    case OpenSaleOutcome::too_many:
      return exchange.fail(Code::too_many);
    case OpenSaleOutcome::duplicate_id:
      return exchange.fail(Code::duplicate_id);
    case OpenSaleOutcome::invalid_window:
      return exchange.fail(Code::invalid_request, kBadWindow);
    case OpenSaleOutcome::invalid_id:
    case OpenSaleOutcome::invalid_text:
    case OpenSaleOutcome::invalid_hold:
    case OpenSaleOutcome::invalid_price:
    case OpenSaleOutcome::invalid_stock:
    case OpenSaleOutcome::invalid_limit:
      return exchange.fail(Code::invalid_request, kBadField);
  }
}

void answer_changed(Context& context, Exchange&& exchange, SaleNo sale,
                    const engine::Reply& reply) {
  using sale::ChangeSaleOutcome;
  switch (std::get<ChangeSaleOutcome>(reply.outcome)) {
    case ChangeSaleOutcome::changed:
    case ChangeSaleOutcome::unchanged:
      return exchange.send_personal(sale_json(context, sale));
    case ChangeSaleOutcome::unknown_sale:
      return exchange.fail(Code::unknown_sale);
    case ChangeSaleOutcome::cancelled:
      return exchange.fail(Code::ended);
    case ChangeSaleOutcome::invalid_window:
      return exchange.fail(Code::invalid_request, kBadWindow);
    case ChangeSaleOutcome::invalid_text:
    case ChangeSaleOutcome::invalid_hold:
      return exchange.fail(Code::invalid_request, kBadField);
  }
}

/// The body of a change that has nothing but a reason.
std::optional<sale::Operator> read_reason(const Context& context, const Request& request,
                                          Exchange& exchange) {
  const auto body = read_body(request, exchange);
  if (!body) return std::nullopt;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"reason"});
  sale::Operator by = read_operator(from, context);
  if (!accept(faults, exchange)) return std::nullopt;
  return by;
}

void set_paused(Context& context, const Request& request, const Captures& captures,
                Exchange&& exchange, bool paused) {
  const engine::CatalogSale* sale = find_sale(context, captures[0]);
  if (sale == nullptr) return exchange.fail(Code::unknown_sale);
  auto by = read_reason(context, request, exchange);
  if (!by) return;
  const SaleNo no = sale->sale.no;
  submit(context, std::move(exchange), sale::PauseSale{std::move(*by), no, paused},
         [&context, no](Exchange&& kept, const engine::Reply& reply) {
           const auto outcome = std::get<sale::PauseSaleOutcome>(reply.outcome);
           if (outcome == sale::PauseSaleOutcome::ended) return kept.fail(Code::ended);
           kept.send_personal(sale_json(context, no));
         });
}

}  // namespace

void admin_create_sale(Context& context, const Request& request, const Captures&,
                       Exchange&& exchange) {
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  sale::OpenSale command = read_open_sale(*body, context, faults);
  if (!accept(faults, exchange)) return;
  submit(context, std::move(exchange), std::move(command),
         [&context](Exchange&& kept, const engine::Reply& reply) {
           answer_opened(context, std::move(kept), reply);
         });
}

void admin_list_sales(Context& context, const Request& request, const Captures&,
                      Exchange&& exchange) {
  QueryReader query(request.query, {"page_token", "limit"});
  const auto before = query.page_token();
  const std::uint32_t limit = query.limit();
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());
  const engine::Catalog& catalog = context.catalog.get();
  const Instant now = context.engine.now();
  // The newest first: sales are numbered as they are made.
  const auto count = static_cast<std::int64_t>(catalog.sales.size());
  std::int64_t at = std::min(before.value_or(count), count);
  const std::int64_t end = std::max<std::int64_t>(0, at - limit);
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("now", now).key("sales").begin_array();
  while (at > end)
    write_operator_sale(json, *catalog.sales[static_cast<std::size_t>(--at)], now, false);
  json.end_array();
  if (at > 0) json.member("next_page_token", page_token(at));
  json.end_object();
  exchange.send_personal(std::move(body));
}

void admin_get_sale(Context& context, const Request&, const Captures& captures,
                    Exchange&& exchange) {
  const engine::CatalogSale* sale = find_sale(context, captures[0]);
  if (sale == nullptr) return exchange.fail(Code::unknown_sale);
  exchange.send_personal(sale_json(context, sale->sale.no));
}

void admin_change_sale(Context& context, const Request& request, const Captures& captures,
                       Exchange&& exchange) {
  const engine::CatalogSale* sale = find_sale(context, captures[0]);
  if (sale == nullptr) return exchange.fail(Code::unknown_sale);
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  sale::ChangeSale command = read_change_sale(*body, context, faults);
  if (!accept(faults, exchange)) return;
  const SaleNo no = sale->sale.no;
  command.sale = no;
  submit(context, std::move(exchange), std::move(command),
         [&context, no](Exchange&& kept, const engine::Reply& reply) {
           answer_changed(context, std::move(kept), no, reply);
         });
}

void admin_cancel_sale(Context& context, const Request& request, const Captures& captures,
                       Exchange&& exchange) {
  const engine::CatalogSale* sale = find_sale(context, captures[0]);
  if (sale == nullptr) return exchange.fail(Code::unknown_sale);
  auto by = read_reason(context, request, exchange);
  if (!by) return;
  const SaleNo no = sale->sale.no;
  submit(context, std::move(exchange), sale::CancelSale{std::move(*by), no},
         [&context, no](Exchange&& kept, const engine::Reply&) {
           kept.send_personal(sale_json(context, no));
         });
}

void admin_pause_sale(Context& context, const Request& request, const Captures& captures,
                      Exchange&& exchange) {
  set_paused(context, request, captures, std::move(exchange), true);
}

void admin_resume_sale(Context& context, const Request& request, const Captures& captures,
                       Exchange&& exchange) {
  set_paused(context, request, captures, std::move(exchange), false);
}

void admin_sale_stats(Context& context, const Request&, const Captures& captures,
                      Exchange&& exchange) {
  const engine::CatalogSale* sale = find_sale(context, captures[0]);
  if (sale == nullptr) return exchange.fail(Code::unknown_sale);
  const Instant now = context.engine.now();
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("now", now).member("sale_id", sale->sale.id);
  json.member("phase", to_text(sale->sale.phase(now))).key("items").begin_array();
  sale::Counters total;
  bool conserved = true;
  for (const engine::CatalogItem* item : sale->items) {
    const sale::Counters counters = item->live->read();
    write_stats(json, *item, counters);
    conserved = conserved && counters.conserved() && !item->live->frozen();
    total.stock += counters.stock;
    total.available += counters.available;
    total.held += counters.held;
    total.sold += counters.sold;
    total.refunded += counters.refunded;
  }
  json.end_array().key("total").begin_object();
  json.member("stock", total.stock.units).member("available", total.available.units);
  json.member("held", total.held.units).member("sold", total.sold.units);
  json.member("refunded", total.refunded.units).member("conserved", conserved);
  json.end_object().end_object();
  exchange.send_personal(std::move(body));
}

}  // namespace sluice::api
