// The JSON of an order and its history.
#include "sandbox/order_json.h"

#include <fmt/format.h>

namespace sluice::sandbox {

namespace {

using http::JsonWriter;

void write_members(JsonWriter& json, const Order& order, std::string_view base_url) {
  const Trade& trade = order.trade;
  const OrderRequest& asked = trade.asked;
  json.member("out_trade_no", asked.out_trade_no);
  json.member("api", asked.api == Api::v2 ? "v2" : "v3");
  json.member("trade_state", name(trade.state));
  json.member("total", asked.total.minor).member("currency", asked.currency.code());
  json.member("paid", trade.was_paid() ? trade.paid.minor : 0);
  json.member("refunded", trade.refunded().minor);
  json.member("description", asked.description).member("attach", asked.attach);
  json.key("transaction_id");
  trade.transaction_id.empty() ? json.null() : json.value(trade.transaction_id);
  json.member("created_at", trade.created_at);
  const auto instant = [&json](std::string_view key, bool has, Instant at) {
    json.key(key);
    has ? json.value(at) : json.null();
  };
  instant("time_expire", asked.time_expire.has_value(), asked.time_expire.value_or(Instant{}));
  instant("paid_at", trade.was_paid(), trade.paid_at);
  instant("closed_at", trade.closed_at.has_value(), trade.closed_at.value_or(Instant{}));
  json.member("code_url", fmt::format("{}/pay/{}", base_url, trade.code));
  json.member("notify_url", asked.notify_url);
  json.member("sequence", trade.sequence);
  json.key("notifications").begin_object();
  json.member("attempts", order.history.attempts.size() + order.history.attempts_not_listed);
  json.member("acknowledged", order.history.acknowledged);
  json.member("open", order.open_notices).end_object();
}

void write_attempt(JsonWriter& json, const Attempt& attempt) {
  json.begin_object().member("at", attempt.at).member("kind", name(attempt.kind));
  json.member("of", attempt.of_refund ? "refund" : "payment");
  json.member("acknowledged", attempt.acknowledged).member("status", int{attempt.status});
  json.member("took_ms", int{attempt.took_ms});
  json.member("answer", attempt.answer ? std::string_view(*attempt.answer) : "").end_object();
}

}  // namespace

void write_event(JsonWriter& json, const Event& event) {
  json.begin_object().member("at", event.at).member("event", name(event.what));
  if (!event.detail.empty()) json.member("detail", event.detail);
  if (event.times > 1) json.member("times", event.times).member("last_at", event.last);
  json.end_object();
}

void write_summary(JsonWriter& json, const Order& order, std::string_view base_url) {
  json.begin_object();
  write_members(json, order, base_url);
  json.end_object();
}

void write_detail(JsonWriter& json, const Order& order, std::string_view base_url) {
  json.begin_object();
  write_members(json, order, base_url);
  json.key("refunds").begin_array();
  for (const Refund& refund : order.trade.refunds) {
    json.begin_object().member("out_refund_no", refund.out_refund_no);
    json.member("refund_id", refund.refund_id).member("amount", refund.amount.minor);
    json.member("reason", refund.reason).member("at", refund.at).end_object();
  }
  json.end_array().key("events").begin_array();
  for (const Event& event : order.history.events)
    write_event(json, event);
  json.end_array().member("events_not_listed", order.history.events_not_listed);
  json.key("attempts").begin_array();
  for (const Attempt& attempt : order.history.attempts)
    write_attempt(json, attempt);
  json.end_array().member("attempts_not_listed", order.history.attempts_not_listed);
  json.end_object();
}

}  // namespace sluice::sandbox
