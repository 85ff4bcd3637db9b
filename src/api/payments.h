// How handlers reach the payment rooms, and how their answers come back to the I/O thread.
#pragma once

#include <expected>
#include <utility>

#include "api/context.h"
#include "payment/service.h"
#include "settlement/desk.h"

namespace sluice::api {

/// The payment rooms; null while there are none.
inline const Payments* payments_of(const Context& context) {
  return context.shared->payments.load(std::memory_order_acquire);
}

/// The same; where there are none, the exchange has been answered with the reason.
const Payments* payments_or_fail(Context& context, Exchange& exchange);
/// That reason: not configured, or not started yet.
Words why_no_payments(const Context& context);

/// Carries the exchange through a call of the payment service: `then` gets it back on this thread,
/// with the service's answer.
template <class T, class Then>
payment::Answer<T> bring_back(Context& context, Exchange&& exchange, Then then) {
  return [&mailbox = context.mailbox, exchange = std::move(exchange),
          then = std::move(then)](std::expected<T, payment::ServiceError> answer) mutable {
    mailbox.post(
        [exchange = std::move(exchange), then = std::move(then),
         answer = std::move(answer)]() mutable { then(std::move(exchange), std::move(answer)); });
  };
}

/// What to tell a client whose payment could not begin.
struct BeginRefusal {
  Code code;
  Words detail;
};
BeginRefusal refusal_of(settlement::BeginError error);

/// What to tell a client for whom the payment service failed.
Code code_of(const payment::ServiceError& error);
/// Answers so; what is the operator's to know goes to the log.
void fail_service(Exchange& exchange, const payment::ServiceError& error);

/// Whether the shopper may still pay.
inline bool payable(const sale::OrderView& order, Instant now) {
  return order.status == sale::OrderStatus::awaiting_payment && now < order.expires_at;
}

/// Whether the shopper may still pay with this payment of the order.
bool payable(const std::optional<payment::Payment>& payment, const sale::OrderView& order,
             Instant now);

/// `text` where it is UTF-8, else what can be shown of it: for JSON.
std::string shown_text(const std::string& text);

}  // namespace sluice::api
