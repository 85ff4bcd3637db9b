// Operators: searching orders, their timelines, deciding about those that need a person, refunds,
// and the audit log.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/lookup.h"
#include "api/operator_body.h"
#include "api/operator_filter.h"
#include "api/orders_json.h"
#include "api/payments.h"
#include "api/query.h"
#include "api/routes.h"
#include "http/json_writer.h"
#include "sale/effects.h"

namespace sluice::api {

namespace {

using OrderPage = sale::Page<sale::OrderView>;

void send_order(Context& context, Exchange&& exchange, OrderId id) {
  read<std::optional<sale::OrderView>>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.order(id, context.mailbox, std::forward<decltype(then)>(then));
      },
      [](Exchange&& kept, std::optional<sale::OrderView>&& order) {
        if (!order) return kept.fail(Code::unknown_order);
        std::string body;
        http::JsonWriter json(body);
        write_operator_order(json, *order);
        kept.send_personal(std::move(body));
      });
}

const char* to_text(payment::Payment::Standing standing) {
  using Standing = payment::Payment::Standing;
  switch (standing) {
    case Standing::creating:
      return "creating";
    case Standing::refused:
      return "refused";
    case Standing::open:
      return "open";
    case Standing::closed:
      return "closed";
    case Standing::failed:
      return "failed";
    case Standing::paid:
      return "paid";
    case Standing::refunded:
      return "refunded";
  }
  return "";
}

std::string payment_json(const std::optional<payment::Payment>& payment) {
  if (!payment) return "null";
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("created_at", payment->created_at);
  json.member("expires_at", payment->expires_at).member("amount", payment->amount.minor);
  json.member("standing", to_text(payment->standing));
  json.member("transaction_id", payment->transaction_id);
  json.member("currency", payment->currency.code()).member("code_url", payment->code_url);
  json.member("exchange", payment->attach.exchange).member("queue", payment->attach.queue);
  json.end_object();
  return body;
}

/// Answers with the order and, where there is a gateway, with what is known of its payment.
void send_order_with_payment(Context& context, Exchange&& exchange, sale::OrderView&& order) {
  using Known = std::optional<payment::Payment>;
  const auto answer = [](Exchange& kept, const sale::OrderView& of, std::string_view payment) {
    std::string body;
    http::JsonWriter json(body);
    write_operator_order(json, of, payment);
    kept.send_personal(std::move(body));
  };
  const Payments* payments = payments_of(context);
  if (payments == nullptr) return answer(exchange, order, "null");
  std::string out_trade_no = to_text(order.id);
  payments->service->find(
      std::move(out_trade_no),
      bring_back<Known>(context, std::move(exchange),
                        [order = std::move(order), answer](Exchange&& kept, auto&& known) {
                          if (!known) return fail_service(kept, known.error());
                          answer(kept, order, payment_json(*known));
                        }));
}

std::optional<sale::Resolve::Action> parse_action(std::string_view text) {
  if (text == "retry_close") return sale::Resolve::Action::retry_close;
  if (text == "mark_paid") return sale::Resolve::Action::mark_paid;
  if (text == "release") return sale::Resolve::Action::release;
  return std::nullopt;
}

sale::Resolve read_resolve(ObjectReader& from, const Context& context) {
  sale::Resolve command;
  command.by = read_operator(from, context);
  const std::string word = from.text("action", 32, ObjectReader::Need::required);
  const auto action = parse_action(word);
  if (!action) {
    from.faults().refuse("action", "must be retry_close, mark_paid or release",
                         "必须为 retry_close、mark_paid 或 release");
  }
  command.action = action.value_or(sale::Resolve::Action::retry_close);
  command.evidence =
      from.text("evidence", kMaxEvidenceBytes,
                action == sale::Resolve::Action::mark_paid ? ObjectReader::Need::required
                                                           : ObjectReader::Need::optional);
  return command;
}

/// Why an order is listed for a person: "close_failed" or the name of the event.
const char* attention_text(const sale::OrderView& order) {
  const bool told = order.last_event != sale::HistoryEvent::needs_person &&
                    sale::awaits_person(sale::OrderStatus::paid, order.last_event);
  return told ? to_text(order.last_event) : "close_failed";
}

void write_attention(http::JsonWriter& json, const sale::OrderView& order) {
  std::string text;
  http::JsonWriter one(text);
  write_operator_order(one, order);
  text.pop_back();  // one more member before the closing brace
  json.raw(text + R"(,"attention":")" + attention_text(order) + R"("})");
}

void send_orders(Exchange& exchange, const OrderPage& orders,
                 void (*write)(http::JsonWriter&, const sale::OrderView&)) {
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().key("orders").begin_array();
  for (const sale::OrderView& order : orders.entries)
    write(json, order);
  json.end_array();
  if (orders.next) json.member("next_page_token", page_token(*orders.next));
  json.end_object();
  exchange.send_personal(std::move(body));
}

}  // namespace

void admin_list_orders(Context& context, const Request& request, const Captures&,
                       Exchange&& exchange) {
  QueryReader query(request.query, {"user", "item", "sale", "status", "order", "transaction_id",
                                    "from", "to", "page_token", "limit"});
  sale::OrderFilter filter = read_order_filter(query);
  const sale::PageRequest page{query.page_token(), query.limit()};
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());
  read<OrderPage>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.search(std::move(filter), page, context.mailbox,
                                     std::forward<decltype(then)>(then));
      },
      [](Exchange&& kept, const OrderPage& orders) {
        send_orders(kept, orders, write_operator_order);
      });
}

