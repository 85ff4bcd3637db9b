// The fields of WeChat Pay v2: what requests bring, what answers and notifications say.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "payment/gateway.h"
#include "sandbox/trade.h"

namespace sluice::sandbox {

/// Whether `text` is an http or https address without control characters and spaces.
bool valid_notify_url(std::string_view text, std::size_t max_bytes);

/// Of UTF-8.
std::size_t count_characters(std::string_view text);

/// What a person is told about the state.
std::string_view description_of(TradeState state);

/// Fields that are there have been checked for emptiness. The error names the field and its rule.
Result<OrderRequest> read_v2_order(const payment::Fields& fields, Instant now);
Result<RefundRequest> read_v2_refund(const payment::Fields& fields);

/// openid, total_fee, transaction_id, time_end, …; nothing for an order that was not paid.
void append_v2_payment(payment::Fields& fields, const Trade& trade);
/// refund_count, out_refund_no_0, refund_fee_0, refund_status_0, …
void append_v2_refunds(payment::Fields& fields, const Trade& trade,
                       const std::vector<Refund>& refunds);

/// What a payment's notification says, without sign.
payment::Fields v2_payment_notice(const Trade& trade, std::string_view appid,
                                  std::string_view mch_id, bool omit_sign_type);
/// What a refund's says: no sign, but req_info encrypted with the API key.
payment::Fields v2_refund_notice(const Trade& trade, const Refund& refund, std::string_view appid,
                                 std::string_view mch_id, std::string_view api_key);

}  // namespace sluice::sandbox
