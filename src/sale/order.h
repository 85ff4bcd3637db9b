// One order: who holds what until when, and how far its payment got.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "base/quantity.h"

namespace sluice::sale {

/// Where an order stands. The numbers are stored in the record: never renumber.
enum class OrderStatus : std::uint8_t {
  queued = 1,            ///< accepted into a queue, not decided (cluster engine only)
  awaiting_payment = 2,  ///< a unit is held until expires_at
  closing = 3,           ///< the payment is being closed at the provider; the unit is still held
  needs_person = 4,      ///< closing kept failing; the unit is still held; shown as `closing`
  paid = 5,
  refunding = 6,
  refunded = 7,
  expired = 8,
  cancelled = 9,
  failed = 10,  ///< never granted (cluster engine only)
};

/// Why an order ended, or is ending, other than by being paid. Stored: never renumber.
enum class EndReason : std::uint8_t {
  none = 0,
  deadline = 1,          ///< not paid in time
  user = 2,              ///< the shopper gave it back
  sale_cancelled = 3,    ///< the operator cancelled the sale
  payment_failed = 4,    ///< the provider said the payment failed
  operator_release = 5,  ///< a person released the unit
  late_money = 6,        ///< money came after the unit was gone; it goes back
  operator_refund = 7,   ///< a person refunded it
};

/// Wire name of the status as the shopper sees it (needs_person reads "closing").
const char* to_text(OrderStatus status);
/// Name for operators and the record, where needs_person is told apart.
const char* to_operator_text(OrderStatus status);
const char* to_text(EndReason reason);
/// The inverse of to_operator_text; empty for any other word.
std::optional<OrderStatus> parse_order_status(std::string_view text);
/// The tutorial's status numbers, 1 to 5.
int status_code(OrderStatus status);

/// Whether a unit is held for an order in this status.
constexpr bool holds_unit(OrderStatus status) {
  return status == OrderStatus::awaiting_payment || status == OrderStatus::closing ||
         status == OrderStatus::needs_person;
}
/// Whether the shopper must settle this order before queueing again in the same sale.
constexpr bool blocks_queueing(OrderStatus status) {
  return status == OrderStatus::queued || holds_unit(status);
}

/// Position of an order in the state; dense, in order of creation.
using OrderSlot = std::uint32_t;
inline constexpr OrderSlot kNoOrder = 0xffff'ffff;

/// The hot part of an order, kept in memory for every order: 64 bytes at most.
struct Order {
  OrderId id;
  Money amount;
  Instant created_at;
  Instant expires_at;
  UserNo user;
  ItemNo item;
  OrderSlot previous_of_user = kNoOrder;  ///< the same shopper's order before this one
  OrderSlot next_due = kNoOrder;          ///< link of the deadline bucket this order waits in
  OrderSlot next_counting = kNoOrder;     ///< link of the shopper's orders that hold or own units
  std::int32_t quantity = 1;
  OrderStatus status = OrderStatus::awaiting_payment;
  EndReason reason = EndReason::none;
  std::uint8_t close_attempts = 0;  ///< closings at the provider that failed so far
  bool unit_sold = false;           ///< its units count as sold (paid, or being refunded)
};
static_assert(sizeof(Order) <= 64);

/// What is known of the money of an order; only orders that saw a payment have one.
struct Settlement {
  std::string transaction_id;
  Instant paid_at;
  Money amount;
};

/// 128 bits that stand for (user, Idempotency-Key); computed at the edge with a cryptographic hash.
/// All zero means "no key was sent".
struct RequestKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  constexpr explicit operator bool() const { return (high | low) != 0; }
  constexpr auto operator<=>(const RequestKey&) const = default;
};

}  // namespace sluice::sale
