// The gateway: turns calls into jobs for the driver and, for v3, confirms a close by a query.
#include <fmt/format.h>

#include <functional>

#include "base/text.h"
#include "payment/driver.h"
#include "payment/wechat.h"

namespace sluice::payment {

namespace {

template <class T>
class TypedJob final : public Job {
 public:
  using Make = std::function<HttpCall(const Moment&)>;
  using Read = std::function<Outcome<T>(const HttpAnswer&, Instant)>;
  TypedJob(Make make, Read read, Gateway::Then<T> then)
      : make_(std::move(make)), read_(std::move(read)), then_(std::move(then)) {}

  HttpCall make(const Moment& moment) override { return make_(moment); }
  std::optional<Fault> read(const HttpAnswer& answer, Instant now) override {
    Outcome<T> outcome = read_(answer, now);
    if (!outcome) return std::move(outcome.error());
    then_(std::move(outcome));
    return std::nullopt;
  }
  void fail(Fault fault) override { then_(std::unexpected(std::move(fault))); }

 private:
  Make make_;
  Read read_;
  Gateway::Then<T> then_;
};

/// What the query after a close says, given what the close itself said.
Outcome<CloseAnswer> confirmed(const Outcome<CloseAnswer>& closed, const Outcome<Trade>& trade) {
  if (!trade) return std::unexpected(trade.error());
  switch (trade->state) {
    case Trade::State::not_found:
      return CloseAnswer::not_found;
    case Trade::State::closed:
      return closed == CloseAnswer::closed ? CloseAnswer::closed : CloseAnswer::already_closed;
    case Trade::State::paid:
    case Trade::State::refunded:
      return CloseAnswer::already_paid;
    case Trade::State::failed:
      return CloseAnswer::already_closed;  // for good: it cannot be paid any more
    case Trade::State::not_paid:
    case Trade::State::paying:
      break;
  }
  if (!closed) return std::unexpected(closed.error());
  return std::unexpected(Fault{Fault::Kind::retry,
                               {},
                               "the provider took the close, but says that the payment is still "
                               "open"});
}

class HttpGateway final : public Gateway {
 public:
  HttpGateway(std::unique_ptr<Protocol> protocol, GatewayOptions options, TransferSetup setup)
      : protocol_(std::move(protocol)), driver_(*protocol_, std::move(options), std::move(setup)) {}
  ~HttpGateway() override { driver_.stop(); }

  void create(NewPayment payment, Then<CreatedPayment> then) override;
  void query(std::string out_trade_no, Then<Trade> then) override;
  void close(std::string out_trade_no, Then<CloseAnswer> then) override;
  void refund(RefundOrder refund, Then<RefundProgress> then) override;
  void query_refund(std::string out_trade_no, std::string out_refund_no,
                    Then<RefundProgress> then) override;

  Result<Notification> parse(const RawNotification& raw, Instant now) const override {
    auto notification = protocol_->parse(raw, now);
    if (!notification && protocol_->wants_keys(now)) driver_.wake();
    return notification;
  }
  Acknowledgement acknowledge(Receipt receipt, std::string_view why_not) const override {
    return protocol_->acknowledge(receipt, why_not);
  }
  Health health() const override { return driver_.health(); }
  void stop() override { driver_.stop(); }

 private:
  template <class T>
  std::unique_ptr<Job> job(typename TypedJob<T>::Make make, typename TypedJob<T>::Read read,
                           Then<T> then, Steady deadline) const {
    auto made = std::make_unique<TypedJob<T>>(std::move(make), std::move(read), std::move(then));
    made->deadline = deadline;
    return made;
  }
  void submit(std::unique_ptr<Job> job) {
    if (auto fault = driver_.submit(job)) job->fail(std::move(*fault));
  }
  std::unique_ptr<Job> query_job(std::string out_trade_no, Then<Trade> then, Steady deadline) const;
  void confirm_close(std::string out_trade_no, Outcome<CloseAnswer> closed, Steady deadline,
                     Then<CloseAnswer> then);

