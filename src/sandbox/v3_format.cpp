// Reading and writing of v3's JSON.
#include "sandbox/v3_format.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/json_writer.h"
#include "payment/crypto.h"
#include "payment/wechat.h"
#include "sandbox/json_body.h"
#include "sandbox/v2_format.h"

namespace sluice::sandbox {

namespace {

using boost::json::object;
using http::JsonWriter;

constexpr std::int64_t kMaxAmount = 1'000'000'000'000;
constexpr std::string_view kAlgorithm = "AEAD_AES_256_GCM";

/// Reads texts with their bounds; keeps the first error.
class Texts {
 public:
  explicit Texts(const object& body) : body_(body) {}
  std::string required(std::string_view name, std::size_t most) {
    std::string text = optional(name, most);
    if (text.empty()) refuse(fmt::format("{} 是必填的字符串", name));
    return text;
  }
  std::string optional(std::string_view name, std::size_t most) {
    if (!body_.contains(name)) return {};
    const auto text = text_of(body_, name);
    if (!text || has_control(*text) || count_characters(*text) > most) {
      refuse(fmt::format("{} 须为最多 {} 个字符的字符串，不含控制字符", name, most));
      return {};
    }
    return std::string(*text);
  }
  void refuse(std::string message) {
    if (error_.empty()) error_ = std::move(message);
  }
  const std::string& error() const { return error_; }

