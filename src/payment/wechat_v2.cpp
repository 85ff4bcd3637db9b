// WeChat Pay v2: what is asked of the provider, in signed XML. Answers are read in
// wechat_v2_answers.cpp, notifications in wechat_v2_notify.cpp.
#include "payment/wechat_v2.h"

#include <fmt/format.h>

#include "payment/xml.h"

namespace sluice::payment {

HttpCall WechatV2::call(std::string_view target, Fields fields, const Moment& moment) const {
  fields.insert(fields.begin(), {{"appid", account_.appid},
                                 {"mch_id", account_.mch_id},
                                 {"nonce_str", moment.nonce},
                                 {"sign_type", std::string(name_of(sign_type_))}});
  fields.emplace_back("sign", v2_sign(fields, account_.api_key, sign_type_));
  HttpCall call;
  call.target = target;
  call.headers = {{"Content-Type", "text/xml; charset=utf-8"},
                  {"Accept", "text/xml"},
                  {"User-Agent", "sluice"}};
  call.body = write_xml(fields);
  return call;
}

HttpCall WechatV2::create(const NewPayment& payment, const Moment& moment) const {
  const std::string_view address = payment.client_address;
  Fields fields{
      {"body", wechat::fitting(payment.subject, wechat::kMaxSubjectBytes, payment.out_trade_no)},
      {"out_trade_no", payment.out_trade_no},
      {"total_fee", fmt::to_string(payment.amount.minor)},
      {"fee_type", std::string(payment.currency.code())},
      {"spbill_create_ip", std::string(address.empty() ? "127.0.0.1" : address)},
      {"time_expire", wechat::v2_time(payment.expires_at)},
      {"notify_url", account_.notify_url},
      {"trade_type", "NATIVE"},
      {"product_id", payment.out_trade_no}};
  if (!payment.attach.empty()) fields.emplace_back("attach", payment.attach);
  return call("/pay/unifiedorder", std::move(fields), moment);
}

HttpCall WechatV2::query(std::string_view out_trade_no, const Moment& moment) const {
  return call("/pay/orderquery", {{"out_trade_no", std::string(out_trade_no)}}, moment);
}

HttpCall WechatV2::close(std::string_view out_trade_no, const Moment& moment) const {
  return call("/pay/closeorder", {{"out_trade_no", std::string(out_trade_no)}}, moment);
}

HttpCall WechatV2::refund(const RefundOrder& refund, const Moment& moment) const {
  Fields fields{{"out_refund_no", refund.out_refund_no},
                {"total_fee", fmt::to_string(refund.total.minor)},
                {"refund_fee", fmt::to_string(refund.amount.minor)},
                {"refund_fee_type", std::string(refund.currency.code())},
                {"notify_url", account_.notify_url}};
  if (refund.transaction_id.empty()) {
    fields.emplace_back("out_trade_no", refund.out_trade_no);
  } else {
    fields.emplace_back("transaction_id", refund.transaction_id);
  }
  const std::string reason = wechat::fitting(refund.reason, wechat::kMaxRefundReasonBytes, "");
  if (!reason.empty()) fields.emplace_back("refund_desc", reason);
  HttpCall made = call("/secapi/pay/refund", std::move(fields), moment);
  made.with_client_certificate = true;
  return made;
}

HttpCall WechatV2::query_refund(std::string_view /*out_trade_no*/, std::string_view out_refund_no,
                                const Moment& moment) const {
  return call("/pay/refundquery", {{"out_refund_no", std::string(out_refund_no)}}, moment);
}

Acknowledgement WechatV2::acknowledge(Receipt receipt, std::string_view why_not) const {
  const bool stored = receipt == Receipt::stored;
  const std::string message = stored ? "OK" : wechat::fitting(why_not, 127, "not stored");
  return {200, "text/xml; charset=utf-8",
          write_xml({{"return_code", stored ? "SUCCESS" : "FAIL"}, {"return_msg", message}})};
}

std::unique_ptr<Protocol> wechat_v2(WechatV2Account account) {
  return std::make_unique<WechatV2>(std::move(account));
}

}  // namespace sluice::payment
