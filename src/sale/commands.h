// The commands of the core and the closed set of outcomes of each, in order of precedence: the
// first outcome whose condition holds is the one returned. Tests go through them in this order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "base/quantity.h"
#include "sale/catalog.h"
#include "sale/effects.h"
#include "sale/order.h"

namespace sluice::sale {

/// Who gave an operator's command, and why; both end up in the audit log.
struct Operator {
  std::string name;
  std::string reason;
};

// ---- the shopper -------------------------------------------------------------------------------

struct Grab {
  std::string user;
  ItemNo item;
  std::int64_t quantity = 1;
  RequestKey request;
};
enum class GrabOutcome : std::uint8_t {
  replayed,      ///< this request key already made this order: the order is returned
  key_mismatch,  ///< this request key made an order for another item or quantity
  unknown_item,
  invalid_quantity,  ///< below 1, above kMaxStock, or costing more than 2^63 - 1 minor units
  not_started,       ///< unless the sale was cancelled before it began: that is `ended`
  ended,
  paused,          ///< by the operator, or the item is frozen
  already_queued,  ///< an undecided or unpaid order in this sale: that order is returned
  limit_reached,
  sold_out,  ///< fewer units left than asked for
  granted,
};

/// What the window and the switches say of a grab: not_started, ended or paused; empty: go on.
/// Shared with the engines' read-only refusals so that both answer alike.
std::optional<GrabOutcome> window_refusal(const Sale& sale, bool frozen, Instant now);

struct CancelByUser {
  std::string user;
  OrderId order;
};
enum class CancelOutcome : std::uint8_t {
  unknown_order,    ///< no such order, or another shopper's
  already_closing,  ///< being given up already; nothing changed
  already_ended,    ///< expired or cancelled before; nothing changed
  already_paid,     ///< paid or refunded: only the operator can give money back
  closing,          ///< the payment is being closed at the provider first
  cancelled,        ///< given up, the unit is on sale again
};

// ---- payments ----------------------------------------------------------------------------------

/// A payment is about to be created at the provider; from here on closing must ask the provider.
struct BeginPayment {
  std::string user;
  OrderId order;
};
enum class BeginPaymentOutcome : std::uint8_t { unknown_order, not_awaiting, past_deadline, begun };

/// The provider says that this order was paid. The caller has verified signature and merchant.
struct PaymentSucceeded {
  OrderId order;
  std::string transaction_id;
  Money amount;
  Currency currency;
  Instant paid_at;
};
enum class PaymentOutcome : std::uint8_t {
  unknown_order,
  currency_mismatch,   ///< nothing changed; an incident for a person
  amount_mismatch,     ///< nothing changed; an incident for a person
  already_applied,     ///< the same transaction again; nothing changed
  second_transaction,  ///< the order is settled by another transaction; an incident for a person
  transaction_reused,  ///< this transaction settled another order; an incident for a person
  paid,                ///< a held order became paid
  paid_late,           ///< the order had been given up and a unit was free: paid again
  refund_due,          ///< the order had been given up and no unit was free: money goes back
};

/// The provider says that the payment failed for good: the order is given up.
struct PaymentFailed {
  OrderId order;
};
enum class PaymentFailedOutcome : std::uint8_t { unknown_order, not_awaiting, closing, cancelled };

/// What the provider said when asked to close an order's payment.
struct PaymentClosed {
  enum class Answer : std::uint8_t { closed, already_paid, retry };
  OrderId order;
  Answer answer = Answer::closed;
  std::optional<PaymentSucceeded> payment;  ///< present with already_paid
};
enum class PaymentClosedOutcome : std::uint8_t {
  unknown_order,
  not_closing,      ///< nothing to close (a repeated answer); nothing changed
  payment_refused,  ///< already_paid without a matching payment, or by a transaction that settled
                    ///< another order: an incident. A payment that was told is for a person at
                    ///< once; without one the provider is asked again like retry
  paid,
  expired,
  cancelled,
  retry_later,
  needs_person,  ///< the attempts are used up: listed for a person, the unit stays held
};

/// What the provider finally said of a refund.
struct RefundFinished {
  OrderId order;
  bool succeeded = true;
};
enum class RefundFinishedOutcome : std::uint8_t { unknown_order, not_refunding, failed, refunded };

// ---- the operator ------------------------------------------------------------------------------

struct ItemDraft {
  std::string id;  ///< empty: the core assigns one
  std::string title;
  std::string image_url;
  std::string description;
  Money price;
  Money list_price;
  Currency currency;
  Quantity stock;
  Quantity per_user_limit{1};
};

struct OpenSale {
  Operator by;
  std::string id;  ///< empty: the core assigns one
  std::string title;
  Instant starts_at;
  Instant ends_at;
  Span hold = Span::seconds(1800);
  std::vector<ItemDraft> items;
};
enum class OpenSaleOutcome : std::uint8_t {
  too_many,  ///< kMaxSales, kMaxItems or kMaxItemsPerSale would be passed
  invalid_id,
  duplicate_id,    ///< a sale or an item of that id exists, or is named twice
  invalid_text,    ///< a title is empty, or a text is too long, not UTF-8, or has control bytes
  invalid_window,  ///< ends_at is not after starts_at, or either is outside 1970 to 9999
  invalid_hold,
  invalid_price,  ///< price below 1, list price below 0, or either above kMaxPrice
  invalid_stock,  ///< stock below 0 or above kMaxStock
  invalid_limit,  ///< per-user limit below 1 or above kMaxStock
  opened,
};

/// Adds one item to a sale that has not ended.
struct AddItem {
  Operator by;
  SaleNo sale;
  ItemDraft item;
};
enum class AddItemOutcome : std::uint8_t {
  unknown_sale,
  ended,
  too_many,
  invalid_id,
  duplicate_id,
  invalid_text,
  invalid_price,
  invalid_stock,
  invalid_limit,
  added,
};

/// Absent fields stay as they are. A change of hold applies to orders granted from now on.
struct ChangeSale {
  Operator by;
  SaleNo sale;
  std::optional<std::string> title;
  std::optional<Instant> starts_at;
  std::optional<Instant> ends_at;
  std::optional<Span> hold;
};
enum class ChangeSaleOutcome : std::uint8_t {
  unknown_sale,
  cancelled,
  invalid_text,
  invalid_window,
  invalid_hold,
  unchanged,
  changed,
};

/// Absent fields stay as they are. Price changes apply to orders granted from now on.
struct ChangeItem {
  Operator by;
  ItemNo item;
  std::optional<std::string> title;
  std::optional<std::string> image_url;
  std::optional<std::string> description;
  std::optional<Money> price;
  std::optional<Money> list_price;
  std::optional<Quantity> per_user_limit;
};
enum class ChangeItemOutcome : std::uint8_t {
  unknown_item,
  invalid_text,
  invalid_price,
  invalid_limit,
  unchanged,
  changed,
};

struct PauseSale {
  Operator by;
  SaleNo sale;
  bool paused = true;  ///< false resumes
};
enum class PauseSaleOutcome : std::uint8_t { unknown_sale, ended, unchanged, changed };

/// Ends a sale now. Its unpaid orders are given up by the pulses that follow.
struct CancelSale {
  Operator by;
  SaleNo sale;
};
enum class CancelSaleOutcome : std::uint8_t { unknown_sale, unchanged, cancelled };

struct AdjustStock {
  Operator by;
  ItemNo item;
  Quantity stock;  ///< the new total
};
enum class AdjustStockOutcome : std::uint8_t {
  unknown_item,
  frozen,
  invalid_stock,
  below_committed,
  unchanged,
  adjusted,
};

/// A person decides about an order that needs one (or is still closing).
struct Resolve {
  enum class Action : std::uint8_t { retry_close, mark_paid, release };
  Operator by;
  OrderId order;
  Action action = Action::retry_close;
  std::string evidence;  ///< with mark_paid: the transaction id that proves the payment
};
enum class ResolveOutcome : std::uint8_t {
  unknown_order,
  not_resolvable,
  missing_evidence,
  evidence_used,  ///< the transaction settled another order
  retrying,
  paid,
  released,
};

struct Refund {
  Operator by;
  OrderId order;
};
enum class RefundOutcome : std::uint8_t {
  unknown_order,
  not_paid,
  already_refunding,  ///< or refunded; one under way is asked for again, as it may have failed
  no_gateway,         ///< nobody here can give the money back; nothing changed
  refunding,
};

/// An operator changed something that is not the sale's, such as where webhooks go: it belongs into
/// the audit log with everything else.
struct Note {
  Operator by;
  std::string action;   ///< of another room: never "sale.…", "item.…" or "order.…"
  std::string subject;  ///< valid UTF-8, as everything here
  std::vector<FieldChange> changes;
};
enum class NoteOutcome : std::uint8_t { noted };

// ---- time --------------------------------------------------------------------------------------

/// Expires what is due, gives up orders of cancelled sales, and asks again for closings whose
/// retry is due; at most `most` orders, so that a million due at once cannot stall a batch.
struct Pulse {
  std::uint32_t most = 4096;
};
struct PulseOutcome {
  std::uint32_t expired = 0;  ///< given up outright: expired, or cancelled with their sale
  std::uint32_t closing = 0;  ///< given up as soon as the provider has closed the payment
  bool more = false;          ///< the budget ended before the work: pulse again soon
};

using Command =
    std::variant<Grab, CancelByUser, BeginPayment, PaymentSucceeded, PaymentFailed, PaymentClosed,
                 RefundFinished, OpenSale, AddItem, ChangeSale, ChangeItem, PauseSale, CancelSale,
                 AdjustStock, Resolve, Refund, Note, Pulse>;

using Outcome = std::variant<GrabOutcome, CancelOutcome, BeginPaymentOutcome, PaymentOutcome,
                             PaymentFailedOutcome, PaymentClosedOutcome, RefundFinishedOutcome,
                             OpenSaleOutcome, AddItemOutcome, ChangeSaleOutcome, ChangeItemOutcome,
                             PauseSaleOutcome, CancelSaleOutcome, AdjustStockOutcome,
                             ResolveOutcome, RefundOutcome, NoteOutcome, PulseOutcome>;

}  // namespace sluice::sale
