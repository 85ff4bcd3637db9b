// WeChat Pay v2: what the provider notifies.
#include <fmt/format.h>

#include "base/text.h"
#include "payment/wechat_v2.h"
#include "payment/xml.h"

namespace sluice::payment {

using wechat::text_or_empty;

Result<Notification> WechatV2::parse(const RawNotification& raw, Instant /*now*/) const {
  auto fields = parse_xml(raw.body);
  if (!fields) return std::unexpected(fields.error());
  const std::string returned = text_or_empty(*fields, "return_code");
  if (returned != "SUCCESS") {
    return fail(fmt::format("return_code is {} instead of SUCCESS", quote(returned)));
  }
  return field_of(*fields, "req_info") ? parse_refund(*fields) : parse_payment(std::move(*fields));
}

Result<Notification> WechatV2::parse_payment(Fields fields) const {
  if (const auto verified = v2_verify(fields, account_.api_key); !verified) {
    return fail("the notification is not trusted: " + verified.error().message);
  }
  if (const auto whose = foreign(fields)) return fail("the notification is for another: " + *whose);
  const std::string result = text_or_empty(fields, "result_code");
  if (result != "SUCCESS" && result != "FAIL") {
    return fail(fmt::format("result_code is {} instead of SUCCESS or FAIL", quote(result)));
  }
  Notification notification;
  notification.succeeded = result == "SUCCESS";
  notification.out_trade_no = text_or_empty(fields, "out_trade_no");
  notification.attach = text_or_empty(fields, "attach");
  if (notification.succeeded) {
    // Payment notifications carry none, or SUCCESS; result_code alone must not make another paid.
    const auto state = field_of(fields, "trade_state");
    if (state && *state != "SUCCESS") {
      return fail(fmt::format("trade_state is {} instead of SUCCESS", quote(*state)));
    }
    auto facts = wechat::v2_payment(fields);
    if (!facts) return std::unexpected(facts.error());
    notification.event_id = facts->transaction_id;
    notification.payment = std::move(*facts);
  } else {
    if (!wechat::valid_out_trade_no(notification.out_trade_no)) {
      return fail(
          fmt::format("out_trade_no {} is no order number", quote(notification.out_trade_no)));
    }
    notification.event_id = notification.out_trade_no + "/failed";
  }
  std::erase_if(fields, [](const auto& field) {
    return field.first == "sign" || field.first == "nonce_str" || field.first == "sign_type";
  });
  notification.fields = std::move(fields);
  return notification;
}

/// Refund notifications carry no signature: that req_info can be read with the account's key is all
/// that proves them (the documents offer no more), so a refund's end is worth a query.
Result<Notification> WechatV2::parse_refund(const Fields& fields) const {
  if (const auto whose = foreign(fields)) return fail("the notification is for another: " + *whose);
  const auto cipher = from_base64(text_or_empty(fields, "req_info"));
  if (!cipher) return fail("req_info is not base64");
  const auto plain = aes_256_ecb_decrypt(*cipher, refund_key_);
  if (!plain) return fail("req_info cannot be read with this account's API key");
  const auto inner = parse_xml(*plain, "root");
  if (!inner) return fail("req_info holds something else: " + inner.error().message);

  Notification notification;
  notification.kind = Notification::Kind::refund;
  notification.out_trade_no = text_or_empty(*inner, "out_trade_no");
  notification.out_refund_no = text_or_empty(*inner, "out_refund_no");
  const std::string status = text_or_empty(*inner, "refund_status");
  const std::string id = text_or_empty(*inner, "refund_id");
  if (!wechat::valid_out_trade_no(notification.out_trade_no) ||
      notification.out_refund_no.empty() || id.empty()) {
    return fail("req_info names no out_trade_no, out_refund_no or refund_id");
  }
  if (status != "SUCCESS" && status != "CHANGE" && status != "REFUNDCLOSE") {
    return fail(fmt::format("refund_status {} is none of the documented ones", quote(status)));
  }
  notification.succeeded = status == "SUCCESS";
  notification.event_id = fmt::format("{}/{}", id, status);
  for (const auto& field : fields) {
    if (field.first != "req_info" && field.first != "nonce_str" && field.first != "sign") {
      notification.fields.push_back(field);
    }
  }
  notification.fields.insert(notification.fields.end(), inner->begin(), inner->end());
  return notification;
}

}  // namespace sluice::payment
