// GET /weixin/pay/create/native: a payment for an order of any service of the shop.
#include <fmt/core.h>

#include <optional>
#include <string>
#include <utility>

#include "api/auth.h"
#include "api/weixin.h"
#include "base/text.h"

namespace sluice::api {

namespace {

constexpr std::size_t kMaxNameBytes = 127;  ///< of an exchange or queue, as AMQP has it
constexpr std::size_t kMaxSubjectBytes = 512;

constexpr Words kCreated{"Created; show code_url as a QR code.",
                         "支付已创建，请将 code_url 生成二维码"};

std::string read_text(QueryReader& query, std::string_view name, std::size_t max_bytes) {
  std::string text = query.text(name).value_or("");
  if (text.empty() || text.size() > max_bytes || has_control(text)) {
    query.refuse(fmt::format("{} is {}; it must be 1 to {} bytes without control characters.", name,
                             quote(text), max_bytes),
                 fmt::format("{} 的值 {} 不正确，应为 1 至 {} 字节且不含控制字符。", name,
                             quote(text), max_bytes));
  }
  return text;
}

Money read_fee(QueryReader& query) {
  const std::string text = query.text("totalfee").value_or("");
  const auto fee = parse_uint(text, kMaxPrice.minor);
  if (fee && *fee > 0) return Money{*fee};
  query.refuse(fmt::format("totalfee is {}; it must be a whole number of fen, 1 to {}.",
                           quote(text), kMaxPrice.minor),
               fmt::format("totalfee 的值 {} 不正确，应为以分为单位的整数，1 至 {}。", quote(text),
                           kMaxPrice.minor));
  return {};
}

payment::PaymentRequest read_request(QueryReader& query) {
  payment::PaymentRequest wanted;
  wanted.out_trade_no = read_out_trade_no(query);
  wanted.amount = read_fee(query);
  wanted.attach.queue = read_text(query, "queue", kMaxNameBytes);
  wanted.attach.exchange = read_text(query, "exchange", kMaxNameBytes);
  wanted.attach.username = read_text(query, "username", kMaxUserBytes);
  wanted.subject = query.text("body") ? read_text(query, "body", kMaxSubjectBytes)
                                      : "Order " + wanted.out_trade_no;
  return wanted;
}

void answer_created(Exchange& exchange, const std::string& code_url, const std::string& number,
                    const payment::Fields& fields) {
  EnvelopeData data{{"code_url", code_url}, {"out_trade_no", number}};
  data.insert(data.end(), fields.begin(), fields.end());
  send_envelope(exchange, kCreated, data);
}

/// The desk takes the sale's queue: what it finds there and does not know ends parked.
Text not_a_sale_order(const Payments& payments) {
  return {fmt::format("The queue {} of {} takes the sale's own orders (No…) alone; name the queue "
                      "of your service.",
                      payments.sale_queue, payments.exchange),
          fmt::format("交换机 {} 的队列 {} 只接收秒杀订单（No…），请使用您的服务自己的队列。",
                      payments.exchange, payments.sale_queue)};
}

/// Why this server's own order must not be paid as `wanted` says.
struct Objection {
  Code code;
  Text text;
};
std::optional<Objection> objection(const Payments& payments,
                                   const std::optional<sale::OrderView>& order,
                                   const payment::PaymentRequest& wanted, Instant now) {
  if (!order) {
    return Objection{Code::unknown_order,
                     {"Numbers of this form are the sale's, and it has no such order.",
                      "此格式的单号属于秒杀订单，但没有该订单。"}};
  }
  if (wanted.attach.exchange != payments.exchange || wanted.attach.queue != payments.sale_queue) {
    return Objection{Code::invalid_request,
                     {fmt::format("A sale order is settled by exchange {} and queue {} alone.",
                                  payments.exchange, payments.sale_queue),
                      fmt::format("秒杀订单只能使用交换机 {} 与队列 {}。", payments.exchange,
                                  payments.sale_queue)}};
  }
  if (wanted.attach.username != order->user) {
    return Objection{Code::unknown_order,
                     {"That user has no order of this number.", "该用户没有此编号的订单。"}};
  }
  if (wanted.amount != order->amount || order->currency != Currency{}) {
    return Objection{
        Code::payment_conflict,
        {fmt::format("The order costs {} {} in minor units, not {} fen.", order->amount.minor,
                     order->currency.code(), wanted.amount.minor),
         fmt::format("订单金额为 {} {}（最小单位），而不是 {} 分。", order->amount.minor,
                     order->currency.code(), wanted.amount.minor)}};
  }
  if (!payable(*order, now)) {
    const BeginRefusal refusal = refusal_of(settlement::BeginError::not_awaiting);
    return Objection{refusal.code,
                     {std::string(refusal.detail.en), std::string(refusal.detail.zh)}};
  }
  return std::nullopt;
}

/// The sale's own order: through the desk, so that the core knows of the payment before there is
/// one and has it closed before the unit goes back.
void begin_sale_payment(Context& context, const Payments& payments, Exchange&& exchange,
                        const sale::OrderView& order, std::string&& address) {
  payments.desk->begin(
      order.user, order.id, std::move(address), context.mailbox,
      [&context, &payments, exchange = std::move(exchange), number = to_text(order.id)](
          std::expected<settlement::ShopperPayment, settlement::BeginError> begun) mutable {
        if (!begun) {
          const BeginRefusal refusal = refusal_of(begun.error());
          return fail_envelope(exchange, refusal.code, refusal.detail);
        }
        payments.service->find(
            number, bring_back<std::optional<payment::Payment>>(
                        context, std::move(exchange),
                        [number, code_url = begun->code_url](Exchange&& kept, auto&& known) {
                          const bool found = known && *known;
                          answer_created(kept, code_url, number,
                                         found ? (*known)->fields : payment::Fields{});
                        }));
      });
}

void create_for_order(Context& context, const Payments& payments, Exchange&& exchange, OrderId id,
                      payment::PaymentRequest&& wanted) {
  const SharedExchange kept = keep(std::move(exchange));
  const bool taken = context.engine.order(
      id, context.mailbox,
      [&context, &payments, kept,
       wanted = std::move(wanted)](Result<std::optional<sale::OrderView>>&& order) mutable {
        if (!order) {
          return fail_envelope(*kept, Code::storage_failed,
                               {"The record could not be read.", "无法读取订单记录。"});
        }
        if (const auto no = objection(payments, *order, wanted, context.engine.now())) {
          return fail_envelope(*kept, no->code, no->text);
        }
        begin_sale_payment(context, payments, std::move(*kept), **order,
                           std::move(wanted.client_address));
      });
  if (!taken) {
    fail_envelope(
        *kept, Code::overloaded,
        {"The server is at its capacity; try again shortly.", "服务器繁忙，请稍后重试。"});
  }
}

}  // namespace

void weixin_create(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  QueryReader query(request.query,
                    {"outtradeno", "totalfee", "queue", "exchange", "username", "body"});
  payment::PaymentRequest wanted = read_request(query);
  if (query.fault()) return fail_envelope(exchange, Code::invalid_request, *query.fault());
  const Payments* payments = payments_or_fail_envelope(context, exchange);
  if (payments == nullptr) return;
  wanted.client_address = client_address(request, context.shared->options.trust_forwarded_for);
  if (const auto id = parse_order_id(wanted.out_trade_no)) {
    return create_for_order(context, *payments, std::move(exchange), *id, std::move(wanted));
  }
  if (wanted.attach.exchange == payments->exchange && wanted.attach.queue == payments->sale_queue) {
    return fail_envelope(exchange, Code::invalid_request, not_a_sale_order(*payments));
  }
  wanted.expires_at = context.engine.now() + payments->lifetime;
  payments->service->create(
      std::move(wanted),
      bring_back<payment::Payment>(context, std::move(exchange), [](Exchange&& kept, auto&& made) {
        if (!made) return fail_envelope(kept, made.error());
        answer_created(kept, made->code_url, made->out_trade_no, made->fields);
      }));
}

}  // namespace sluice::api
