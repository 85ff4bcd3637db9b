// For tests of the driver: a protocol of plain words.
#include "payment/fake_protocol.h"

#include "payment/wechat.h"

namespace sluice::payment {

namespace {

constexpr std::string_view kSealed = "sealed ";

HttpCall get(std::string_view what, std::string_view key) {
  HttpCall call;
  call.method = "GET";
  call.target = "/" + std::string(what) + "/" + std::string(key);
  return call;
}

/// The word of an answer.
Outcome<std::string> word(const HttpAnswer& answer) {
  if (auto fault = wechat::fault_of_status(answer.status)) return std::unexpected(*fault);
  if (answer.body.starts_with('!')) {
    return std::unexpected(Fault{Fault::Kind::refused, answer.body.substr(1), "refused"});
  }
  if (answer.body.starts_with('?')) {
    return std::unexpected(Fault{Fault::Kind::retry, answer.body.substr(1), "again"});
  }
  if (answer.body.starts_with('<')) {
    return std::unexpected(Fault{Fault::Kind::untrusted, {}, "HTML"});
  }
  return answer.body;
}

}  // namespace

HttpCall FakeProtocol::create(const NewPayment& payment, const Moment& moment) const {
  HttpCall call;
  call.target = "/create";
  call.headers = {{"Content-Type", "text/plain"}, {"X-Nonce", moment.nonce}};
  call.body = payment.out_trade_no;
  return call;
}
Outcome<CreatedPayment> FakeProtocol::read_created(const NewPayment& /*payment*/,
                                                   const HttpAnswer& answer,
                                                   Instant /*now*/) const {
  const auto said = word(answer);
  if (!said) return std::unexpected(said.error());
  return CreatedPayment{*said, {}};
}

HttpCall FakeProtocol::query(std::string_view out_trade_no, const Moment& /*moment*/) const {
  return get("query", out_trade_no);
}
Outcome<Trade> FakeProtocol::read_trade(std::string_view /*out_trade_no*/, const HttpAnswer& answer,
                                        Instant /*now*/) const {
  auto said = word(answer);
  if (!said) return std::unexpected(said.error());
  if (said->starts_with(kSealed)) {
    if (!has_key_) return std::unexpected(wechat::untrusted("no key for this answer"));
    *said = said->substr(kSealed.size());
  }
  Trade trade;
  if (*said == "unknown") return trade;
  const auto state = wechat::trade_state(*said);
  if (!state) return std::unexpected(wechat::untrusted("another word"));
  trade.state = *state;
  return trade;
}

HttpCall FakeProtocol::close(std::string_view out_trade_no, const Moment& /*moment*/) const {
  return get("close", out_trade_no);
}
Outcome<CloseAnswer> FakeProtocol::read_closed(std::string_view /*out_trade_no*/,
                                               const HttpAnswer& answer, Instant /*now*/) const {
  const auto said = word(answer);
  if (!said) return std::unexpected(said.error());
  if (*said == "already_closed") return CloseAnswer::already_closed;
  if (*said == "already_paid") return CloseAnswer::already_paid;
  if (*said == "not_found") return CloseAnswer::not_found;
  return CloseAnswer::closed;
}

HttpCall FakeProtocol::refund(const RefundOrder& refund, const Moment& /*moment*/) const {
  HttpCall call = get("refund", refund.out_refund_no);
  call.repeatable = false;
  return call;
}
Outcome<RefundProgress> FakeProtocol::read_refund(const RefundOrder& /*refund*/,
                                                  const HttpAnswer& answer, Instant now) const {
  return read_refund_query("", answer, now);
}

HttpCall FakeProtocol::query_refund(std::string_view /*out_trade_no*/,
                                    std::string_view out_refund_no,
                                    const Moment& /*moment*/) const {
  return get("query_refund", out_refund_no);
}
Outcome<RefundProgress> FakeProtocol::read_refund_query(std::string_view /*out_refund_no*/,
                                                        const HttpAnswer& answer,
                                                        Instant /*now*/) const {
  const auto said = word(answer);
  if (!said) return std::unexpected(said.error());
  return RefundProgress{RefundProgress::State::succeeded, *said};
}

Result<Notification> FakeProtocol::parse(const RawNotification& /*raw*/, Instant /*now*/) const {
  wants_key_ = true;
  return fail("signed with an unknown key");
}
Acknowledgement FakeProtocol::acknowledge(Receipt receipt, std::string_view why_not) const {
  return {receipt == Receipt::stored ? 200 : 500, "text/plain", std::string(why_not)};
}

bool FakeProtocol::wants_keys(Instant /*now*/) const {
  return wants_key_;
}
bool FakeProtocol::lacks_key(const HttpAnswer& answer) const {
  if (has_key_ || !answer.body.starts_with(kSealed)) return false;
  wants_key_ = true;
  return true;
}
HttpCall FakeProtocol::fetch_keys(const Moment& /*moment*/) const {
  wants_key_ = false;
  return get("keys", "");
}
Outcome<void> FakeProtocol::read_keys(const HttpAnswer& answer, Instant /*now*/) const {
  const auto said = word(answer);
  if (!said) return std::unexpected(said.error());
  has_key_ = true;
  return {};
}

}  // namespace sluice::payment
