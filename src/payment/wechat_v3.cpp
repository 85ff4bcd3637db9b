// WeChat Pay v3: what is asked of the provider, in signed JSON. Answers are read in
// wechat_v3_answers.cpp, notifications in wechat_v3_notify.cpp, keys in wechat_v3_keys.cpp.
#include "payment/wechat_v3.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/text.h"

namespace sluice::payment {

namespace {

constexpr std::string_view kPublicKeyMode = "PUB_KEY_ID_";

/// Order numbers may hold "|" and "*", which a path may not.
std::string path_segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '_' || c == '-' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

boost::json::string json_text(std::string_view text) {
  return boost::json::string(text.data(), text.size());
}

}  // namespace

HttpCall WechatV3::call(std::string_view method, std::string target, std::string body,
                        const Moment& moment) const {
  const std::string timestamp = fmt::to_string(moment.now.ms / 1000);
  const std::string message = v3_request_message(method, target, timestamp, moment.nonce, body);
  HttpCall made;
  made.method = method;
  made.headers = {{"Authorization", to_text(V3Authorization{account_.mch_id, moment.nonce,
                                                            timestamp, account_.merchant_serial,
                                                            to_base64(key_.sign(message))})},
                  {"Accept", "application/json"},
                  {"User-Agent", "sluice"}};
  if (!body.empty()) made.headers.emplace_back("Content-Type", "application/json");
  // Asks the platform to answer with this key instead of a certificate's.
  if (account_.platform_serial.starts_with(kPublicKeyMode)) {
    made.headers.emplace_back("Wechatpay-Serial", account_.platform_serial);
  }
  made.target = std::move(target);
  made.body = std::move(body);
  return made;
}

HttpCall WechatV3::create(const NewPayment& payment, const Moment& moment) const {
  boost::json::object body{
      {"appid", account_.appid},
      {"mchid", account_.mch_id},
      {"description",
       wechat::fitting(payment.subject, wechat::kMaxSubjectBytes, payment.out_trade_no)},
      {"out_trade_no", payment.out_trade_no},
      {"time_expire", wechat::v3_time(payment.expires_at)},
      {"notify_url", account_.notify_url},
      {"amount",
       {{"total", payment.amount.minor}, {"currency", json_text(payment.currency.code())}}}};
  if (!payment.attach.empty()) body["attach"] = payment.attach;
  if (!payment.client_address.empty()) {
    body["scene_info"] = {{"payer_client_ip", payment.client_address}};
  }
  return call("POST", "/v3/pay/transactions/native", boost::json::serialize(body), moment);
}

HttpCall WechatV3::query(std::string_view out_trade_no, const Moment& moment) const {
  return call("GET",
              fmt::format("/v3/pay/transactions/out-trade-no/{}?mchid={}",
                          path_segment(out_trade_no), path_segment(account_.mch_id)),
              "", moment);
}

HttpCall WechatV3::close(std::string_view out_trade_no, const Moment& moment) const {
  return call("POST",
              fmt::format("/v3/pay/transactions/out-trade-no/{}/close", path_segment(out_trade_no)),
              boost::json::serialize(boost::json::object{{"mchid", account_.mch_id}}), moment);
}

HttpCall WechatV3::refund(const RefundOrder& refund, const Moment& moment) const {
  boost::json::object body{{"out_refund_no", refund.out_refund_no},
                           {"notify_url", account_.notify_url},
                           {"amount",
                            {{"refund", refund.amount.minor},
                             {"total", refund.total.minor},
                             {"currency", json_text(refund.currency.code())}}}};
  if (refund.transaction_id.empty()) {
    body["out_trade_no"] = refund.out_trade_no;
  } else {
    body["transaction_id"] = refund.transaction_id;
  }
  const std::string reason = wechat::fitting(refund.reason, wechat::kMaxRefundReasonBytes, "");
  if (!reason.empty()) body["reason"] = reason;
  return call("POST", "/v3/refund/domestic/refunds", boost::json::serialize(body), moment);
}

HttpCall WechatV3::query_refund(std::string_view /*out_trade_no*/, std::string_view out_refund_no,
                                const Moment& moment) const {
  return call("GET", fmt::format("/v3/refund/domestic/refunds/{}", path_segment(out_refund_no)), "",
              moment);
}

Acknowledgement WechatV3::acknowledge(Receipt receipt, std::string_view why_not) const {
  // The status decides; the body is for the provider's log.
  const bool stored = receipt == Receipt::stored;
  const std::string message = stored ? "" : wechat::fitting(why_not, 127, "not stored");
  const int failure = receipt == Receipt::refused ? 400 : 500;
  return {stored ? 200 : failure, "application/json",
          boost::json::serialize(
              boost::json::object{{"code", stored ? "SUCCESS" : "FAIL"}, {"message", message}})};
}

Result<std::unique_ptr<Protocol>> wechat_v3(WechatV3Account account) {
  if (account.api_v3_key.size() != kAesKeyBytes) {
    return fail(fmt::format("wechat.api_v3_key has {} bytes; it must have {}",
                            account.api_v3_key.size(), kAesKeyBytes));
  }
  if (account.merchant_serial.empty()) {
    return fail("wechat.merchant_serial is missing; it is the serial of the merchant certificate");
  }
  auto key = PrivateKey::from_pem(account.merchant_private_key_pem);
  if (!key) {
    return fail("wechat.merchant_private_key_file cannot be used: " + key.error().message);
  }
  const std::string pem = account.platform_public_key_pem;
  std::string serial = account.platform_serial;
  auto protocol = std::make_unique<WechatV3>(std::move(account), std::move(*key));
  if (!pem.empty()) {
    auto platform = PublicKey::from_pem(pem);
    if (!platform) {
      return fail("wechat.platform_public_key_file cannot be used: " + platform.error().message);
    }
    const auto certificate = read_certificate(pem);
    if (serial.empty() && certificate) serial = certificate->serial;
    if (serial.empty()) {
      return fail("wechat.platform_serial is missing; it names the platform's public key");
    }
    protocol->keys().add_configured(serial, std::move(*platform));
  }
  return protocol;
}

}  // namespace sluice::payment
