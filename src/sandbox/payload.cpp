// Bodies and signatures of notifications.
#include "sandbox/payload.h"

#include <fmt/format.h>

#include <algorithm>

#include "payment/signature.h"
#include "payment/xml.h"
#include "sandbox/v2_format.h"
#include "sandbox/v3_format.h"

namespace sluice::sandbox {

namespace {

using payment::Fields;

std::string_view url_of(const Emulator::Subject& subject) {
  return subject.refund ? subject.trade.refunds[*subject.refund].notify_url
                        : subject.trade.asked.notify_url;
}

Payload in_xml(const Emulator::Subject& subject, const Fields& fields) {
  return {std::string(url_of(subject)), {"Content-Type: text/xml"}, payment::write_xml(fields)};
}

Payload in_json(const Emulator::Subject& subject, std::string body, const V3Signature* signature) {
  Payload payload{
      std::string(url_of(subject)), {"Content-Type: application/json"}, std::move(body)};
  if (signature != nullptr) {
    payload.headers.push_back("Wechatpay-Timestamp: " + signature->timestamp);
    payload.headers.push_back("Wechatpay-Nonce: " + signature->nonce);
    payload.headers.push_back("Wechatpay-Serial: " + signature->serial);
    payload.headers.push_back("Wechatpay-Signature: " + signature->signature);
    payload.headers.emplace_back("Wechatpay-Signature-Type: WECHATPAY2-SHA256-RSA2048");
  }
  return payload;
}

Fields v2_fields(const Emulator::Subject& subject, const Account& account) {
  if (subject.refund) {
    return v2_refund_notice(subject.trade, subject.trade.refunds[*subject.refund], account.appid,
                            account.mch_id, account.api_key);
  }
  return v2_payment_notice(subject.trade, account.appid, account.mch_id, subject.omit_sign_type);
}

std::string v3_body(const Emulator::Subject& subject, const Account& account) {
  if (subject.refund) {
    return v3_refund_notice(subject.trade, subject.trade.refunds[*subject.refund], account,
                            subject.event_id);
  }
  return v3_payment_notice(subject.trade, account, subject.event_id);
}

void sign(Fields& fields, const Emulator::Subject& subject, std::string_view key) {
  // A refund's notification has no signature: that it decrypts is the proof.
  if (subject.refund) return;
  fields.emplace_back("sign", payment::v2_sign(fields, key, subject.trade.asked.sign_type));
}

std::string& value_of(Fields& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Fields::value_type::first);
  return found == fields.end() ? fields.emplace_back(name, "").second : found->second;
}

Payload v2_forgery(const Emulator::Subject& subject, const Account& account, std::size_t variety) {
  Fields fields = v2_fields(subject, account);
  if (subject.refund) {
    value_of(fields, "req_info") = payment::to_base64(
        payment::aes_256_ecb_encrypt("<root></root>", payment::md5_hex(payment::random_nonce())));
    return in_xml(subject, fields);
  }
  const std::string stranger = payment::random_nonce();
  switch (variety % kForgeries) {
    case 0:  // changed after signing
      sign(fields, subject, account.api_key);
      value_of(fields, "total_fee") += "0";
      break;
    case 1:  // signed with another key
      sign(fields, subject, stranger);
      break;
    case 2:  // not signed
      break;
    case 3: {  // signed by the wrong type
      const bool md5 = subject.trade.asked.sign_type == SignType::md5;
      value_of(fields, "sign_type") = payment::name_of(SignType::md5);
      if (md5) value_of(fields, "sign_type") = payment::name_of(SignType::hmac_sha256);
      sign(fields, subject, account.api_key);
      break;
    }
    default: {  // well signed, and an entity besides
      sign(fields, subject, account.api_key);
      Payload payload = in_xml(subject, fields);
      payload.body.insert(0, R"(<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/hostname">]>)");
      return payload;
    }
  }
  return in_xml(subject, fields);
}

Payload v3_forgery(const Emulator::Subject& subject, const Account& account, Instant now,
                   std::size_t variety) {
  std::string body = v3_body(subject, account);
  V3Signature signature = v3_signature(body, account.platform_key, account.platform_serial, now);
  switch (variety % kForgeries) {
    case 0: {  // changed after signing: one byte of the id
      const std::size_t at = body.find(R"("id":")") + 6;
      body[at] = body[at] == 'x' ? 'y' : 'x';
      break;
    }
    case 1:  // signed with another key
      signature = v3_signature(body, account.wrong_key, account.platform_serial, now);
      break;
    case 2:  // not signed
      return in_json(subject, std::move(body), nullptr);
    case 3:  // an old one, sent again
      signature = v3_signature(body, account.platform_key, account.platform_serial,
                               now - Span::seconds(3600));
      break;
    default:  // the provider's own probe
      signature.signature.insert(0, payment::kV3ProbePrefix);
  }
  return in_json(subject, std::move(body), &signature);
}

}  // namespace

Payload notification(const Emulator::Subject& subject, const Account& account, Instant now) {
  if (subject.trade.asked.api == Api::v2) {
    Fields fields = v2_fields(subject, account);
    sign(fields, subject, account.api_key);
    return in_xml(subject, fields);
  }
  std::string body = v3_body(subject, account);
  const V3Signature signature =
      v3_signature(body, account.platform_key, account.platform_serial, now);
  return in_json(subject, std::move(body), &signature);
}

Payload forgery(const Emulator::Subject& subject, const Account& account, Instant now,
                std::size_t variety) {
  return subject.trade.asked.api == Api::v2 ? v2_forgery(subject, account, variety)
                                            : v3_forgery(subject, account, now, variety);
}

bool acknowledges(Api api, int status, std::string_view body) {
  if (api == Api::v3) return status == 200 || status == 204;
  if (status != 200) return false;
  const auto fields = payment::parse_xml(body);
  return fields && payment::field_of(*fields, "return_code") == "SUCCESS";
}

}  // namespace sluice::sandbox
