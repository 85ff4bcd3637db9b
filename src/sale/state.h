// The deterministic heart: apply(command, now) -> outcome and effects. No clock, I/O, thread, log
// or random number inside; the same commands at the same instants give the same state on any
// machine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"
#include "sale/catalog.h"
#include "sale/commands.h"
#include "sale/effects.h"
#include "sale/order.h"

namespace sluice::sale {

/// What is fixed for the life of a state.
struct Settings {
  /// With a gateway, a payment is closed at the provider before its unit goes back. Without one, an
  /// order ends by its deadline alone.
  bool has_gateway = false;
  std::uint16_t node = 0;       ///< 0 to 1023, part of every order id
  std::uint64_t hash_seed = 0;  ///< keys the user table; random in production
  std::uint8_t max_close_attempts = 10;
  Span first_close_retry = Span::seconds(2);  ///< doubles with each attempt
  Span last_close_retry = Span::seconds(300);
};

/// An order as the record gives it back at start.
struct StoredOrder {
  OrderId id;
  std::string_view user;
  ItemNo item;
  std::int64_t quantity = 1;
  Money amount;
  Instant created_at;
  Instant expires_at;
  OrderStatus status = OrderStatus::awaiting_payment;
  EndReason reason = EndReason::none;
  std::uint8_t close_attempts = 0;
  bool unit_sold = false;
  RequestKey request;
  std::string_view transaction_id;  ///< empty: no settlement
  Instant paid_at;
  Money paid_amount;
};

/// All sales, items, shoppers and orders of one engine. Owned by one thread; not thread-safe.
class State {
 public:
  explicit State(const Settings& settings);
  ~State();
  State(State&&) noexcept;
  State& operator=(State&&) noexcept;

  // Each command appends to `effects` what it leaves to be done. `now` need not be monotonic. After
  // every command the touched items are checked for conservation; a violation freezes the item,
  // appends an alarm, and does nothing else.
  GrabOutcome apply(const Grab& command, Instant now, Effects& effects, OrderSlot& order);
  CancelOutcome apply(const CancelByUser& command, Instant now, Effects& effects);
  BeginPaymentOutcome apply(const BeginPayment& command, Instant now, Effects& effects);
  PaymentOutcome apply(const PaymentSucceeded& command, Instant now, Effects& effects);
  PaymentFailedOutcome apply(const PaymentFailed& command, Instant now, Effects& effects);
  PaymentClosedOutcome apply(const PaymentClosed& command, Instant now, Effects& effects);
  RefundFinishedOutcome apply(const RefundFinished& command, Instant now, Effects& effects);
  OpenSaleOutcome apply(const OpenSale& command, Instant now, Effects& effects, SaleNo& sale);
  AddItemOutcome apply(const AddItem& command, Instant now, Effects& effects, ItemNo& item);
  ChangeSaleOutcome apply(const ChangeSale& command, Instant now, Effects& effects);
  ChangeItemOutcome apply(const ChangeItem& command, Instant now, Effects& effects);
  PauseSaleOutcome apply(const PauseSale& command, Instant now, Effects& effects);
  CancelSaleOutcome apply(const CancelSale& command, Instant now, Effects& effects);
  AdjustStockOutcome apply(const AdjustStock& command, Instant now, Effects& effects);
  ResolveOutcome apply(const Resolve& command, Instant now, Effects& effects);
  RefundOutcome apply(const Refund& command, Instant now, Effects& effects);
  NoteOutcome apply(const Note& command, Instant now, Effects& effects);
  PulseOutcome apply(const Pulse& command, Instant now, Effects& effects);

  // Reading. References stay valid until the next command.
  std::span<const Sale> sales() const;  ///< index == SaleNo.value
  std::span<const Item> items() const;  ///< index == ItemNo.value
  const Sale* find_sale(std::string_view id) const;
  const Item* find_item(std::string_view id) const;
  std::uint32_t order_count() const;
  const Order& order(OrderSlot slot) const;  ///< slot < order_count()
  OrderSlot find_order(OrderId id) const;    ///< kNoOrder where there is none
  std::string_view user_name(UserNo user) const;
  std::uint32_t user_count() const;
  /// The shopper's newest order, or kNoOrder; the rest by Order::previous_of_user.
  OrderSlot newest_order_of(std::string_view user) const;
  const Settlement* settlement(OrderSlot slot) const;
  /// The request key that made this order, if one was sent.
  RequestKey request_key(OrderSlot slot) const;
  /// The earliest instant at which a pulse has something to do; empty: nothing is scheduled.
  std::optional<Instant> next_pulse() const;

  // Recovery: sales, then items, then orders in order of id, then finish_restore(). Each says what
  // is wrong with what it was given.
  Result<> restore(const Sale& sale);
  Result<> restore(const Item& item);
  Result<> restore(const StoredOrder& order);
  /// Compares every item's counters with its orders; asks again for closings and refunds that were
  /// under way. A difference freezes the item and raises an alarm.
  void finish_restore(Instant now, Effects& effects);

  /// A hash over everything that the record holds: equal for a live state and its recovered copy,
  /// and for two runs of the same commands.
  std::uint64_t digest() const;

  /// Bytes held per part, for metrics and the memory budget.
  struct Memory {
    std::size_t users = 0;
    std::size_t orders = 0;
    std::size_t requests = 0;
    std::size_t settlements = 0;
  };
  Memory memory() const;

 private:
  friend struct StateTestAccess;  // lets tests break a counter to see the alarm
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::sale
