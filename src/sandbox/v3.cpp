// Authentication of v3 requests, the calls, and the signature of every answer.
#include "sandbox/v3.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "http/json_writer.h"
#include "payment/signature.h"
#include "sandbox/json_body.h"
#include "sandbox/v3_format.h"

namespace sluice::sandbox {

struct V3::Failure {
  int status = 400;
  std::string code;
  std::string message;
};

namespace {

/// Ten digits of seconds; more than twelve are no time.
constexpr std::int64_t kLastSecond = 253'402'300'799;

struct Code {
  int status;
  std::string_view code;
  std::string_view message;
};

Code code_of(Why why) {
  switch (why) {
    case Why::injected:
      return {500, "SYSTEM_ERROR", "系统异常，请稍后重试"};
    case Why::unknown_order:
      return {404, "ORDER_NOT_EXIST", "订单不存在"};
    case Why::unknown_refund:
      return {404, "RESOURCE_NOT_EXISTS", "退款单不存在"};
    case Why::paid:
      return {400, "ORDERPAID", "该订单已支付"};
    case Why::closed:
      return {400, "ORDER_CLOSED", "该订单已关闭"};
    case Why::failed:
    case Why::expired:
    case Why::not_paid:
      return {403, "TRADE_ERROR", "订单状态不允许此操作"};
    case Why::different:
      return {400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致"};
    case Why::other_api:
      return {403, "OUT_TRADE_NO_USED", "商户订单号重复"};
    case Why::amount:
      return {400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致"};
    case Why::too_many_refunds:
      return {403, "RULE_LIMIT", "部分退款次数超过限制"};
    case Why::full:
      return {429, "FREQUENCY_LIMITED", "频率限制：未完结订单过多"};
  }
  return {500, "SYSTEM_ERROR", "系统异常，请稍后重试"};
}

/// The status and the spelling of v3 for a code that was asked for through the control, in either
/// spelling.
Code injected(std::string_view code) {
  static constexpr Code codes[] = {
      {500, "SYSTEM_ERROR", "系统异常，请稍后重试"},
      {429, "FREQUENCY_LIMITED", "频率限制"},
      {401, "SIGN_ERROR", "签名错误"},
      {404, "ORDER_NOT_EXIST", "订单不存在"},
      {404, "RESOURCE_NOT_EXISTS", "资源不存在"},
      {403, "NO_AUTH", "商户无权限"},
      {403, "NOT_ENOUGH", "余额不足"},
      {403, "OUT_TRADE_NO_USED", "商户订单号重复"},
      {403, "RULE_LIMIT", "业务规则限制"},
      {403, "TRADE_ERROR", "交易错误"},
      {403, "ACCOUNT_ERROR", "账号异常"},
      {202, "USER_PAYING", "用户支付中，需要输入密码"},
      {500, "BANK_ERROR", "银行系统异常"},
      {400, "ORDER_CLOSED", "订单已关闭"},
  };
  if (code == "SYSTEMERROR") return codes[0];
  if (code == "SIGNERROR") return codes[2];
  if (code == "ORDERNOTEXIST") return codes[3];
  if (code == "ORDERCLOSED") return codes[13];
  for (const Code& known : codes) {
    if (known.code == code) return known;
  }
  return {400, code, "按控制接口的要求返回"};
}

bool same_serial(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::toupper(static_cast<unsigned char>(x)) ==
                  std::toupper(static_cast<unsigned char>(y));
         });
}

std::string_view name_of(http::Method method) {
  return method == http::Method::post ? "POST" : "GET";
}

template <class Failure>
Failure failure_of(const Refusal& refusal) {
  const Code code = refusal.why == Why::injected ? injected(refusal.code) : code_of(refusal.why);
  return {code.status, std::string(code.code), std::string(code.message)};
}

template <class Failure>
std::unexpected<Failure> refuse(int status, std::string_view code, std::string message) {
  return std::unexpected(Failure{status, std::string(code), std::move(message)});
}

}  // namespace

http::Response V3::handle(Call call, const http::Request& request, std::string_view segment) const {
  return write(authenticated(call, request, segment));
}

V3::Reply V3::authenticated(Call call, const http::Request& request,
                            std::string_view segment) const {
  if (auto known = authenticate(request); !known) return std::unexpected(known.error());
  const auto decoded = http::decode_segment(segment);
  if (!segment.empty() && (!decoded || !valid_utf8(*decoded))) {
    return refuse<Failure>(400, "PARAM_ERROR", "路径编码错误");
  }
  const std::string key = decoded.value_or("");
  switch (call) {
    case Call::native:
      return native(request);
    case Call::query_by_number:
      return query(request, {key});
    case Call::query_by_transaction:
      return query(request, {{}, key});
    case Call::close:
      return close(request, key);
    case Call::refund:
      return refund(request);
    case Call::query_refund:
      return query_refund(key);
    case Call::certificates:
      return certificates();
  }
  return refuse<Failure>(500, "SYSTEM_ERROR", "系统异常");
}

std::expected<void, V3::Failure> V3::authenticate(const http::Request& request) const {
  const auto wrong = [](std::string message) {
    return refuse<Failure>(401, "SIGN_ERROR", std::move(message));
  };
  const auto given = payment::parse_v3_authorization(request.authorization);
  if (!given) return wrong("Authorization: " + given.error().message);
  if (given->mchid != account_.mch_id) return wrong("商户号不存在: " + quote(given->mchid));
  if (!same_serial(given->serial, account_.merchant_serial)) {
    return wrong("商户证书序列号有误: " + quote(given->serial));
  }
  const auto seconds = parse_uint(given->timestamp, kLastSecond);
  const Span age = emulator_.now() - Instant{seconds.value_or(0) * 1000};
  if (!seconds || age >= payment::kV3Freshness || age <= Span{-payment::kV3Freshness.ms}) {
    return wrong(fmt::format("timestamp {} 与现在相差超过 {} 秒", quote(given->timestamp),
                             payment::kV3Freshness.ms / 1000));
  }
  const auto signature = payment::from_base64(given->signature);
  const std::string message = payment::v3_request_message(
      name_of(request.method), request.target, given->timestamp, given->nonce, request.body);
  if (!signature || !account_.merchant_key.verifies(message, *signature)) {
    return wrong("签名错误，请检查签名串、商户私钥与证书序列号");
  }
  return {};
}

V3::Reply V3::native(const http::Request& request) const {
  const auto body = parse_object(request.body);
  if (!body) return refuse<Failure>(400, "PARAM_ERROR", body.error().message);
  const auto appid = text_of(*body, "appid");
  const auto mchid = text_of(*body, "mchid");
  if (!appid || !mchid) return refuse<Failure>(400, "PARAM_ERROR", "appid 与 mchid 是必填的字符串");
  if (*mchid != account_.mch_id) return refuse<Failure>(400, "MCH_NOT_EXISTS", "商户号不存在");
  if (*appid != account_.appid) {
    return refuse<Failure>(400, "APPID_MCHID_NOT_MATCH", "appid 和 mchid 不匹配");
  }
  const auto wanted = read_v3_order(*body, emulator_.now());
  if (!wanted) return refuse<Failure>(400, "PARAM_ERROR", wanted.error().message);
  const auto trade = emulator_.create(*wanted);
  if (!trade) return std::unexpected(failure_of<Failure>(trade.error()));
  std::string answer;
  http::JsonWriter(answer)
      .begin_object()
      .member("code_url", base_url_() + "/pay/" + trade->code)
      .end_object();
  return Success{200, std::move(answer)};
}

V3::Reply V3::query(const http::Request& request, const TradeKey& key) const {
  if (http::query_value(request.query, "mchid") != account_.mch_id) {
    return refuse<Failure>(400, "PARAM_ERROR", "mchid 缺失或与签名的商户号不一致");
  }
  const auto trade = emulator_.query(key);
  if (!trade) return std::unexpected(failure_of<Failure>(trade.error()));
  return Success{200, v3_transaction(*trade, account_)};
}

V3::Reply V3::close(const http::Request& request, std::string_view out_trade_no) const {
  const auto body = parse_object(request.body);
  if (!body) return refuse<Failure>(400, "PARAM_ERROR", body.error().message);
  if (text_of(*body, "mchid") != account_.mch_id) {
    return refuse<Failure>(400, "PARAM_ERROR", "mchid 缺失或与签名的商户号不一致");
  }
  const auto trade = emulator_.close(out_trade_no);
  // Like the provider, 204 for orders that are unknown or closed already: clients must query.
  const bool silent =
      !trade && (trade.error().why == Why::unknown_order || trade.error().why == Why::closed);
  if (!trade && !silent) return std::unexpected(failure_of<Failure>(trade.error()));
  return Success{204, {}};
}

V3::Reply V3::refund(const http::Request& request) const {
  const auto body = parse_object(request.body);
  if (!body) return refuse<Failure>(400, "PARAM_ERROR", body.error().message);
  const auto wanted = read_v3_refund(*body);
  if (!wanted) return refuse<Failure>(400, "PARAM_ERROR", wanted.error().message);
  const auto view = emulator_.refund(*wanted);
  if (!view) {
    auto failure = failure_of<Failure>(view.error());
    if (view.error().why == Why::unknown_order) failure.code = "RESOURCE_NOT_EXISTS";
    return std::unexpected(failure);
  }
  return Success{200, v3_refund(view->trade, view->refund(), view->is_new)};
}

V3::Reply V3::query_refund(std::string_view out_refund_no) const {
  const auto view = emulator_.query_refund(out_refund_no);
  if (!view) return std::unexpected(failure_of<Failure>(view.error()));
  return Success{200, v3_refund(view->trade, view->refund(), false)};
}

V3::Reply V3::certificates() const {
  return Success{200, v3_certificates(account_)};
}

http::Response V3::write(const Reply& reply) const {
  http::Response response;
  if (reply) {
    response.status = reply->status;
    response.body = reply->body;
  } else {
    const Failure& failure = reply.error();
    response.status = failure.status;
    http::JsonWriter(response.body)
        .begin_object()
        .member("code", failure.code)
        .member("message", failure.message)
        .end_object();
  }
  if (response.body.empty()) response.content_type = "";
  const V3Signature signature =
      v3_signature(response.body, account_.platform_key, account_.platform_serial, emulator_.now());
  response.add("Wechatpay-Timestamp", signature.timestamp);
  response.add("Wechatpay-Nonce", signature.nonce);
  response.add("Wechatpay-Serial", signature.serial);
  response.add("Wechatpay-Signature", signature.signature);
  response.add("Request-ID", payment::random_nonce());
  return response;
}

}  // namespace sluice::sandbox
