// WeChat Pay v3: what the provider answers.
#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "payment/json_tree.h"
#include "payment/wechat_v3.h"

namespace sluice::payment {

namespace wechat {

Result<PaymentFacts> v3_payment(const boost::json::object& trade) {
  PaymentFacts facts;
  facts.out_trade_no = text_in(trade, "out_trade_no");
  facts.transaction_id = text_in(trade, "transaction_id");
  facts.attach = text_in(trade, "attach");
  if (!valid_out_trade_no(facts.out_trade_no)) {
    return fail(fmt::format("out_trade_no {} is no order number", quote(facts.out_trade_no)));
  }
  if (!valid_transaction_id(facts.transaction_id)) {
    return fail(fmt::format("transaction_id {} is none", quote(facts.transaction_id)));
  }
  const auto* amount = object_in(trade, "amount");
  const auto total = amount == nullptr ? std::nullopt : whole_in(*amount, "total");
  if (!total || *total == 0 || *total > kMaxPrice.minor) {
    return fail("amount.total is no amount in minor units");
  }
  const std::string code = text_in(*amount, "currency");
  const auto currency = Currency::parse(code.empty() ? "CNY" : std::string_view(code));
  if (!currency) return fail(fmt::format("amount.currency {} is no known currency", quote(code)));
  const std::string time = text_in(trade, "success_time");
  const auto paid_at = parse_rfc3339(time);
  if (!paid_at) return fail(fmt::format("success_time {} is no RFC 3339 time", quote(time)));
  facts.amount = Money{*total};
  facts.currency = *currency;
  facts.paid_at = *paid_at;
  return facts;
}

Fields v3_fields(const boost::json::object& trade) {
  Fields fields = flatten(trade);
  fields.emplace_back("return_code", "SUCCESS");
  fields.emplace_back("result_code",
                      text_in(trade, "trade_state") == "SUCCESS" ? "SUCCESS" : "FAIL");
  fields.emplace_back("mch_id", text_in(trade, "mchid"));
  if (const auto facts = v3_payment(trade)) {
    fields.emplace_back("total_fee", fmt::to_string(facts->amount.minor));
    fields.emplace_back("fee_type", std::string(facts->currency.code()));
    fields.emplace_back("time_end", v2_time(facts->paid_at));
  }
  return fields;
}

}  // namespace wechat

using wechat::untrusted;

namespace {

/// Codes that say how an order or a refund stands.
constexpr std::array<std::string_view, 4> kUnknownTrade{"ORDER_NOT_EXIST", "ORDERNOTEXIST",
                                                        "RESOURCE_NOT_EXISTS", "NOT_FOUND"};
constexpr std::array<std::string_view, 4> kClosedTrade{"ORDER_CLOSED", "ORDERCLOSED"};
constexpr std::array<std::string_view, 4> kPaidTrade{"ORDERPAID", "ORDER_PAID"};

bool is_one_of(std::string_view code, const std::array<std::string_view, 4>& codes) {
  for (const std::string_view known : codes) {
    if (!known.empty() && known == code) return true;
  }
  return false;
}
bool tells_state(std::string_view code) {
  return is_one_of(code, kUnknownTrade) || is_one_of(code, kClosedTrade) ||
         is_one_of(code, kPaidTrade);
}

/// Empty where the member is there and as expected.
std::optional<Fault> mismatch(const boost::json::object& answer, std::string_view name,
                              std::string_view wanted) {
  const std::string got = text_in(answer, name);
  if (got == wanted) return std::nullopt;
  return untrusted(
      fmt::format("the answer's {} is {} instead of {}", name, quote(got), quote(wanted)));
}

Outcome<RefundProgress> progress_of(const boost::json::object& answer) {
  using State = RefundProgress::State;
  const std::string status = text_in(answer, "status");
  const std::string id = text_in(answer, "refund_id");
  if (status == "SUCCESS") return RefundProgress{State::succeeded, id};
  if (status == "PROCESSING") return RefundProgress{State::processing, id};
  if (status == "CLOSED") return RefundProgress{State::closed, id};
  // The payer's account could not take it; a person must finish it by hand.
  if (status == "ABNORMAL") return RefundProgress{State::failed, id};
  return std::unexpected(untrusted(
      fmt::format("the refund's status {} is none of the documented ones", quote(status))));
}

}  // namespace

Result<> WechatV3::verified(const Headers& headers, std::string_view body, Instant now) const {
  const auto stamp = v3_stamp(headers);
  if (!stamp) return std::unexpected(stamp.error());
  const auto key = keys_.find(stamp->serial);
  if (!key) {
    keys_.miss(stamp->serial);
    return fail(fmt::format("its serial {} is not known; certificates are downloaded again soon",
                            quote(stamp->serial)));
  }
  return v3_verify(*stamp, body, *key, now);
}

Fault WechatV3::refusal(const HttpAnswer& answer, Instant now) const {
  const bool stamped = v3_stamp(answer.headers).has_value();
  const auto proof = verified(answer.headers, answer.body, now);
  if (stamped && !proof) return untrusted("the answer is not trusted: " + proof.error().message);
  const auto body = parse_object(answer.body);
  const std::string code = body ? text_in(*body, "code") : std::string();
  if (code.empty()) {
    const auto fault = wechat::fault_of_status(answer.status);
    return fault.value_or(untrusted("an error without a code is no answer of the provider"));
  }
  if (!proof && tells_state(code)) {
    return untrusted(fmt::format("the answer says {} without a signature", quote(code)));
  }
  const bool passes = answer.status >= 500 || answer.status == 429;
  return wechat::provider_fault(passes ? Fault::Kind::retry : wechat::kind_of(code), code,
                                text_in(*body, "message"));
}

Outcome<std::string_view> WechatV3::accepted(const HttpAnswer& answer, Instant now) const {
  if (answer.status < 200 || answer.status > 299) return std::unexpected(refusal(answer, now));
  if (const auto proof = verified(answer.headers, answer.body, now); !proof) {
    return std::unexpected(untrusted("the answer is not trusted: " + proof.error().message));
  }
  if (answer.status == 202) return std::unexpected(refusal(answer, now));  // USER_PAYING
  return answer.body;
}

Outcome<boost::json::object> WechatV3::accepted_object(const HttpAnswer& answer,
                                                       Instant now) const {
  const auto body = accepted(answer, now);
  if (!body) return std::unexpected(body.error());
  if (answer.status != 200) {
    return std::unexpected(
        untrusted(fmt::format("the answer has status {}, which tells nothing", answer.status)));
  }
  auto tree = parse_object(*body);
  if (!tree) return std::unexpected(untrusted(tree.error().message));
  return std::move(*tree);
}

Outcome<CreatedPayment> WechatV3::read_created(const NewPayment& /*payment*/,
                                               const HttpAnswer& answer, Instant now) const {
  const auto tree = accepted_object(answer, now);
  if (!tree) return std::unexpected(tree.error());
  CreatedPayment created{text_in(*tree, "code_url"), flatten(*tree)};
  if (created.code_url.empty() || has_control(created.code_url)) {
    return std::unexpected(untrusted("the answer has no usable code_url"));
  }
  return created;
}

Outcome<Trade> WechatV3::read_trade(std::string_view out_trade_no, const HttpAnswer& answer,
                                    Instant now) const {
  const auto tree = accepted_object(answer, now);
  if (!tree) {
    if (answer.status == 404 && is_one_of(tree.error().code, kUnknownTrade)) return Trade{};
    return std::unexpected(tree.error());
  }
  for (const auto& [name, wanted] : Fields{{"appid", account_.appid},
                                           {"mchid", account_.mch_id},
                                           {"out_trade_no", std::string(out_trade_no)}}) {
    if (auto fault = mismatch(*tree, name, wanted)) return std::unexpected(*fault);
  }
  const std::string said = text_in(*tree, "trade_state");
  const auto state = wechat::trade_state(said);
  if (!state) {
    return std::unexpected(
        untrusted(fmt::format("trade_state {} is none of the documented ones", quote(said))));
  }
  Trade trade;
  trade.state = *state;
  trade.fields = wechat::v3_fields(*tree);
  auto facts = wechat::v3_payment(*tree);
  if (*state == Trade::State::paid && !facts) {
    return std::unexpected(untrusted("the answer says paid, but " + facts.error().message));
  }
  const bool was_paid = *state == Trade::State::paid || *state == Trade::State::refunded;
  if (was_paid && facts) trade.payment = std::move(*facts);
  return trade;
}

Outcome<CloseAnswer> WechatV3::read_closed(std::string_view /*out_trade_no*/,
                                           const HttpAnswer& answer, Instant now) const {
  const auto body = accepted(answer, now);
  if (body) return CloseAnswer::closed;
  const std::string& code = body.error().code;
  if (is_one_of(code, kPaidTrade)) return CloseAnswer::already_paid;
  if (is_one_of(code, kClosedTrade)) return CloseAnswer::already_closed;
  if (is_one_of(code, kUnknownTrade)) return CloseAnswer::not_found;
  return std::unexpected(body.error());
}

Outcome<RefundProgress> WechatV3::read_refund(const RefundOrder& refund, const HttpAnswer& answer,
                                              Instant now) const {
  const auto tree = accepted_object(answer, now);
  if (!tree) return std::unexpected(tree.error());
  for (const auto& [name, wanted] :
       Fields{{"out_trade_no", refund.out_trade_no}, {"out_refund_no", refund.out_refund_no}}) {
    if (auto fault = mismatch(*tree, name, wanted)) return std::unexpected(*fault);
  }
  const auto* amount = object_in(*tree, "amount");
  if (amount == nullptr || whole_in(*amount, "refund") != refund.amount.minor ||
      whole_in(*amount, "total") != refund.total.minor) {
    return std::unexpected(untrusted("the answer speaks of another amount"));
  }
  return progress_of(*tree);
}

Outcome<RefundProgress> WechatV3::read_refund_query(std::string_view out_refund_no,
                                                    const HttpAnswer& answer, Instant now) const {
  const auto tree = accepted_object(answer, now);
  if (!tree) {
    if (answer.status == 404 && is_one_of(tree.error().code, kUnknownTrade)) {
      return RefundProgress{RefundProgress::State::not_found, {}};
    }
    return std::unexpected(tree.error());
  }
  if (auto fault = mismatch(*tree, "out_refund_no", out_refund_no)) return std::unexpected(*fault);
  return progress_of(*tree);
}

}  // namespace sluice::payment