  std::unique_ptr<Protocol> protocol_;
  mutable Driver driver_;  ///< wake() is for any thread
};

/// Why no provider takes this order number; empty where one does.
std::optional<Fault> bad_order(std::string_view out_trade_no) {
  if (wechat::valid_out_trade_no(out_trade_no)) return std::nullopt;
  return Fault{
      Fault::Kind::refused,
      {},
      fmt::format("the order number {} is not 6 to 32 of [0-9A-Za-z_-|*]", quote(out_trade_no))};
}

std::optional<Fault> bad_payment(const NewPayment& payment) {
  if (auto fault = bad_order(payment.out_trade_no)) return fault;
  if (payment.attach.size() > kMaxAttachBytes) {
    return Fault{Fault::Kind::refused,
                 {},
                 fmt::format("attach has {} bytes; the limit is {}", payment.attach.size(),
                             kMaxAttachBytes)};
  }
  if (!valid_utf8(payment.attach) || has_control(payment.attach)) {
    return Fault{Fault::Kind::refused, {}, "attach is not one line of UTF-8"};
  }
  if (payment.amount.minor <= 0 || payment.amount > kMaxPrice) {
    return Fault{Fault::Kind::refused,
                 {},
                 fmt::format("the amount {} is not 1 to {} minor units", payment.amount.minor,
                             kMaxPrice.minor)};
  }
  return std::nullopt;
}

void HttpGateway::create(NewPayment payment, Then<CreatedPayment> then) {
  if (auto fault = bad_payment(payment)) return then(std::unexpected(std::move(*fault)));
  const auto shared = std::make_shared<const NewPayment>(std::move(payment));
  submit(job<CreatedPayment>(
      [this, shared](const Moment& moment) { return protocol_->create(*shared, moment); },
      [this, shared](const HttpAnswer& answer, Instant now) {
        return protocol_->read_created(*shared, answer, now);
      },
      std::move(then), driver_.deadline()));
}

std::unique_ptr<Job> HttpGateway::query_job(std::string out_trade_no, Then<Trade> then,
                                            Steady deadline) const {
  return job<Trade>(
      [this, out_trade_no](const Moment& moment) { return protocol_->query(out_trade_no, moment); },
      [this, out_trade_no](const HttpAnswer& answer, Instant now) {
        return protocol_->read_trade(out_trade_no, answer, now);
      },
      std::move(then), deadline);
}

void HttpGateway::query(std::string out_trade_no, Then<Trade> then) {
  if (auto fault = bad_order(out_trade_no)) return then(std::unexpected(std::move(*fault)));
  submit(query_job(std::move(out_trade_no), std::move(then), driver_.deadline()));
}

void HttpGateway::close(std::string out_trade_no, Then<CloseAnswer> then) {
  if (auto fault = bad_order(out_trade_no)) return then(std::unexpected(std::move(*fault)));
  const Steady deadline = driver_.deadline();
  if (protocol_->confirms_close_by_query()) {
    then = [this, out_trade_no, deadline,
            then = std::move(then)](Outcome<CloseAnswer> closed) mutable {
      confirm_close(out_trade_no, std::move(closed), deadline, std::move(then));
    };
  }
  submit(job<CloseAnswer>(
      [this, out_trade_no](const Moment& moment) { return protocol_->close(out_trade_no, moment); },
      [this, out_trade_no](const HttpAnswer& answer, Instant now) {
        return protocol_->read_closed(out_trade_no, answer, now);
      },
      std::move(then), deadline));
}

/// A refusal is asked about too: the reason may be that the order is paid or closed.
void HttpGateway::confirm_close(std::string out_trade_no, Outcome<CloseAnswer> closed,
                                Steady deadline, Then<CloseAnswer> then) {
  if (!closed && closed.error().kind != Fault::Kind::refused) return then(std::move(closed));
  driver_.submit_next(query_job(
      std::move(out_trade_no),
      [closed = std::move(closed), then = std::move(then)](Outcome<Trade> trade) mutable {
        then(confirmed(closed, trade));
      },
      deadline));
}

void HttpGateway::refund(RefundOrder refund, Then<RefundProgress> then) {
  if (auto fault = bad_order(refund.out_trade_no)) return then(std::unexpected(std::move(*fault)));
  const auto shared = std::make_shared<const RefundOrder>(std::move(refund));
  submit(job<RefundProgress>(
      [this, shared](const Moment& moment) { return protocol_->refund(*shared, moment); },
      [this, shared](const HttpAnswer& answer, Instant now) {
        return protocol_->read_refund(*shared, answer, now);
      },
      std::move(then), driver_.deadline()));
}

void HttpGateway::query_refund(std::string out_trade_no, std::string out_refund_no,
                               Then<RefundProgress> then) {
  submit(job<RefundProgress>(
      [this, out_trade_no, out_refund_no](const Moment& moment) {
        return protocol_->query_refund(out_trade_no, out_refund_no, moment);
      },
      [this, out_refund_no](const HttpAnswer& answer, Instant now) {
        return protocol_->read_refund_query(out_refund_no, answer, now);
      },
      std::move(then), driver_.deadline()));
}

}  // namespace

Result<std::unique_ptr<Gateway>> start_gateway(std::unique_ptr<Protocol> protocol,
                                               GatewayOptions options) {
  auto setup = transfer_setup(options);
  if (!setup) return std::unexpected(setup.error());
  if (options.timeout <= Span{} || options.concurrency == 0 || options.queue_bound == 0 ||
      options.breaker_failures < 1 || options.breaker_pause < Span{}) {
    return fail("a gateway needs a timeout, a concurrency, a queue and a breaker above zero");
  }
  initialise_curl();
  return std::make_unique<HttpGateway>(std::move(protocol), std::move(options), std::move(*setup));
}

}  // namespace sluice::payment
