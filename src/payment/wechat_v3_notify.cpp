// WeChat Pay v3: what the provider notifies.
#include <fmt/format.h>

#include "base/text.h"
#include "payment/json_tree.h"
#include "payment/wechat_v3.h"

namespace sluice::payment {

Result<std::string> WechatV3::opened(const boost::json::object& resource) const {
  const std::string algorithm = text_in(resource, "algorithm");
  if (algorithm != "AEAD_AES_256_GCM") {
    return fail(fmt::format("its algorithm {} is not AEAD_AES_256_GCM", quote(algorithm)));
  }
  const auto cipher = from_base64(text_in(resource, "ciphertext"));
  if (!cipher) return fail("its ciphertext is not base64");
  auto plain = aes_256_gcm_decrypt(*cipher, account_.api_v3_key, text_in(resource, "nonce"),
                                   text_in(resource, "associated_data"));
  if (!plain) {
    return fail("its ciphertext cannot be read; it was changed, or the API v3 key is another");
  }
  return std::move(*plain);
}

Result<Notification> WechatV3::parse(const RawNotification& raw, Instant now) const {
  if (raw.body.size() > wechat::kMaxNotificationBytes) {
    return fail(fmt::format("the notification has {} bytes; the limit is {}", raw.body.size(),
                            wechat::kMaxNotificationBytes));
  }
  if (const auto proof = verified(raw.headers, raw.body, now); !proof) {
    return fail("the notification is not trusted: " + proof.error().message);
  }
  const auto event = parse_object(raw.body);
  if (!event) return std::unexpected(event.error());
  const auto* resource = object_in(*event, "resource");
  const std::string id = text_in(*event, "id");
  const std::string type = text_in(*event, "event_type");
  if (id.empty() || resource == nullptr || text_in(*event, "resource_type") != "encrypt-resource") {
    return fail("the notification has no id or no encrypted resource");
  }
  const auto plain = opened(*resource);
  if (!plain) return fail("the notification's resource: " + plain.error().message);
  const auto content = parse_object(*plain);
  if (!content) return std::unexpected(content.error());
  if (text_in(*content, "mchid") != account_.mch_id) {
    return fail(fmt::format("the notification is for another merchant, {}",
                            quote(text_in(*content, "mchid"))));
  }
  Result<Notification> read =
      fail(fmt::format("event_type {} is neither a payment nor a refund", quote(type)));
  if (type.starts_with("TRANSACTION.")) read = parse_payment(*content);
  if (type.starts_with("REFUND.")) read = parse_refund(*content);
  if (read) read->event_id = id;
  return read;
}

Result<Notification> WechatV3::parse_payment(const boost::json::object& trade) const {
  if (text_in(trade, "appid") != account_.appid) {
    return fail(fmt::format("the notification is for another application, {}",
                            quote(text_in(trade, "appid"))));
  }
  const std::string said = text_in(trade, "trade_state");
  const auto state = wechat::trade_state(said);
  Notification notification;
  notification.out_trade_no = text_in(trade, "out_trade_no");
  notification.attach = text_in(trade, "attach");
  notification.fields = wechat::v3_fields(trade);
  if (state == Trade::State::paid) {
    auto facts = wechat::v3_payment(trade);
    if (!facts) return std::unexpected(facts.error());
    notification.payment = std::move(*facts);
    return notification;
  }
  if (state != Trade::State::failed && state != Trade::State::closed) {
    return fail(fmt::format("trade_state {} is not the end of a payment", quote(said)));
  }
  if (!wechat::valid_out_trade_no(notification.out_trade_no)) {
    return fail(
        fmt::format("out_trade_no {} is no order number", quote(notification.out_trade_no)));
  }
  notification.succeeded = false;
  return notification;
}

Result<Notification> WechatV3::parse_refund(const boost::json::object& refund) const {
  const std::string status = text_in(refund, "refund_status");
  if (status != "SUCCESS" && status != "CLOSED" && status != "ABNORMAL") {
    return fail(fmt::format("refund_status {} is not the end of a refund", quote(status)));
  }
  Notification notification;
  notification.kind = Notification::Kind::refund;
  notification.succeeded = status == "SUCCESS";
  notification.out_trade_no = text_in(refund, "out_trade_no");
  notification.out_refund_no = text_in(refund, "out_refund_no");
  notification.fields = flatten(refund);
  if (!wechat::valid_out_trade_no(notification.out_trade_no) ||
      notification.out_refund_no.empty()) {
    return fail("the refund names no out_trade_no or out_refund_no");
  }
  return notification;
}

}  // namespace sluice::payment
