// Every way in which the API says no: a closed table of codes (RFC 9457 problem details).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/language.h"
#include "base/instant.h"
#include "http/message.h"

namespace sluice::api {

/// The stable `code` of a problem. The wire names are those of the contract: never rename.
enum class Code : std::uint8_t {
  unauthenticated,
  forbidden,
  rate_limited,
  idempotency_mismatch,
  unknown_item,
  unknown_sale,
  unknown_order,
  not_found,
  method_not_allowed,
  invalid_request,
  unsupported_media_type,
  not_started,
  ended,
  paused,
  already_queued,
  limit_reached,
  sold_out,
  overloaded,
  storage_full,
  storage_failed,
  already_paid,
  duplicate_id,
  too_many,
  below_committed,
  item_frozen,
  not_resolvable,
  not_paid,
  already_refunding,
  too_many_streams,
  unknown_payment,
  not_payable,
  payment_conflict,
  payment_refused,
  payment_unavailable,
  unknown_notification,
  not_replayable,
  wrong_password,
  bad_csrf_token,
  unknown_webhook,
  unknown_delivery,
  webhook_configured,
  delivery_pending,
  internal,
};
inline constexpr std::size_t kCodes = static_cast<std::size_t>(Code::internal) + 1;

std::string_view wire_name(Code code);
int status_of(Code code);
std::string_view title(Code code, Language language);
std::string_view usual_detail(Code code, Language language);
std::optional<Code> parse_code(std::string_view name);

/// The answer for `code`. `detail` replaces the usual sentence; `members` is JSON to add to the
/// object, such as `"legacy_code":100`.
http::Response problem(Code code, Language language, std::string_view detail = {},
                       std::string_view members = {});

/// Whole seconds for Retry-After: rounded up, at least 1.
std::string retry_after(Span wait);

}  // namespace sluice::api