void admin_get_order(Context& context, const Request&, const Captures& captures,
                     Exchange&& exchange) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return exchange.fail(Code::unknown_order);
  read<std::optional<sale::OrderView>>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.order(*id, context.mailbox, std::forward<decltype(then)>(then));
      },
      [&context](Exchange&& kept, std::optional<sale::OrderView>&& order) {
        if (!order) return kept.fail(Code::unknown_order);
        send_order_with_payment(context, std::move(kept), std::move(*order));
      });
}

void admin_timeline(Context& context, const Request&, const Captures& captures,
                    Exchange&& exchange) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return exchange.fail(Code::unknown_order);
  read<std::vector<sale::TimelineEntry>>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.timeline(*id, context.mailbox, std::forward<decltype(then)>(then));
      },
      [id = *id](Exchange&& kept, std::vector<sale::TimelineEntry>&& entries) {
        if (entries.empty()) return kept.fail(Code::unknown_order);
        std::string body;
        http::JsonWriter json(body);
        json.begin_object().member("order_id", to_text(id)).key("entries").begin_array();
        for (const sale::TimelineEntry& entry : entries) {
          json.begin_object().member("sequence", entry.sequence).member("at", entry.at);
          json.member("event", entry.event).member("actor", entry.actor);
          json.member("detail", entry.detail).end_object();
        }
        json.end_array().end_object();
        kept.send_personal(std::move(body));
      });
}

void admin_attention(Context& context, const Request& request, const Captures&,
                     Exchange&& exchange) {
  QueryReader query(request.query, {"page_token", "limit"});
  const sale::PageRequest page{query.page_token(), query.limit()};
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());
  sale::OrderFilter filter;
  filter.needs_attention = true;
  read<OrderPage>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.search(std::move(filter), page, context.mailbox,
                                     std::forward<decltype(then)>(then));
      },
      [](Exchange&& kept, const OrderPage& orders) { send_orders(kept, orders, write_attention); });
}

void admin_resolve(Context& context, const Request& request, const Captures& captures,
                   Exchange&& exchange) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return exchange.fail(Code::unknown_order);
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"action", "evidence", "reason"});
  sale::Resolve command = read_resolve(from, context);
  if (!accept(faults, exchange)) return;
  command.order = *id;
  submit(context, std::move(exchange), std::move(command),
         [&context, id = *id](Exchange&& kept, const engine::Reply& reply) {
           using sale::ResolveOutcome;
           switch (std::get<ResolveOutcome>(reply.outcome)) {
             case ResolveOutcome::unknown_order:
               return kept.fail(Code::unknown_order);
             case ResolveOutcome::not_resolvable:
               return kept.fail(Code::not_resolvable);
             case ResolveOutcome::missing_evidence:
               return kept.fail(Code::invalid_request,
                                Text{"evidence is missing.", "evidence 缺失。"});
             case ResolveOutcome::evidence_used:
               return kept.fail(Code::invalid_request,
                                Text{"evidence is the transaction of another order.",
                                     "evidence 是另一订单的交易号。"});
             case ResolveOutcome::retrying:
             case ResolveOutcome::paid:
             case ResolveOutcome::released:
               return send_order(context, std::move(kept), id);
           }
         });
}

void admin_refund(Context& context, const Request& request, const Captures& captures,
                  Exchange&& exchange) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return exchange.fail(Code::unknown_order);
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"reason"});
  sale::Refund command{read_operator(from, context), *id};
  if (!accept(faults, exchange)) return;
  submit(context, std::move(exchange), std::move(command),
         [&context, id = *id](Exchange&& kept, const engine::Reply& reply) {
           using sale::RefundOutcome;
           switch (std::get<RefundOutcome>(reply.outcome)) {
             case RefundOutcome::unknown_order:
               return kept.fail(Code::unknown_order);
             case RefundOutcome::not_paid:
               return kept.fail(Code::not_paid);
             case RefundOutcome::already_refunding:
               return kept.fail(Code::already_refunding);
             case RefundOutcome::no_gateway:
               return kept.fail(
                   Code::payment_unavailable,
                   Text{"This server has no payment provider to give money back; "
                        "configure [wechat], or refund it by another way.",
                        "本服务器未配置支付平台，无法退款；请配置 [wechat] 或以其他方式退款。"});
             case RefundOutcome::refunding:
               return send_order(context, std::move(kept), id);
           }
         });
}

void admin_audit(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  QueryReader query(request.query, {"page_token", "limit"});
  const sale::PageRequest page{query.page_token(), query.limit()};
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());
  read<sale::Page<sale::AuditEntry>>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.audit(page, context.mailbox, std::forward<decltype(then)>(then));
      },
      [](Exchange&& kept, sale::Page<sale::AuditEntry>&& entries) {
        std::string body;
        http::JsonWriter json(body);
        json.begin_object().key("entries").begin_array();
        for (const sale::AuditEntry& entry : entries.entries) {
          json.begin_object().member("sequence", entry.sequence).member("at", entry.at);
          json.member("actor", entry.actor).member("action", entry.action);
          json.member("subject", entry.subject).member("reason", entry.reason);
          json.key("before").raw(entry.before_json).key("after").raw(entry.after_json);
          json.end_object();
        }
        json.end_array();
        if (entries.next) json.member("next_page_token", page_token(*entries.next));
        json.end_object();
        kept.send_personal(std::move(body));
      });
}

}  // namespace sluice::api
