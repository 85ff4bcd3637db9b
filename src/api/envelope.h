// The answers of the payment service: the tutorial's envelope {"flag","code","message","data"}.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include "api/exchange.h"
#include "payment/gateway.h"

namespace sluice::api {

inline constexpr int kEnvelopeSuccess = 20'000;
inline constexpr int kEnvelopeFailure = 20'001;

/// What `data` holds; of two members with one name the first counts.
using EnvelopeData = payment::Fields;

void send_envelope(Exchange& exchange, Words message, const EnvelopeData& data);

/// flag false. `data` gets `error`, the stable code, in front. The status of the answer is 200
/// where the caller did nothing wrong and the provider said no or nothing: the tutorial's clients
/// look at the flag. What is wrong with the request keeps the code's own status.
void fail_envelope(Exchange& exchange, Code code, Words message, const EnvelopeData& data = {});

/// The same with a given status.
void fail_envelope(Exchange& exchange, int status, Code code, Words message,
                   const EnvelopeData& data = {});

}  // namespace sluice::api
