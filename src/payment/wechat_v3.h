// WeChat Pay v3 as a Protocol.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "payment/key_ring.h"
#include "payment/protocol.h"
#include "payment/signature.h"
#include "payment/wechat.h"

namespace sluice::payment {

class WechatV3 final : public Protocol {
 public:
  WechatV3(WechatV3Account account, PrivateKey key)
      : account_(std::move(account)), key_(std::move(key)) {}
  KeyRing& keys() { return keys_; }

  HttpCall create(const NewPayment& payment, const Moment& moment) const override;
  Outcome<CreatedPayment> read_created(const NewPayment& payment, const HttpAnswer& answer,
                                       Instant now) const override;
  HttpCall query(std::string_view out_trade_no, const Moment& moment) const override;
  Outcome<Trade> read_trade(std::string_view out_trade_no, const HttpAnswer& answer,
                            Instant now) const override;
  HttpCall close(std::string_view out_trade_no, const Moment& moment) const override;
  Outcome<CloseAnswer> read_closed(std::string_view out_trade_no, const HttpAnswer& answer,
                                   Instant now) const override;
  bool confirms_close_by_query() const override { return true; }
  HttpCall refund(const RefundOrder& refund, const Moment& moment) const override;
  Outcome<RefundProgress> read_refund(const RefundOrder& refund, const HttpAnswer& answer,
                                      Instant now) const override;
  HttpCall query_refund(std::string_view out_trade_no, std::string_view out_refund_no,
                        const Moment& moment) const override;
  Outcome<RefundProgress> read_refund_query(std::string_view out_refund_no,
                                            const HttpAnswer& answer, Instant now) const override;
  Result<Notification> parse(const RawNotification& raw, Instant now) const override;
  Acknowledgement acknowledge(Receipt receipt, std::string_view why_not) const override;

  bool wants_keys(Instant now) const override { return keys_.wants_download(now); }
  bool lacks_key(const HttpAnswer& answer) const override;
  HttpCall fetch_keys(const Moment& moment) const override;
  Outcome<void> read_keys(const HttpAnswer& answer, Instant now) const override;

 private:
  HttpCall call(std::string_view method, std::string target, std::string body,
                const Moment& moment) const;
  /// Whether time, serial and signature prove `body` to be the platform's.
  Result<> verified(const Headers& headers, std::string_view body, Instant now) const;
  /// The bytes of a 2xx answer that are proven to be the platform's. Error codes that tell an
  /// order's state are in the fault only where the platform signed them.
  Outcome<std::string_view> accepted(const HttpAnswer& answer, Instant now) const;
  Outcome<boost::json::object> accepted_object(const HttpAnswer& answer, Instant now) const;
  Fault refusal(const HttpAnswer& answer, Instant now) const;
  /// The plaintext of an encrypted resource.
  Result<std::string> opened(const boost::json::object& resource) const;
  Result<Notification> parse_payment(const boost::json::object& trade) const;
  Result<Notification> parse_refund(const boost::json::object& refund) const;

  WechatV3Account account_;
  PrivateKey key_;
  mutable KeyRing keys_;  ///< knows how to be used by several threads
};

namespace wechat {

/// The payment that a transaction tells of. The error says which member is missing or wrong.
Result<PaymentFacts> v3_payment(const boost::json::object& trade);
/// Flat, with v2's names of what matters added.
Fields v3_fields(const boost::json::object& trade);

}  // namespace wechat

}  // namespace sluice::payment
