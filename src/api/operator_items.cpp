// Operators: adding and changing items, adjusting stock.
#include <string>
#include <utility>

#include "api/catalog_json.h"
#include "api/lookup.h"
#include "api/operator_body.h"
#include "api/routes.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

std::string item_json(Context& context, ItemNo no) {
  std::string body;
  http::JsonWriter json(body);
  write_operator_item(json, *context.catalog.get().items[no.value]);
  return body;
}

void answer_added(Context& context, Exchange&& exchange, const engine::Reply& reply) {
  using sale::AddItemOutcome;
  switch (std::get<AddItemOutcome>(reply.outcome)) {
    case AddItemOutcome::added:
      return exchange.send_created(
          item_json(context, reply.item),
          "/api/v1/admin/items/" + context.catalog.get().items[reply.item.value]->item.id);
    case AddItemOutcome::unknown_sale:
      return exchange.fail(Code::unknown_sale);
    case AddItemOutcome::ended:
      return exchange.fail(Code::ended);
    case AddItemOutcome::too_many:
      return exchange.fail(Code::too_many);
    case AddItemOutcome::duplicate_id:
      return exchange.fail(Code::duplicate_id);
    case AddItemOutcome::invalid_id:
    case AddItemOutcome::invalid_text:
    case AddItemOutcome::invalid_price:
    case AddItemOutcome::invalid_stock:
    case AddItemOutcome::invalid_limit:
      return exchange.fail(Code::invalid_request, kBadField);
  }
}

void answer_changed(Context& context, Exchange&& exchange, ItemNo item,
                    const engine::Reply& reply) {
  using sale::ChangeItemOutcome;
  switch (std::get<ChangeItemOutcome>(reply.outcome)) {
    case ChangeItemOutcome::changed:
    case ChangeItemOutcome::unchanged:
      return exchange.send_personal(item_json(context, item));
    case ChangeItemOutcome::unknown_item:
      return exchange.fail(Code::unknown_item);
    case ChangeItemOutcome::invalid_text:
    case ChangeItemOutcome::invalid_price:
    case ChangeItemOutcome::invalid_limit:
      return exchange.fail(Code::invalid_request, kBadField);
  }
}

void answer_adjusted(Context& context, Exchange&& exchange, ItemNo item,
                     const engine::Reply& reply) {
  using sale::AdjustStockOutcome;
  switch (std::get<AdjustStockOutcome>(reply.outcome)) {
    case AdjustStockOutcome::adjusted:
    case AdjustStockOutcome::unchanged:
      return exchange.send_personal(item_json(context, item));
    case AdjustStockOutcome::unknown_item:
      return exchange.fail(Code::unknown_item);
    case AdjustStockOutcome::frozen:
      return exchange.fail(Code::item_frozen);
    case AdjustStockOutcome::below_committed:
      return exchange.fail(Code::below_committed);
    case AdjustStockOutcome::invalid_stock:
      return exchange.fail(Code::invalid_request, kBadField);
  }
}

}  // namespace

void admin_add_item(Context& context, const Request& request, const Captures& captures,
                    Exchange&& exchange) {
  const engine::CatalogSale* sale = find_sale(context, captures[0]);
  if (sale == nullptr) return exchange.fail(Code::unknown_sale);
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  sale::AddItem command = read_add_item(*body, context, faults);
  if (!accept(faults, exchange)) return;
  command.sale = sale->sale.no;
  submit(context, std::move(exchange), std::move(command),
         [&context](Exchange&& kept, const engine::Reply& reply) {
           answer_added(context, std::move(kept), reply);
         });
}

void admin_get_item(Context& context, const Request&, const Captures& captures,
                    Exchange&& exchange) {
  const engine::CatalogItem* item = find_item(context, captures[0]);
  if (item == nullptr) return exchange.fail(Code::unknown_item);
  exchange.send_personal(item_json(context, item->item.no));
}

void admin_change_item(Context& context, const Request& request, const Captures& captures,
                       Exchange&& exchange) {
  const engine::CatalogItem* item = find_item(context, captures[0]);
  if (item == nullptr) return exchange.fail(Code::unknown_item);
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  sale::ChangeItem command = read_change_item(*body, context, faults);
  if (!accept(faults, exchange)) return;
  const ItemNo no = item->item.no;
  command.item = no;
  submit(context, std::move(exchange), std::move(command),
         [&context, no](Exchange&& kept, const engine::Reply& reply) {
           answer_changed(context, std::move(kept), no, reply);
         });
}

void admin_set_stock(Context& context, const Request& request, const Captures& captures,
                     Exchange&& exchange) {
  const engine::CatalogItem* item = find_item(context, captures[0]);
  if (item == nullptr) return exchange.fail(Code::unknown_item);
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"stock", "reason"});
  sale::AdjustStock command;
  command.by = read_operator(from, context);
  command.stock = Quantity{from.integer("stock", 0, kMaxStock.units, {})};
  if (!accept(faults, exchange)) return;
  const ItemNo no = item->item.no;
  command.item = no;
  submit(context, std::move(exchange), std::move(command),
         [&context, no](Exchange&& kept, const engine::Reply& reply) {
           answer_adjusted(context, std::move(kept), no, reply);
         });
}

}  // namespace sluice::api
