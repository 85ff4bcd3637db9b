// The payment service's routes for other services of the shop: state, closing, notifications.
#include "api/weixin.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/ids.h"
#include "base/text.h"

namespace sluice::api {

namespace {

/// Real ones have a tenth of it; the server reads no body above http::kMaxBodyBytes.
constexpr std::size_t kMaxNotificationBytes = 32UL * 1024;

std::string_view trade_state(payment::Trade::State state) {
  using State = payment::Trade::State;
  switch (state) {
    case State::not_found:
      return "NOTEXIST";
    case State::not_paid:
      return "NOTPAY";
    case State::paying:
      return "USERPAYING";
    case State::paid:
      return "SUCCESS";
    case State::closed:
      return "CLOSED";
    case State::failed:
      return "PAYERROR";
    case State::refunded:
      return "REFUND";
  }
  return "";
}

void append(EnvelopeData& data, std::initializer_list<std::pair<const char*, const char*>> more) {
  for (const auto& [name, value] : more)
    data.emplace_back(name, value);
}

void answer_trade(Exchange& exchange, const std::string& out_trade_no, payment::Trade&& trade) {
  EnvelopeData data = std::move(trade.fields);
  data.emplace_back("out_trade_no", out_trade_no);
  if (trade.state == payment::Trade::State::not_found) {
    append(data,
           {{"return_code", "SUCCESS"}, {"result_code", "FAIL"}, {"err_code", "ORDERNOTEXIST"}});
    return fail_envelope(exchange, 200, Code::unknown_payment,
                         {"The provider knows no payment of this number.", "支付平台没有此单号。"},
                         data);
  }
  data.emplace_back("trade_state", trade_state(trade.state));
  append(data, {{"return_code", "SUCCESS"}, {"result_code", "SUCCESS"}});
  send_envelope(exchange, {"Queried.", "查询成功"}, data);
}

void answer_close(Exchange& exchange, const std::string& out_trade_no,
                  payment::CloseAnswer answer) {
  EnvelopeData data{{"out_trade_no", out_trade_no}, {"return_code", "SUCCESS"}};
  switch (answer) {
    case payment::CloseAnswer::closed:
    case payment::CloseAnswer::already_closed:
      data.emplace_back("result_code", "SUCCESS");
      return send_envelope(exchange, {"Closed.", "关闭成功"}, data);
    case payment::CloseAnswer::already_paid:
      append(data, {{"result_code", "FAIL"}, {"err_code", "ORDERPAID"}});
      return fail_envelope(exchange, 200, Code::already_paid,
                           {"It is paid and cannot be closed.", "订单已支付，不能关闭"}, data);
    case payment::CloseAnswer::not_found:
      append(data, {{"result_code", "FAIL"}, {"err_code", "ORDERNOTEXIST"}});
      return fail_envelope(
          exchange, 200, Code::unknown_payment,
          {"The provider knows no payment of this number.", "支付平台没有此单号。"}, data);
  }
}

/// The one parameter of the query and of the close; empty: the exchange has been answered.
std::string read_number(const Request& request, Exchange& exchange) {
  QueryReader query(request.query, {"outtradeno"});
  std::string number = read_out_trade_no(query);
  if (!query.fault()) return number;
  fail_envelope(exchange, Code::invalid_request, *query.fault());
  return {};
}

/// Response has no room for a type of its own making.
std::string_view literal_type(std::string_view type) {
  if (type.empty()) return {};
  return type.contains("json") ? "application/json" : "text/xml; charset=utf-8";
}

void send_acknowledgement(Exchange& exchange, payment::Acknowledgement&& acknowledgement) {
  http::Response response;
  response.status = acknowledgement.status;
  response.content_type = literal_type(acknowledgement.content_type);
  response.body = std::move(acknowledgement.body);
  response.add("Cache-Control", "no-store");
  exchange.send(std::move(response));
}

}  // namespace

std::string read_out_trade_no(QueryReader& query) {
  const std::string number = query.text("outtradeno").value_or("");
  const bool fits = number.size() >= kMinTradeNo && number.size() <= kMaxTradeNo &&
                    std::ranges::all_of(number, [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                             (c >= 'a' && c <= 'z') || std::string_view("_-|*").contains(c);
                    });
  if (!fits) {
    query.refuse(
        fmt::format("outtradeno is {}; it must be {} to {} of 0-9 A-Z a-z _ - | *.", quote(number),
                    kMinTradeNo, kMaxTradeNo),
        fmt::format("outtradeno 的值 {} 不正确，应为 {} 至 {} 个字符：0-9 A-Z a-z _ - | *。",
                    quote(number), kMinTradeNo, kMaxTradeNo));
  }
  return number;
}

const Payments* payments_or_fail_envelope(Context& context, Exchange& exchange) {
  const Payments* payments = payments_of(context);
  if (payments == nullptr) {
    fail_envelope(exchange, 503, Code::payment_unavailable, why_no_payments(context));
  }
  return payments;
}

void fail_envelope(Exchange& exchange, const payment::ServiceError& error) {
  EnvelopeData data;
  if (error.fault) {
    data.emplace_back("err_code", error.fault->code);
    data.emplace_back("err_code_des", error.fault->message);
  }
  fail_envelope(exchange, code_of(error), {error.message, error.message}, data);
}

void weixin_query(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  const std::string number = read_number(request, exchange);
  if (number.empty()) return;
  const Payments* payments = payments_or_fail_envelope(context, exchange);
  if (payments == nullptr) return;
  payments->service->query(
      number, bring_back<payment::Trade>(context, std::move(exchange),
                                         [number, payments](Exchange&& kept, auto&& trade) {
                                           if (!trade) return fail_envelope(kept, trade.error());
                                           if (trade->state == payment::Trade::State::paid) {
                                             payments->desk->look_at(number);
                                           }
                                           answer_trade(kept, number, std::move(*trade));
                                         }));
}

void weixin_close(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  const std::string number = read_number(request, exchange);
  if (number.empty()) return;
  const Payments* payments = payments_or_fail_envelope(context, exchange);
  if (payments == nullptr) return;
  payments->service->close(
      number, bring_back<payment::CloseAnswer>(context, std::move(exchange),
                                               [number, payments](Exchange&& kept, auto&& answer) {
                                                 if (!answer)
                                                   return fail_envelope(kept, answer.error());
                                                 // A sale order's: it is given up, or was paid.
                                                 if (*answer != payment::CloseAnswer::not_found) {
                                                   payments->desk->look_at(number);
                                                 }
                                                 answer_close(kept, number, *answer);
                                               }));
}

void weixin_notify(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  const Payments* payments = payments_or_fail(context, exchange);
  if (payments == nullptr) return;
  if (request.body.size() > kMaxNotificationBytes) {
    spdlog::warn("a notification of {} bytes was refused; at most {} are read", request.body.size(),
                 kMaxNotificationBytes);
    return send_acknowledgement(
        exchange, payments->gateway->acknowledge(payment::Receipt::refused, "too large"));
  }
  payment::RawNotification raw;
  raw.body = request.body;
  for (const http::Field& field : request.fields)
    raw.headers.emplace_back(field.name, field.value);
  payments->service->notify(
      std::move(raw), [&mailbox = context.mailbox, exchange = std::move(exchange)](
                          payment::Acknowledgement acknowledgement) mutable {
        mailbox.post([exchange = std::move(exchange),
                      acknowledgement = std::move(acknowledgement)]() mutable {
          send_acknowledgement(exchange, std::move(acknowledgement));
        });
      });
}

}  // namespace sluice::api
