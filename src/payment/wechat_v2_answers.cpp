// WeChat Pay v2: what the provider answers.
#include <fmt/format.h>

#include "base/text.h"
#include "payment/wechat_v2.h"
#include "payment/xml.h"

namespace sluice::payment {

namespace wechat {

std::string text_or_empty(const Fields& fields, std::string_view name) {
  return std::string(field_of(fields, name).value_or(""));
}

Result<PaymentFacts> v2_payment(const Fields& fields) {
  PaymentFacts facts;
  facts.out_trade_no = text_or_empty(fields, "out_trade_no");
  facts.transaction_id = text_or_empty(fields, "transaction_id");
  facts.attach = text_or_empty(fields, "attach");
  const std::string fee = text_or_empty(fields, "total_fee");
  const std::string code = text_or_empty(fields, "fee_type");
  const std::string end = text_or_empty(fields, "time_end");
  if (!valid_out_trade_no(facts.out_trade_no)) {
    return fail(fmt::format("out_trade_no {} is no order number", quote(facts.out_trade_no)));
  }
  if (!valid_transaction_id(facts.transaction_id)) {
    return fail(fmt::format("transaction_id {} is none", quote(facts.transaction_id)));
  }
  const auto amount = parse_minor(fee);
  if (!amount) return fail(fmt::format("total_fee {} is no amount in fen", quote(fee)));
  const auto currency = Currency::parse(code.empty() ? "CNY" : std::string_view(code));
  if (!currency) return fail(fmt::format("fee_type {} is no known currency", quote(code)));
  const auto paid_at = parse_v2_time(end);
  if (!paid_at) return fail(fmt::format("time_end {} is no yyyyMMddHHmmss", quote(end)));
  facts.amount = *amount;
  facts.currency = *currency;
  facts.paid_at = *paid_at;
  return facts;
}

}  // namespace wechat

using wechat::text_or_empty;
using wechat::untrusted;

namespace {

/// return_code FAIL comes unsigned, so nothing of it may change an order; it can only ask for
/// patience.
Fault refused_unsigned(const Fields& fields) {
  const std::string said = text_or_empty(fields, "return_msg");
  const bool retry = wechat::kind_of(said) == Fault::Kind::retry;
  return wechat::provider_fault(retry ? Fault::Kind::retry : Fault::Kind::refused,
                                retry ? said : "", said);
}

Fault wrong(std::string_view name, std::string_view got, std::string_view wanted) {
  return untrusted(
      fmt::format("the answer's {} is {} instead of {}", name, quote(got), quote(wanted)));
}

/// Empty where the field is there and as expected.
std::optional<Fault> mismatch(const Fields& fields, std::string_view name,
                              std::string_view wanted) {
  const std::string got = text_or_empty(fields, name);
  if (got == wanted) return std::nullopt;
  return wrong(name, got, wanted);
}

}  // namespace

std::optional<std::string> WechatV2::foreign(const Fields& fields) const {
  if (field_of(fields, "appid") != account_.appid) {
    return fmt::format("appid {} is not this shop's", quote(text_or_empty(fields, "appid")));
  }
  if (field_of(fields, "mch_id") != account_.mch_id) {
    return fmt::format("mch_id {} is not this shop's", quote(text_or_empty(fields, "mch_id")));
  }
  return std::nullopt;
}

Outcome<Fields> WechatV2::accepted(const HttpAnswer& answer) const {
  if (auto fault = wechat::fault_of_status(answer.status)) return std::unexpected(*fault);
  auto fields = parse_xml(answer.body);
  if (!fields) return std::unexpected(untrusted(fields.error().message));
  const std::string returned = text_or_empty(*fields, "return_code");
  if (returned == "FAIL") return std::unexpected(refused_unsigned(*fields));
  if (returned != "SUCCESS") return std::unexpected(wrong("return_code", returned, "SUCCESS"));
  if (const auto verified = v2_verify(*fields, account_.api_key); !verified) {
    return std::unexpected(untrusted("the answer is not trusted: " + verified.error().message));
  }
  if (const auto whose = foreign(*fields)) {
    return std::unexpected(untrusted("the answer is for another: " + *whose));
  }
  const std::string result = text_or_empty(*fields, "result_code");
  if (result == "SUCCESS") return fields.value();
  if (result != "FAIL") return std::unexpected(wrong("result_code", result, "SUCCESS"));
  const std::string code = text_or_empty(*fields, "err_code");
  return std::unexpected(
      wechat::provider_fault(wechat::kind_of(code), code, text_or_empty(*fields, "err_code_des")));
}

Outcome<CreatedPayment> WechatV2::read_created(const NewPayment& /*payment*/,
                                               const HttpAnswer& answer, Instant /*now*/) const {
  const auto fields = accepted(answer);
  if (!fields) return std::unexpected(fields.error());
  if (auto fault = mismatch(*fields, "trade_type", "NATIVE")) return std::unexpected(*fault);
  CreatedPayment created{text_or_empty(*fields, "code_url"), {}};
  if (created.code_url.empty() || has_control(created.code_url)) {
    return std::unexpected(untrusted("the answer has no usable code_url"));
  }
  for (const auto& field : *fields) {
    if (field.first != "sign" && field.first != "nonce_str") created.fields.push_back(field);
  }
  return created;
}

Outcome<Trade> WechatV2::read_trade(std::string_view out_trade_no, const HttpAnswer& answer,
                                    Instant /*now*/) const {
  const auto fields = accepted(answer);
  if (!fields) {
    if (fields.error().code == "ORDERNOTEXIST") return Trade{};
    return std::unexpected(fields.error());
  }
  if (auto fault = mismatch(*fields, "out_trade_no", out_trade_no)) return std::unexpected(*fault);
  const std::string said = text_or_empty(*fields, "trade_state");
  const auto state = wechat::trade_state(said);
  if (!state) return std::unexpected(wrong("trade_state", said, "one of the documented ones"));
  Trade trade;
  trade.state = *state;
  for (const auto& field : *fields) {
    if (field.first != "sign" && field.first != "nonce_str") trade.fields.push_back(field);
  }
  auto facts = wechat::v2_payment(*fields);
  if (*state == Trade::State::paid && !facts) {
    return std::unexpected(untrusted("the answer says paid, but " + facts.error().message));
  }
  const bool was_paid = *state == Trade::State::paid || *state == Trade::State::refunded;
  if (was_paid && facts) trade.payment = std::move(*facts);
  return trade;
}

Outcome<CloseAnswer> WechatV2::read_closed(std::string_view out_trade_no, const HttpAnswer& answer,
                                           Instant /*now*/) const {
  const auto fields = accepted(answer);
  if (fields) {
    // The documented answer does not name the order; one that does must name this one.
    const auto named = field_of(*fields, "out_trade_no");
    if (named && *named != out_trade_no) {
      return std::unexpected(wrong("out_trade_no", *named, out_trade_no));
    }
    return CloseAnswer::closed;
  }
  const std::string& code = fields.error().code;
  if (code == "ORDERPAID") return CloseAnswer::already_paid;
  if (code == "ORDERCLOSED") return CloseAnswer::already_closed;
  if (code == "ORDERNOTEXIST") return CloseAnswer::not_found;
  return std::unexpected(fields.error());
}

Outcome<RefundProgress> WechatV2::read_refund(const RefundOrder& refund, const HttpAnswer& answer,
                                              Instant /*now*/) const {
  const auto fields = accepted(answer);
  if (!fields) return std::unexpected(fields.error());
  for (const auto& [name, wanted] : Fields{{"out_trade_no", refund.out_trade_no},
                                           {"out_refund_no", refund.out_refund_no},
                                           {"total_fee", fmt::to_string(refund.total.minor)},
                                           {"refund_fee", fmt::to_string(refund.amount.minor)}}) {
    if (auto fault = mismatch(*fields, name, wanted)) return std::unexpected(*fault);
  }
  // SUCCESS means that it was accepted; the money moves later.
  return RefundProgress{RefundProgress::State::processing, text_or_empty(*fields, "refund_id")};
}

Outcome<RefundProgress> WechatV2::read_refund_query(std::string_view out_refund_no,
                                                    const HttpAnswer& answer,
                                                    Instant /*now*/) const {
  using State = RefundProgress::State;
  const auto fields = accepted(answer);
  if (!fields) {
    if (fields.error().code == "REFUNDNOTEXIST") return RefundProgress{State::not_found, {}};
    return std::unexpected(fields.error());
  }
  constexpr std::string_view kNumbered = "out_refund_no_";  // followed by a number from 0
  for (const auto& [name, value] : *fields) {
    if (!name.starts_with(kNumbered) || value != out_refund_no) continue;
    const std::string number = name.substr(kNumbered.size());
    const std::string status = text_or_empty(*fields, "refund_status_" + number);
    const std::string id = text_or_empty(*fields, "refund_id_" + number);
    if (status == "SUCCESS") return RefundProgress{State::succeeded, id};
    if (status == "PROCESSING") return RefundProgress{State::processing, id};
    if (status == "REFUNDCLOSE") return RefundProgress{State::closed, id};
    // The payer's account could not take it; a person must finish it by hand.
    if (status == "CHANGE") return RefundProgress{State::failed, id};
    return std::unexpected(wrong("refund_status", status, "one of the documented ones"));
  }
  return std::unexpected(
      untrusted(fmt::format("the answer does not speak of the refund {}", quote(out_refund_no))));
}

}  // namespace sluice::payment
