// Reading a payment notification's message: the JSON object with the gateway's own field names, as
// both versions of WeChat Pay name them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/instant.h"
#include "base/money.h"
#include "base/result.h"

namespace sluice::settlement {

/// Money was received.
struct PaidNotice {
  std::string out_trade_no;
  std::string transaction_id;
  Money amount;
  Currency currency;
  Instant paid_at;
};
/// The payment failed for good.
struct FailedNotice {
  std::string out_trade_no;
};
/// A refund came to an end; which one it came to is asked of the provider.
struct RefundNotice {
  std::string out_trade_no;
};
/// A state that changes nothing, such as NOTPAY.
struct OtherNotice {
  std::string out_trade_no;
};
using Notice = std::variant<PaidNotice, FailedNotice, RefundNotice, OtherNotice>;

inline constexpr std::size_t kMaxNoticeBytes = 64 * 1024;

/// v2: return_code, result_code, total_fee, fee_type (absent: CNY), time_end. v3: trade_state,
/// amount {total, currency}, success_time; also flattened as "amount.total". Numbers may be text.
/// Errors: not one JSON object, a member twice, members that contradict or are missing or not in
/// their form.
Result<Notice> parse_notice(std::string_view body);

}  // namespace sluice::settlement
