// Refusals of the payment rooms in the words of the API.
#include "api/payments.h"

#include <spdlog/spdlog.h>

#include "base/text.h"

namespace sluice::api {

namespace {

constexpr Words kNotConfigured{
    "This server has no payment gateway: configure [wechat], or try --demo.",
    "本服务器未配置支付网关：请配置 [wechat]，或使用 --demo。"};
constexpr Words kStarting{"Payments are not open yet; try again shortly.",
                          "支付功能正在启动，请稍后重试。"};

}  // namespace

Words why_no_payments(const Context& context) {
  return context.shared->options.has_gateway ? kStarting : kNotConfigured;
}

const Payments* payments_or_fail(Context& context, Exchange& exchange) {
  const Payments* payments = payments_of(context);
  if (payments == nullptr) exchange.fail(Code::payment_unavailable, why_no_payments(context));
  return payments;
}

BeginRefusal refusal_of(settlement::BeginError error) {
  using settlement::BeginError;
  switch (error) {
    case BeginError::unknown_order:
      return {Code::unknown_order, {"You have no order of this id.", "您没有此编号的订单。"}};
    case BeginError::not_awaiting:
      return {Code::not_payable,
              {"The order is paid, being given up, or over.", "该订单已支付、正在关闭或已结束。"}};
    case BeginError::past_deadline:
      return {Code::not_payable, {"The time to pay is over.", "支付时间已过。"}};
    case BeginError::refused:
      return {Code::payment_refused,
              {"The payment provider will not make this payment; the log says why.",
               "支付平台拒绝了该笔支付，原因见日志。"}};
    case BeginError::unavailable:
      return {Code::payment_unavailable,
              {"The payment provider cannot be reached; the order is kept, try again.",
               "暂时无法连接支付平台；订单已保留，请重试。"}};
    case BeginError::overloaded:
      return {Code::overloaded,
              {"The server is at its capacity; the order is kept, try again shortly.",
               "服务器已达处理上限；订单已保留，请稍后重试。"}};
    case BeginError::storage:
      return {Code::storage_failed,
              {"The server cannot record payments at present; the order is kept, try again.",
               "服务器暂时无法记录支付；订单已保留，请重试。"}};
  }
  return {Code::internal, {}};
}

Code code_of(const payment::ServiceError& error) {
  using Kind = payment::ServiceError::Kind;
  switch (error.kind) {
    case Kind::invalid:
      return Code::invalid_request;
    case Kind::forbidden:
      return Code::forbidden;
    case Kind::conflict:
      return Code::payment_conflict;
    case Kind::gateway:
      return error.fault && error.fault->kind == payment::Fault::Kind::refused
                 ? Code::payment_refused
                 : Code::payment_unavailable;
    case Kind::storage:
      return Code::storage_failed;
  }
  return Code::internal;
}

void fail_service(Exchange& exchange, const payment::ServiceError& error) {
  spdlog::warn("payment service: {}", error.message);
  const bool of_request = error.kind == payment::ServiceError::Kind::invalid ||
                          error.kind == payment::ServiceError::Kind::conflict;
  if (of_request) return exchange.fail(code_of(error), {error.message, error.message});
  exchange.fail(code_of(error));
}

bool payable(const std::optional<payment::Payment>& payment, const sale::OrderView& order,
             Instant now) {
  return payment && payment->standing == payment::Payment::Standing::open &&
         !payment->code_url.empty() && payable(order, now);
}

std::string shown_text(const std::string& text) {
  return valid_utf8(text) ? text : quote(text);
}

}  // namespace sluice::api
