// WeChat Pay v2 as a Protocol.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "payment/protocol.h"
#include "payment/signature.h"
#include "payment/wechat.h"

namespace sluice::payment {

class WechatV2 final : public Protocol {
 public:
  explicit WechatV2(WechatV2Account account)
      : account_(std::move(account)),
        sign_type_(account_.hmac_sha256 ? SignType::hmac_sha256 : SignType::md5),
        refund_key_(md5_hex(account_.api_key)) {}

  HttpCall create(const NewPayment& payment, const Moment& moment) const override;
  Outcome<CreatedPayment> read_created(const NewPayment& payment, const HttpAnswer& answer,
                                       Instant now) const override;
  HttpCall query(std::string_view out_trade_no, const Moment& moment) const override;
  Outcome<Trade> read_trade(std::string_view out_trade_no, const HttpAnswer& answer,
                            Instant now) const override;
  HttpCall close(std::string_view out_trade_no, const Moment& moment) const override;
  Outcome<CloseAnswer> read_closed(std::string_view out_trade_no, const HttpAnswer& answer,
                                   Instant now) const override;
  bool confirms_close_by_query() const override { return false; }
  HttpCall refund(const RefundOrder& refund, const Moment& moment) const override;
  Outcome<RefundProgress> read_refund(const RefundOrder& refund, const HttpAnswer& answer,
                                      Instant now) const override;
  HttpCall query_refund(std::string_view out_trade_no, std::string_view out_refund_no,
                        const Moment& moment) const override;
  Outcome<RefundProgress> read_refund_query(std::string_view out_refund_no,
                                            const HttpAnswer& answer, Instant now) const override;
  Result<Notification> parse(const RawNotification& raw, Instant now) const override;
  Acknowledgement acknowledge(Receipt receipt, std::string_view why_not) const override;

 private:
  HttpCall call(std::string_view target, Fields fields, const Moment& moment) const;
  /// The fields of an answer that is proven to be the provider's word to this merchant and says
  /// that the call was carried out. Codes are in the fault only where the provider signed them.
  Outcome<Fields> accepted(const HttpAnswer& answer) const;
  /// Empty where appid and mch_id are this account's.
  std::optional<std::string> foreign(const Fields& fields) const;
  Result<Notification> parse_payment(Fields fields) const;
  Result<Notification> parse_refund(const Fields& fields) const;

  WechatV2Account account_;
  SignType sign_type_;
  std::string refund_key_;  ///< of req_info in refund notifications
};

namespace wechat {

/// The payment that fields of a query's answer or a notification tell of. The error says which
/// field is missing or wrong.
Result<PaymentFacts> v2_payment(const Fields& fields);
/// The value, or an empty text.
std::string text_or_empty(const Fields& fields, std::string_view name);

}  // namespace wechat

}  // namespace sluice::payment
