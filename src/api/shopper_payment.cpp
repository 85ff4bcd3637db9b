// The payment of the shopper's own order: creating it, its state, its QR code.
#include <optional>
#include <string>
#include <utility>

#include "api/auth.h"
#include "api/json_reader.h"
#include "api/orders_json.h"
#include "api/payments.h"
#include "api/qr.h"
#include "api/routes.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

using Known = std::expected<std::optional<payment::Payment>, payment::ServiceError>;

/// Hands the order to `then`, or answers as if there were none where it is another's.
template <class Then>
void with_own_order(Context& context, const Captures& captures, Exchange&& exchange, Then then) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return exchange.fail(Code::unknown_order);
  read<std::optional<sale::OrderView>>(
      std::move(exchange),
      [&](auto&& answer) {
        return context.engine.order(*id, context.mailbox, std::forward<decltype(answer)>(answer));
      },
      [user = context.claims.user, then = std::move(then)](
          Exchange&& kept, std::optional<sale::OrderView>&& order) mutable {
        if (!order || order->user != user) return kept.fail(Code::unknown_order);
        then(std::move(kept), std::move(*order));
      });
}

/// Hands what the payment service knows of the order to `then`.
template <class Then>
void with_payment(Context& context, Exchange&& exchange, sale::OrderView&& order, Then then) {
  const Payments* payments = payments_or_fail(context, exchange);
  if (payments == nullptr) return;
  std::string out_trade_no = to_text(order.id);
  payments->service->find(std::move(out_trade_no),
                          bring_back<std::optional<payment::Payment>>(
                              context, std::move(exchange),
                              [order = std::move(order), then = std::move(then)](
                                  Exchange&& kept, Known&& known) mutable {
                                if (!known) return fail_service(kept, known.error());
                                then(std::move(kept), order, *known);
                              }));
}

/// What is wrong with the body of a payment, if anything.
std::optional<Text> fault_of(const Request& request) {
  if (request.body.empty()) {
    return Text{R"(The body is empty; send {"method":"wechat"}.)",
                R"(请求体为空，应为 {"method":"wechat"}。)"};
  }
  // As with a grab, the media type is not looked at: what is not JSON of this shape is refused.
  const auto body = parse_json(request.body);
  if (!body) return body.error();
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"method"});
  const std::string method = from.text("method", 32, ObjectReader::Need::required);
  if (method != "wechat") {
    faults.refuse("method", R"(must be "wechat")", R"(必须为 "wechat")");
  }
  return faults.first();
}

std::string qr_location(OrderId order) {
  return order_location(order) + "/payment/qr.svg";
}

void count(Context& context, PaymentResult result) {
  context.cell.payments[static_cast<std::size_t>(result)].add();
}

void refuse(Context& context, Exchange& exchange, settlement::BeginError error) {
  count(context, static_cast<PaymentResult>(static_cast<std::size_t>(error) + 1));
  const BeginRefusal refusal = refusal_of(error);
  exchange.fail(refusal.code, refusal.detail);
}

void begin(Context& context, Exchange&& exchange, const sale::OrderView& order,
           std::string&& address) {
  const Payments* payments = payments_or_fail(context, exchange);
  if (payments == nullptr) return;
  payments->desk->begin(
      order.user, order.id, std::move(address), context.mailbox,
      [&context, exchange = std::move(exchange), id = order.id](
          std::expected<settlement::ShopperPayment, settlement::BeginError> begun) mutable {
        if (!begun) return refuse(context, exchange, begun.error());
        count(context, PaymentResult::begun);
        std::string body;
        http::JsonWriter json(body);
        json.begin_object().member("code_url", begun->code_url);
        json.member("qr_svg_url", qr_location(id)).member("amount", begun->amount.minor);
        json.member("currency", begun->currency.code());
        json.member("expires_at", begun->expires_at).end_object();
        exchange.send_personal(std::move(body));
      });
}

void text_or_null(http::JsonWriter& json, std::string_view name, std::string_view text) {
  json.key(name);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

}  // namespace

void pay_order(Context& context, const Request& request, const Captures& captures,
               Exchange&& exchange) {
  std::string address(client_address(request, context.shared->options.trust_forwarded_for));
  with_own_order(context, captures, std::move(exchange),
                 [&context, fault = fault_of(request), address = std::move(address)](
                     Exchange&& kept, sale::OrderView&& order) mutable {
                   // Whose order it is comes first: a bad body must not tell that it exists.
                   if (fault) return kept.fail(Code::invalid_request, *fault);
                   begin(context, std::move(kept), order, std::move(address));
                 });
}

void get_payment(Context& context, const Request&, const Captures& captures, Exchange&& exchange) {
  with_own_order(
      context, captures, std::move(exchange), [&context](Exchange&& kept, sale::OrderView&& own) {
        with_payment(context, std::move(kept), std::move(own),
                     [&context](Exchange&& answer, const sale::OrderView& order,
                                const std::optional<payment::Payment>& payment) {
                       const bool open = payable(payment, order, context.engine.now());
                       std::string body;
                       http::JsonWriter json(body);
                       json.begin_object().member("order_id", to_text(order.id));
                       json.member("status", sale::to_text(order.status));
                       json.member("status_code", sale::status_code(order.status));
                       text_or_null(json, "method", payment ? "wechat" : "");
                       text_or_null(json, "code_url", open ? payment->code_url : "");
                       text_or_null(json, "qr_svg_url", open ? qr_location(order.id) : "");
                       json.member("amount", order.amount.minor);
                       json.member("currency", order.currency.code());
                       json.member("expires_at", order.expires_at);
                       text_or_null(json, "paid_at",
                                    order.paid_at ? to_rfc3339(*order.paid_at) : "");
                       text_or_null(json, "transaction_id", order.transaction_id);
                       json.end_object();
                       answer.send_personal(std::move(body));
                     });
      });
}

void payment_qr(Context& context, const Request&, const Captures& captures, Exchange&& exchange) {
  with_own_order(context, captures, std::move(exchange),
                 [&context](Exchange&& kept, sale::OrderView&& own) {
                   with_payment(context, std::move(kept), std::move(own),
                                [&context](Exchange&& answer, const sale::OrderView& order,
                                           const std::optional<payment::Payment>& payment) {
                                  // A code that outlives the hold would be paid for nothing.
                                  if (!payable(payment, order, context.engine.now())) {
                                    return answer.fail(Code::unknown_payment);
                                  }
                                  auto image = qr_svg(payment->code_url);
                                  if (!image) return answer.fail(Code::internal);
                                  http::Response response;
                                  response.content_type = "image/svg+xml";
                                  response.body = std::move(*image);
                                  response.add("Cache-Control", "no-store");
                                  response.add("X-Content-Type-Options", "nosniff");
                                  response.add("Content-Security-Policy", "default-src 'none'");
                                  answer.send(std::move(response));
                                });
                 });
}

}  // namespace sluice::api