 private:
  const object& body_;
  std::string error_;
};

/// amount.total and the like.
Money amount_of(Texts& texts, const object& amount, std::string_view name) {
  const auto number = whole_number(amount, name, 1, kMaxAmount, 0);
  if (!number || *number == 0) {
    texts.refuse(fmt::format("amount.{} 须为正整数，单位分", name));
    return {};
  }
  return Money{*number};
}

const object& amount_object(Texts& texts, const object& body) {
  static const object nothing;
  const auto amount = child(body, "amount");
  if (amount && *amount != nullptr) return **amount;
  texts.refuse("amount 是必填的对象");
  return nothing;
}

void check_currency(Texts& texts, const object& amount, bool required) {
  const auto currency = text_of(amount, "currency");
  if (!amount.contains("currency") && !required) return;
  if (currency != "CNY") texts.refuse("amount.currency 只支持 CNY");
}

std::string encrypted(std::string_view plain, const Account& account, std::string_view aad,
                      std::string& nonce) {
  nonce = payment::random_nonce(payment::kGcmNonceBytes);
  return payment::to_base64(payment::aes_256_gcm_encrypt(plain, account.api_v3_key, nonce, aad));
}

std::string notice(std::string_view event_id, std::string_view event_type, std::string_view summary,
                   std::string_view type, std::string_view plain, const Account& account,
                   Instant at) {
  std::string nonce;
  const std::string cipher = encrypted(plain, account, type, nonce);
  std::string body;
  JsonWriter json(body);
  json.begin_object().member("id", event_id).member("create_time", payment::wechat::v3_time(at));
  json.member("resource_type", "encrypt-resource").member("event_type", event_type);
  json.member("summary", summary).key("resource").begin_object();
  json.member("original_type", type).member("algorithm", kAlgorithm);
  json.member("ciphertext", cipher).member("associated_data", type).member("nonce", nonce);
  json.end_object().end_object();
  return body;
}

}  // namespace

Result<OrderRequest> read_v3_order(const object& body, Instant now) {
  Texts texts(body);
  OrderRequest request;
  request.api = Api::v3;
  request.sign_type = SignType::hmac_sha256;
  request.description = texts.required("description", 127);
  request.out_trade_no = texts.required("out_trade_no", 32);
  request.notify_url = texts.required("notify_url", 255);
  request.attach = texts.optional("attach", 128);
  if (!payment::wechat::valid_out_trade_no(request.out_trade_no)) {
    texts.refuse("out_trade_no 须为6至32个字符，限数字、字母与 _-|*");
  }
  if (!valid_notify_url(request.notify_url, 255)) {
    texts.refuse("notify_url 须为不带参数的 http(s) 地址，最多255个字符");
  }
  const object& amount = amount_object(texts, body);
  request.total = amount_of(texts, amount, "total");
  check_currency(texts, amount, false);
  if (body.contains("time_expire")) {
    const auto at = parse_rfc3339(texts.required("time_expire", 64));
    if (!at) {
      texts.refuse("time_expire 须为 RFC 3339 格式");
    } else if (*at <= now) {
      texts.refuse("time_expire 已过期");
    } else {
      request.time_expire = *at;
    }
  }
  if (!texts.error().empty()) return fail(texts.error());
  return request;
}

Result<RefundRequest> read_v3_refund(const object& body) {
  Texts texts(body);
  RefundRequest request;
  request.out_trade_no = texts.optional("out_trade_no", 32);
  request.transaction_id = texts.optional("transaction_id", 32);
  request.out_refund_no = texts.required("out_refund_no", 64);
  request.reason = texts.optional("reason", 80);
  request.notify_url = texts.optional("notify_url", 256);
  if (request.out_trade_no.empty() && request.transaction_id.empty()) {
    texts.refuse("transaction_id 与 out_trade_no 须填一个");
  }
  if (!request.notify_url.empty() && !valid_notify_url(request.notify_url, 256)) {
    texts.refuse("notify_url 须为不带参数的 http(s) 地址");
  }
  const object& amount = amount_object(texts, body);
  request.total = amount_of(texts, amount, "total");
  request.amount = amount_of(texts, amount, "refund");
  check_currency(texts, amount, true);
  if (!texts.error().empty()) return fail(texts.error());
  return request;
}

std::string v3_transaction(const Trade& trade, const Account& account) {
  std::string body;
  JsonWriter json(body);
  const std::string_view currency = trade.asked.currency.code();
  json.begin_object().member("appid", account.appid).member("mchid", account.mch_id);
  json.member("out_trade_no", trade.asked.out_trade_no);
  json.member("trade_state", name(trade.state));
  json.member("trade_state_desc", description_of(trade.state));
  json.member("attach", trade.asked.attach);
  if (trade.was_paid()) {
    json.member("transaction_id", trade.transaction_id).member("trade_type", "NATIVE");
    json.member("bank_type", "OTHERS")
        .member("success_time", payment::wechat::v3_time(trade.paid_at));
    json.key("payer").begin_object().member("openid", kPayer).end_object();
    json.key("amount").begin_object().member("total", trade.paid.minor);
    json.member("payer_total", trade.paid.minor).member("currency", currency);
    json.member("payer_currency", currency).end_object();
  } else if (trade.state != TradeState::closed) {
    json.key("amount").begin_object().member("total", trade.asked.total.minor);
    json.member("currency", currency).end_object();
  }
  json.end_object();
  return body;
}

std::string v3_refund(const Trade& trade, const Refund& refund, bool just_accepted) {
  std::string body;
  JsonWriter json(body);
  const std::int64_t total = trade.paid.minor;
  const std::int64_t amount = refund.amount.minor;
  json.begin_object().member("refund_id", refund.refund_id);
  json.member("out_refund_no", refund.out_refund_no);
  json.member("transaction_id", trade.transaction_id);
  json.member("out_trade_no", trade.asked.out_trade_no).member("channel", "ORIGINAL");
  json.member("user_received_account", "支付用户零钱");
  if (!just_accepted) json.member("success_time", payment::wechat::v3_time(refund.at));
  json.member("create_time", payment::wechat::v3_time(refund.at));
  json.member("status", just_accepted ? "PROCESSING" : "SUCCESS");
  json.member("funds_account", "UNSETTLED").key("amount").begin_object();
  json.member("total", total).member("refund", amount).member("payer_total", total);
  json.member("payer_refund", amount).member("settlement_refund", amount);
  json.member("settlement_total", total).member("discount_refund", 0);
  json.member("currency", trade.asked.currency.code()).end_object().end_object();
  return body;
}

std::string v3_certificates(const Account& account) {
  std::string nonce;
  const std::string cipher = encrypted(account.platform_certificate, account, "certificate", nonce);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("data").begin_array().begin_object();
  json.member("serial_no", account.platform_serial);
  json.member("effective_time", payment::wechat::v3_time(account.platform_valid_from));
  json.member("expire_time", payment::wechat::v3_time(account.platform_valid_until));
  json.key("encrypt_certificate").begin_object().member("algorithm", kAlgorithm);
  json.member("nonce", nonce).member("associated_data", "certificate");
  json.member("ciphertext", cipher).end_object();
  json.end_object().end_array().end_object();
  return body;
}

std::string v3_payment_notice(const Trade& trade, const Account& account,
                              std::string_view event_id) {
  return notice(event_id, "TRANSACTION.SUCCESS", "支付成功", "transaction",
                v3_transaction(trade, account), account, trade.paid_at);
}

std::string v3_refund_notice(const Trade& trade, const Refund& refund, const Account& account,
                             std::string_view event_id) {
  std::string plain;
  JsonWriter json(plain);
  json.begin_object().member("mchid", account.mch_id);
  json.member("out_trade_no", trade.asked.out_trade_no);
  json.member("transaction_id", trade.transaction_id);
  json.member("out_refund_no", refund.out_refund_no).member("refund_id", refund.refund_id);
  json.member("refund_status", "SUCCESS")
      .member("success_time", payment::wechat::v3_time(refund.at));
  json.member("user_received_account", "支付用户零钱").key("amount").begin_object();
  json.member("total", trade.paid.minor).member("refund", refund.amount.minor);
  json.member("payer_total", trade.paid.minor).member("payer_refund", refund.amount.minor);
  json.end_object().end_object();
  return notice(event_id, "REFUND.SUCCESS", "退款成功", "refund", plain, account, refund.at);
}

V3Signature v3_signature(std::string_view body, const payment::PrivateKey& key,
                         std::string_view serial, Instant now) {
  V3Signature made{std::to_string(now.ms / 1000), payment::random_nonce(), std::string(serial), {}};
  made.signature =
      payment::to_base64(key.sign(payment::v3_answer_message(made.timestamp, made.nonce, body)));
  return made;
}

}  // namespace sluice::sandbox
