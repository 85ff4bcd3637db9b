// For tests of the driver: a protocol of plain words. "GET /query/NO" and so on; an answer is a
// word, "!CODE" is a refusal, "?CODE" asks to try again, "sealed WORD" needs the fetched key.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "payment/protocol.h"

namespace sluice::payment {

class FakeProtocol final : public Protocol {
 public:
  explicit FakeProtocol(bool confirms = false) : confirms_(confirms) {}

  HttpCall create(const NewPayment& payment, const Moment& moment) const override;
  Outcome<CreatedPayment> read_created(const NewPayment& payment, const HttpAnswer& answer,
                                       Instant now) const override;
  HttpCall query(std::string_view out_trade_no, const Moment& moment) const override;
  Outcome<Trade> read_trade(std::string_view out_trade_no, const HttpAnswer& answer,
                            Instant now) const override;
  HttpCall close(std::string_view out_trade_no, const Moment& moment) const override;
  Outcome<CloseAnswer> read_closed(std::string_view out_trade_no, const HttpAnswer& answer,
                                   Instant now) const override;
  bool confirms_close_by_query() const override { return confirms_; }
  /// Not repeatable, unlike the real ones.
  HttpCall refund(const RefundOrder& refund, const Moment& moment) const override;
  Outcome<RefundProgress> read_refund(const RefundOrder& refund, const HttpAnswer& answer,
                                      Instant now) const override;
  HttpCall query_refund(std::string_view out_trade_no, std::string_view out_refund_no,
                        const Moment& moment) const override;
  Outcome<RefundProgress> read_refund_query(std::string_view out_refund_no,
                                            const HttpAnswer& answer, Instant now) const override;
  Result<Notification> parse(const RawNotification& raw, Instant now) const override;
  Acknowledgement acknowledge(Receipt receipt, std::string_view why_not) const override;

  bool wants_keys(Instant now) const override;
  bool lacks_key(const HttpAnswer& answer) const override;
  HttpCall fetch_keys(const Moment& moment) const override;
  Outcome<void> read_keys(const HttpAnswer& answer, Instant now) const override;

 private:
  bool confirms_;
  mutable std::atomic<bool> wants_key_{false};
  mutable std::atomic<bool> has_key_{false};
};

}  // namespace sluice::payment
