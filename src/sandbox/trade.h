// What the sandbox knows of one order: what was asked for, what became of it, and every call and
// notification attempt that concerned it.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/money.h"
#include "payment/signature.h"

namespace sluice::sandbox {

using payment::SignType;

/// The API that created an order; its notifications have that API's form.
enum class Api : std::uint8_t { v2, v3 };

enum class TradeState : std::uint8_t { not_paid, paid, refunded, closed, failed };
/// NOTPAY, SUCCESS, REFUND, CLOSED, PAYERROR.
std::string_view name(TradeState state);

/// Why a call comes to nothing. Each API has its own code for it.
enum class Why : std::uint8_t {
  injected,          ///< an error that was asked for through the control
  unknown_order,     ///< no such order
  unknown_refund,    ///< no such refund
  paid,              ///< the order is paid (or was, and is refunded)
  closed,            ///< the order is closed
  failed,            ///< the payer declined
  expired,           ///< past time_expire
  not_paid,          ///< nothing to refund
  different,         ///< the number was used with other parameters
  other_api,         ///< the number was used through the other API
  amount,            ///< more than what is left to refund, or another total
  too_many_refunds,  ///< above kMaxRefunds
  full,              ///< kMaxOrders unfinished orders
};

/// injected, unknown_order, …
std::string_view name(Why why);

struct Refusal {
  Why why = Why::unknown_order;
  std::string code = {};  ///< with `injected`: the provider's code that was asked for
};

/// At most this many partial refunds of one order, as documented.
inline constexpr std::size_t kMaxRefunds = 50;
/// Everybody who pays is this person.
inline constexpr std::string_view kPayer = "oSandboxPayer000000000000001";

/// What a merchant asks for when an order is created. A repetition must be equal to the first.
struct OrderRequest {
  Api api = Api::v3;
  SignType sign_type = SignType::md5;  ///< v2: how its notifications are signed
  std::string out_trade_no;
  std::string description;
  std::string detail;
  std::string attach;
  std::string product_id;
  std::string notify_url;
  std::string time_start;  ///< v2, as it was written
  Money total;
  Currency currency;
  std::optional<Instant> time_expire;
};
/// Equal in all that a repetition may not change (the sign type may).
bool same_parameters(const OrderRequest& a, const OrderRequest& b);

struct RefundRequest {
  std::string out_trade_no;    ///< or
  std::string transaction_id;  ///< one of both
  std::string out_refund_no;
  Money total;
  Money amount;
  Currency currency;
  std::string reason;
  std::string notify_url;  ///< empty: no notification
  SignType sign_type = SignType::md5;
};

struct Refund {
  std::string refund_id;
  std::string out_refund_no;
  Money amount;
  std::string reason;
  std::string notify_url;
  SignType sign_type = SignType::md5;  ///< v2: how its notification is signed
  Instant at;
};

struct Trade {
  std::uint64_t sequence = 0;  ///< order of creation
  OrderRequest asked;
  std::string code;  ///< of the page behind code_url
  std::string prepay_id;
  Instant created_at;
  TradeState state = TradeState::not_paid;
  Money paid;  ///< what the payer paid; may differ from asked.total through the control
  Instant paid_at;
  std::string transaction_id;
  std::optional<Instant> closed_at;
  std::vector<Refund> refunds;

  bool was_paid() const { return state == TradeState::paid || state == TradeState::refunded; }
  bool expired(Instant now) const { return asked.time_expire && now > *asked.time_expire; }
  Money refunded() const;
};

enum class What : std::uint8_t {
  created,
  create_repeated,
  create_refused,
  queried,
  close_asked,
  closed,
  close_refused,
  paid,
  pay_refused,
  declined,
  refund_asked,
  refunded,
  refund_refused,
  refund_queried,
  notify_acknowledged,
  notify_given_up,
};
/// created, create_repeated, …
std::string_view name(What what);

/// Something that happened to an order. Repetitions in a row are counted in one.
struct Event {
  Instant at;
  Instant last;
  std::uint32_t times = 1;
  What what = What::created;
  std::string detail;
};

/// One notification that was sent, or lost on purpose.
struct Attempt {
  enum class Kind : std::uint8_t { sent, copy, forged, dropped };
  Kind kind = Kind::sent;
  bool of_refund = false;
  bool acknowledged = false;
  std::int16_t status = 0;  ///< HTTP; 0: no answer
  std::int32_t took_ms = 0;
  Instant at;
  std::shared_ptr<const std::string> answer;  ///< the body, or why there is none; cut
};
/// sent, copy, forged, dropped.
std::string_view name(Attempt::Kind kind);

inline constexpr std::size_t kMaxEvents = 200;       ///< listed per order; more are counted
inline constexpr std::size_t kMaxAttempts = 2'000;   ///< the same
inline constexpr std::size_t kMaxAnswerBytes = 512;  ///< of an answer that are kept

struct History {
  std::vector<Event> events;
  std::uint64_t events_not_listed = 0;
  std::vector<Attempt> attempts;
  std::uint64_t attempts_not_listed = 0;
  std::uint64_t acknowledged = 0;  ///< attempts that were, listed or not
};

struct Order {
  Trade trade;
  History history;
  std::uint32_t open_notices = 0;  ///< notifications that are still to be acknowledged
};

template <class T>
using Outcome = std::expected<T, Refusal>;

}  // namespace sluice::sandbox
