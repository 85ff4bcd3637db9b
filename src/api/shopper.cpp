// The shopper's own orders: reading, listing, giving back.
#include <optional>
#include <string>
#include <utility>

#include "api/lookup.h"
#include "api/orders_json.h"
#include "api/query.h"
#include "api/routes.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

/// Answers with the order, or as if there were none where it is another's: ids tell nothing.
void send_own_order(Context& context, Exchange&& exchange, OrderId id, std::string user) {
  read<std::optional<sale::OrderView>>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.order(id, context.mailbox, std::forward<decltype(then)>(then));
      },
      [user = std::move(user)](Exchange&& kept, std::optional<sale::OrderView>&& order) {
        if (!order || order->user != user) return kept.fail(Code::unknown_order);
        std::string body;
        http::JsonWriter json(body);
        write_order(json, *order);
        kept.send_personal(std::move(body));
      });
}

}  // namespace

void get_order(Context& context, const Request&, const Captures& captures, Exchange&& exchange) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return exchange.fail(Code::unknown_order);
  send_own_order(context, std::move(exchange), *id, context.claims.user);
}

void list_orders(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  QueryReader query(request.query, {"page_token", "limit"});
  sale::PageRequest page;
  page.before = query.page_token();
  page.limit = query.limit();
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());
  read<sale::Page<sale::OrderView>>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.orders_of(context.claims.user, page, context.mailbox,
                                        std::forward<decltype(then)>(then));
      },
      [](Exchange&& kept, sale::Page<sale::OrderView>&& orders) {
        std::string body;
        http::JsonWriter json(body);
        json.begin_object().key("orders").begin_array();
        for (const sale::OrderView& order : orders.entries)
          write_order(json, order);
        json.end_array();
        if (orders.next) json.member("next_page_token", page_token(*orders.next));
        json.end_object();
        kept.send_personal(std::move(body));
      });
}

void cancel_order(Context& context, const Request&, const Captures& captures, Exchange&& exchange) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return exchange.fail(Code::unknown_order);
  const std::string user = context.claims.user;
  submit(context, std::move(exchange), sale::CancelByUser{user, *id},
         [&context, id = *id, user](Exchange&& kept, const engine::Reply& reply) {
           switch (std::get<sale::CancelOutcome>(reply.outcome)) {
             case sale::CancelOutcome::unknown_order:
               return kept.fail(Code::unknown_order);
             case sale::CancelOutcome::already_paid:
               return kept.fail(Code::already_paid);
             case sale::CancelOutcome::already_closing:
             case sale::CancelOutcome::already_ended:
             case sale::CancelOutcome::closing:
             case sale::CancelOutcome::cancelled:
               // What the caller wanted is so, whether by this request or an earlier one.
               return send_own_order(context, std::move(kept), id, user);
           }
         });
}

}  // namespace sluice::api
