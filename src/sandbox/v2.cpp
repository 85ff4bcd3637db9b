// Checks of v2 requests in the documented order, and the answers.
#include "sandbox/v2.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/text.h"
#include "payment/crypto.h"
#include "payment/xml.h"
#include "sandbox/v2_format.h"

namespace sluice::sandbox {

using payment::Fields;

/// Why a call fails. Failures of communication say so in return_code, those of business in
/// result_code.
struct V2::Failure {
  bool communication = false;
  std::string code;
  std::string description;
};

namespace {

constexpr std::string_view kXml = "text/xml; charset=utf-8";

struct Code {
  std::string_view code;
  std::string_view description;
};

Code code_of(Why why) {
  switch (why) {
    case Why::injected:
      return {"SYSTEMERROR", "系统错误"};
    case Why::unknown_order:
      return {"ORDERNOTEXIST", "订单不存在"};
    case Why::unknown_refund:
      return {"REFUNDNOTEXIST", "退款订单查询失败"};
    case Why::paid:
      return {"ORDERPAID", "该订单已支付"};
    case Why::closed:
      return {"ORDERCLOSED", "该订单已关闭"};
    case Why::failed:
    case Why::expired:
    case Why::not_paid:
      return {"TRADE_STATE_ERROR", "订单状态错误"};
    case Why::different:
      return {"INVALID_REQUEST", "201 商户订单号重复"};
    case Why::other_api:
      return {"OUT_TRADE_NO_USED", "商户订单号重复"};
    case Why::amount:
      return {"PARAM_ERROR", "订单金额或退款金额不符"};
    case Why::too_many_refunds:
      return {"INVALID_REQ_TOO_MUCH", "部分退款次数超过限制"};
    case Why::full:
      return {"FREQUENCY_LIMITED", "频率限制：未完结订单过多"};
  }
  return {"SYSTEMERROR", "系统错误"};
}

std::string_view get(const Fields& fields, std::string_view name) {
  return payment::field_of(fields, name).value_or("");
}

Fields success_head() {
  return {{"return_code", "SUCCESS"}, {"return_msg", "OK"}};
}

}  // namespace

http::Response V2::handle(Call call, const http::Request& request) const {
  SignType type = SignType::md5;
  const auto fields = checked(request.body);
  if (!fields) return write(std::unexpected(fields.error()), type);
  if (get(*fields, "sign_type") == payment::name_of(SignType::hmac_sha256)) {
    type = SignType::hmac_sha256;
  }
  const auto verified_type = verified(*fields);
  if (!verified_type) return write(std::unexpected(verified_type.error()), type);
  return write(dispatch(call, *fields, *verified_type), *verified_type);
}

http::Response V2::refuse_method() const {
  return write(std::unexpected(Failure{true, "REQUIRE_POST_METHOD", "请使用post方法"}),
               SignType::md5);
}

std::expected<Fields, V2::Failure> V2::checked(std::string_view body) const {
  if (body.empty()) return std::unexpected(Failure{true, "POST_DATA_EMPTY", "post数据为空"});
  if (!valid_utf8(body)) {
    return std::unexpected(Failure{true, "NOT_UTF8", "编码格式错误，请使用UTF-8"});
  }
  auto fields = payment::parse_xml(body);
  if (!fields) {
    return std::unexpected(
        Failure{true, "XML_FORMAT_ERROR", "XML格式错误: " + fields.error().message});
  }
  return std::move(*fields);
}

std::expected<SignType, V2::Failure> V2::verified(const Fields& fields) const {
  for (const char* name : {"appid", "mch_id", "nonce_str", "sign"}) {
    if (get(fields, name).empty()) {
      return std::unexpected(Failure{true, "LACK_PARAMS", fmt::format("缺少参数 {}", name)});
    }
  }
  const bool right_appid = get(fields, "appid") == account_.appid;
  const bool right_merchant = get(fields, "mch_id") == account_.mch_id;
  if (!right_appid && !right_merchant) {
    return std::unexpected(Failure{true, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配"});
  }
  if (!right_appid) return std::unexpected(Failure{true, "APPID_NOT_EXIST", "APPID不存在"});
  if (!right_merchant) return std::unexpected(Failure{true, "MCHID_NOT_EXIST", "MCHID不存在"});
  if (get(fields, "nonce_str").size() > 32) {
    return std::unexpected(Failure{true, "INVALID_REQUEST", "nonce_str 超过32个字符"});
  }
  const auto type = payment::v2_verify(fields, account_.api_key);
  if (!type)
    return std::unexpected(Failure{true, "SIGNERROR", "签名错误: " + type.error().message});
  return *type;
}

V2::Reply V2::dispatch(Call call, const Fields& fields, SignType type) const {
  switch (call) {
    case Call::unified_order:
      return unified_order(fields, type);
    case Call::order_query:
      return order_query(fields);
    case Call::close_order:
      return close_order(fields);
    case Call::refund:
      return refund(fields, type);
    case Call::refund_query:
      return refund_query(fields);
  }
  return std::unexpected(Failure{true, "SYSTEMERROR", "系统错误"});
}

namespace {

template <class Failure>
Failure failure_of(const Refusal& refusal) {
  const Code code = code_of(refusal.why);
  return {false, refusal.why == Why::injected ? refusal.code : std::string(code.code),
          std::string(code.description)};
}

template <class Failure>
std::optional<Failure> missing(const Fields& fields, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (get(fields, name).empty()) {
      return Failure{false, "LACK_PARAMS", fmt::format("缺少参数 {}", name)};
    }
  }
  return std::nullopt;
}

}  // namespace

V2::Reply V2::unified_order(const Fields& fields, SignType type) const {
  if (auto lack = missing<Failure>(fields, {"body", "out_trade_no", "total_fee", "spbill_create_ip",
                                            "notify_url", "trade_type"})) {
    return std::unexpected(*lack);
  }
  if (get(fields, "trade_type") == "NATIVE") {
    if (auto lack = missing<Failure>(fields, {"product_id"})) return std::unexpected(*lack);
  }
  const auto request = read_v2_order(fields, emulator_.now());
  if (!request) {
    return std::unexpected(Failure{false, "INVALID_REQUEST", request.error().message});
  }
  OrderRequest wanted = *request;
  wanted.sign_type = type;
  const auto trade = emulator_.create(wanted);
  if (!trade) return std::unexpected(failure_of<Failure>(trade.error()));
  Fields reply = success_head();
  reply.emplace_back("result_code", "SUCCESS");
  reply.emplace_back("prepay_id", trade->prepay_id);
  reply.emplace_back("trade_type", "NATIVE");
  reply.emplace_back("code_url", base_url_() + "/pay/" + trade->code);
  return reply;
}

V2::Reply V2::order_query(const Fields& fields) const {
  const TradeKey key{get(fields, "out_trade_no"), get(fields, "transaction_id")};
  if (key.out_trade_no.empty() && key.transaction_id.empty()) {
    return std::unexpected(Failure{false, "LACK_PARAMS", "缺少参数 out_trade_no"});
  }
  const auto trade = emulator_.query(key);
  if (!trade) return std::unexpected(failure_of<Failure>(trade.error()));
  Fields reply = success_head();
  reply.emplace_back("result_code", "SUCCESS");
  reply.emplace_back("out_trade_no", trade->asked.out_trade_no);
  reply.emplace_back("attach", trade->asked.attach);
  append_v2_payment(reply, *trade);
  if (trade->state == TradeState::not_paid || trade->state == TradeState::failed) {
    reply.emplace_back("total_fee", std::to_string(trade->asked.total.minor));
  }
  reply.emplace_back("trade_state", name(trade->state));
  reply.emplace_back("trade_state_desc", description_of(trade->state));
  return reply;
}

V2::Reply V2::close_order(const Fields& fields) const {
  if (auto lack = missing<Failure>(fields, {"out_trade_no"})) return std::unexpected(*lack);
  const auto trade = emulator_.close(get(fields, "out_trade_no"));
  if (!trade) return std::unexpected(failure_of<Failure>(trade.error()));
  Fields reply = success_head();
  reply.emplace_back("result_code", "SUCCESS");
  reply.emplace_back("result_msg", "OK");
  return reply;
}

V2::Reply V2::refund(const Fields& fields, SignType type) const {
  if (auto lack = missing<Failure>(fields, {"out_refund_no", "total_fee", "refund_fee"})) {
    return std::unexpected(*lack);
  }
  const auto request = read_v2_refund(fields);
  if (!request) return std::unexpected(Failure{false, "PARAM_ERROR", request.error().message});
  RefundRequest wanted = *request;
  wanted.sign_type = type;
  const auto view = emulator_.refund(wanted);
  if (!view) {
    auto failure = failure_of<Failure>(view.error());
    if (view.error().why == Why::unknown_order && !wanted.transaction_id.empty()) {
      failure = {false, "INVALID_TRANSACTIONID", "无效transaction_id"};
    }
    return std::unexpected(failure);
  }
  const Trade& trade = view->trade;
  const std::string fee = std::to_string(view->refund().amount.minor);
  Fields reply = success_head();
  reply.insert(reply.end(), {{"result_code", "SUCCESS"},
                             {"transaction_id", trade.transaction_id},
                             {"out_trade_no", trade.asked.out_trade_no},
                             {"out_refund_no", view->refund().out_refund_no},
                             {"refund_id", view->refund().refund_id},
                             {"refund_fee", fee},
                             {"total_fee", std::to_string(trade.paid.minor)},
                             {"cash_fee", std::to_string(trade.paid.minor)},
                             {"cash_refund_fee", fee}});
  return reply;
}

V2::Reply V2::refund_query(const Fields& fields) const {
  const std::string_view refund_no = get(fields, "out_refund_no");
  const TradeKey key{get(fields, "out_trade_no"), get(fields, "transaction_id")};
  std::vector<Refund> listed;
  Trade trade;
  if (!refund_no.empty()) {
    const auto view = emulator_.query_refund(refund_no);
    if (!view) return std::unexpected(failure_of<Failure>(view.error()));
    trade = view->trade;
    listed = {view->refund()};
  } else if (!key.out_trade_no.empty() || !key.transaction_id.empty()) {
    const auto found = emulator_.query(key);
    if (!found) return std::unexpected(failure_of<Failure>(found.error()));
    trade = *found;
    listed = trade.refunds;
    if (listed.empty()) {
      return std::unexpected(failure_of<Failure>(Refusal{Why::unknown_refund}));
    }
  } else {
    return std::unexpected(Failure{false, "LACK_PARAMS", "缺少参数 out_refund_no"});
  }
  Fields reply = success_head();
  reply.emplace_back("result_code", "SUCCESS");
  append_v2_refunds(reply, trade, listed);
  return reply;
}

http::Response V2::write(const Reply& reply, SignType type) const {
  Fields fields;
  if (reply) {
    fields = *reply;
  } else {
    const Failure& failure = reply.error();
    fields = {
        {"return_code", failure.communication ? "FAIL" : "SUCCESS"},
        {"return_msg",
         failure.communication ? fmt::format("{} ({})", failure.description, failure.code) : "OK"},
        {"result_code", "FAIL"},
        {"err_code", failure.code},
        {"err_code_des", failure.description}};
  }
  fields.emplace_back("appid", account_.appid);
  fields.emplace_back("mch_id", account_.mch_id);
  fields.emplace_back("nonce_str", payment::random_nonce());
  std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
  fields.emplace_back("sign", payment::v2_sign(fields, account_.api_key, type));
  http::Response response;
  response.content_type = kXml;
  response.body = payment::write_xml(fields);
  return response;
}

}  // namespace sluice::sandbox
