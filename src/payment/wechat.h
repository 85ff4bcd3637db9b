// What both versions of WeChat Pay share: error codes, times, amounts, subjects and order numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/money.h"
#include "payment/gateway.h"
#include "payment/protocol.h"

namespace sluice::payment::wechat {

inline constexpr std::size_t kMaxSubjectBytes = 127;
inline constexpr std::size_t kMaxRefundReasonBytes = 80;
/// Bodies of notifications above this are not even looked at.
inline constexpr std::size_t kMaxNotificationBytes = 64 * 1024;

/// What an error code means for the call that got it: `retry` where the provider asks for the same
/// call again, else `refused`, also for codes that are not known here.
Fault::Kind kind_of(std::string_view code);

/// A fault from what the provider says; its words are cut and cleaned.
Fault provider_fault(Fault::Kind kind, std::string_view code, std::string_view message);
Fault untrusted(std::string message);
/// A fault for the statuses that no answer of the protocol has: 5xx and 429 may pass, others are
/// not the provider's. Empty for 200.
std::optional<Fault> fault_of_status(int status);

/// "20261122220509" in UTC+8, cut to the second.
std::string v2_time(Instant at);
std::optional<Instant> parse_v2_time(std::string_view text);
/// "2026-11-22T22:05:09+08:00", cut to the second.
std::string v3_time(Instant at);

/// A whole number of minor units in [1, kMaxPrice].
std::optional<Money> parse_minor(std::string_view text);

/// 6 to 32 of [0-9A-Za-z_-|*].
bool valid_out_trade_no(std::string_view text);
/// 1 to 32 of [0-9A-Za-z].
bool valid_transaction_id(std::string_view text);

/// `text` cut to `max_bytes` at a character, on one line; `otherwise` where nothing is left of it.
std::string fitting(std::string_view text, std::size_t max_bytes, std::string_view otherwise);

/// A trade_state of either version; empty where it is unknown.
std::optional<Trade::State> trade_state(std::string_view text);

}  // namespace sluice::payment::wechat
