// The members of an order, in the order of the contract.
#include "api/orders_json.h"

#include <string_view>

namespace sluice::api {

namespace {

void reason_member(http::JsonWriter& json, sale::EndReason reason) {
  json.key("reason");
  if (reason == sale::EndReason::none) {
    json.null();
  } else {
    json.value(sale::to_text(reason));
  }
}

void members(http::JsonWriter& json, const sale::OrderView& order) {
  json.member("id", to_text(order.id)).member("item_id", order.item_id);
  json.member("sale_id", order.sale_id).member("title", order.title);
  json.member("quantity", order.quantity).member("amount", order.amount.minor);
  json.member("currency", order.currency.code());
  json.member("status", sale::to_text(order.status));
  json.member("status_code", sale::status_code(order.status));
  reason_member(json, order.reason);
  json.member("created_at", order.created_at).member("expires_at", order.expires_at);
  json.key("paid_at");
  if (order.paid_at) {
    json.value(*order.paid_at);
  } else {
    json.null();
  }
  json.key("transaction_id");
  if (order.transaction_id.empty()) {
    json.null();
  } else {
    json.value(order.transaction_id);
  }
}

}  // namespace

void write_granted(http::JsonWriter& json, const sale::Order& order,
                   const engine::CatalogItem& item) {
  json.begin_object().member("id", to_text(order.id)).member("item_id", item.item.id);
  json.member("sale_id", item.sale->sale.id).member("title", item.item.title);
  json.member("quantity", order.quantity).member("amount", order.amount.minor);
  json.member("currency", item.item.currency.code());
  json.member("status", sale::to_text(order.status));
  json.member("status_code", sale::status_code(order.status));
  reason_member(json, order.reason);
  json.member("created_at", order.created_at).member("expires_at", order.expires_at);
  json.key("paid_at").null().key("transaction_id").null().end_object();
}

void write_order(http::JsonWriter& json, const sale::OrderView& order) {
  json.begin_object();
  members(json, order);
  json.end_object();
}

void write_operator_order(http::JsonWriter& json, const sale::OrderView& order) {
  write_operator_order(json, order, {});
}

void write_operator_order(http::JsonWriter& json, const sale::OrderView& order,
                          std::string_view payment) {
  json.begin_object();
  members(json, order);
  json.member("user", order.user);
  json.member("operator_status", sale::to_operator_text(order.status));
  json.member("close_attempts", order.close_attempts);
  if (!payment.empty()) json.key("payment").raw(payment);
  json.end_object();
}

std::string order_location(OrderId order) {
  return "/api/v1/orders/" + to_text(order);
}

}  // namespace sluice::api
