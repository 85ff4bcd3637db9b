// What the routes of the payment service share.
#pragma once

#include <string>

#include "api/envelope.h"
#include "api/payments.h"
#include "api/query.h"
#include "api/routes.h"

namespace sluice::api {

/// Bounds of an out_trade_no, see payment::NewPayment.
inline constexpr std::size_t kMinTradeNo = 6;
inline constexpr std::size_t kMaxTradeNo = 32;

/// `outtradeno`, checked; what is wrong with it is the query's fault.
std::string read_out_trade_no(QueryReader& query);

/// The payment rooms; where there are none, the exchange has been answered with an envelope.
const Payments* payments_or_fail_envelope(Context& context, Exchange& exchange);

/// Answers with what the payment service could not do.
void fail_envelope(Exchange& exchange, const payment::ServiceError& error);

}  // namespace sluice::api
