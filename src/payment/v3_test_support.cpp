// For tests of v3: an account, a paid transaction, and what the platform seals.
#include "payment/v3_test_support.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace sluice::payment {

namespace {

constexpr std::string_view kApiV3Key = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
constexpr std::string_view kNonce = "uluk4a9R25RW";

boost::json::object sealed(std::string_view plain, std::string_view associated_data) {
  return {{"algorithm", "AEAD_AES_256_GCM"},
          {"ciphertext", to_base64(aes_256_gcm_encrypt(plain, kApiV3Key, kNonce, associated_data))},
          {"associated_data", std::string(associated_data)},
          {"nonce", std::string(kNonce)}};
}

}  // namespace

WechatV3Account test_account() {
  return {"wxd678efh567hg6787",   "1900009191",
          std::string(kApiV3Key), "https://shop.example/weixin/pay/notify/url",
          merchant_key().serial,  merchant_key().private_pem,
          platform_key().serial,  platform_key().certificate_pem};
}

std::string test_trade(std::string_view from, std::string_view to) {
  std::string trade =
      R"({"appid":"wxd678efh567hg6787","mchid":"1900009191","out_trade_no":"No20150806125346",)"
      R"("transaction_id":"1217752501201407033233368018","trade_type":"NATIVE",)"
      R"("trade_state":"SUCCESS","trade_state_desc":"支付成功","bank_type":"CMC",)"
      R"("attach":"{\"q\":1}","success_time":"2018-06-08T10:34:56+08:00",)"
      R"("payer":{"openid":"oUpF8uMuAJO"},)"
      R"("amount":{"total":888,"payer_total":800,"currency":"CNY","payer_currency":"CNY"}})";
  if (!from.empty()) trade.replace(trade.find(from), from.size(), to);
  return trade;
}

std::string test_notice(std::string_view plain, std::string_view type,
                        std::string_view associated_data) {
  boost::json::object resource = sealed(plain, associated_data);
  resource["original_type"] = "transaction";
  return boost::json::serialize(boost::json::object{{"id", "EV-2018022511223320873"},
                                                    {"create_time", "2018-06-08T10:34:56+08:00"},
                                                    {"resource_type", "encrypt-resource"},
                                                    {"event_type", std::string(type)},
                                                    {"summary", "支付成功"},
                                                    {"resource", std::move(resource)}});
}

RawNotification test_notification(std::string body) {
  return {stamped(platform_key(), platform_key().serial, body), std::move(body)};
}

std::string test_certificates(const std::vector<ListedCertificate>& listed) {
  boost::json::array data;
  for (const auto& [key, serial] : listed) {
    data.push_back(
        boost::json::object{{"serial_no", std::string(serial)},
                            {"effective_time", "2018-06-08T10:34:56+08:00"},
                            {"expire_time", "2038-06-08T10:34:56+08:00"},
                            {"encrypt_certificate", sealed(key->certificate_pem, "certificate")}});
  }
  return boost::json::serialize(boost::json::object{{"data", std::move(data)}});
}

}  // namespace sluice::payment
