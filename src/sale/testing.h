// What the tests of the core share: a small world with one open sale, and the way in to its
// insides.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "sale/parts.h"
#include "sale/state.h"

namespace sluice::sale {

/// Reaches behind State's back, to break what no command can break.
struct StateTestAccess {
  static Counters& counters(State& state, ItemNo item) {
    return state.parts_->items[item.value].counters;
  }
  static State::Parts& parts(State& state) { return *state.parts_; }
};

namespace testing {

inline constexpr Instant kOpen{1'800'000'000'000};  // 2027-01-15T08:00:00Z
inline constexpr Span kWindow = Span::seconds(7200);
inline constexpr Instant kEnd = kOpen + kWindow;
inline constexpr Span kHold = Span::seconds(1800);
inline Operator by_olga() {
  return {"olga", "because"};
}

inline ItemDraft draft(std::int64_t stock, std::int64_t limit = 1, std::string id = {}) {
  ItemDraft item;
  item.id = std::move(id);
  item.title = "A thing";
  item.price = Money{1999};
  item.list_price = Money{2999};
  item.stock = Quantity{stock};
  item.per_user_limit = Quantity{limit};
  return item;
}

inline OpenSale opening(std::vector<ItemDraft> items, std::string id = {}) {
  OpenSale command;
  command.by = by_olga();
  command.id = std::move(id);
  command.title = "A sale";
  command.starts_at = kOpen;
  command.ends_at = kEnd;
  command.hold = kHold;
  command.items = std::move(items);
  return command;
}

inline Settings with_gateway() {
  Settings settings;
  settings.has_gateway = true;
  return settings;
}

/// Feeds everything that `from` tells about itself to a new state, as the record would.
inline State restored(const State& from, const Settings& settings, Instant now, Effects& effects) {
  State to(settings);
  for (const Sale& sale : from.sales())
    EXPECT_TRUE(to.restore(sale));
  for (const Item& item : from.items())
    EXPECT_TRUE(to.restore(item));
  for (OrderSlot slot = 0; slot < from.order_count(); ++slot) {
    const Order& order = from.order(slot);
    StoredOrder row;
    row.id = order.id;
    row.user = from.user_name(order.user);
    row.item = order.item;
    row.quantity = order.quantity;
    row.amount = order.amount;
    row.created_at = order.created_at;
    row.expires_at = order.expires_at;
    row.status = order.status;
    row.reason = order.reason;
    row.close_attempts = order.close_attempts;
    row.unit_sold = order.unit_sold;
    row.request = from.request_key(slot);
    if (const Settlement* paid = from.settlement(slot)) {
      row.transaction_id = paid->transaction_id;
      row.paid_at = paid->paid_at;
      row.paid_amount = paid->amount;
    }
    const auto result = to.restore(row);
    EXPECT_TRUE(result) << result.error().message;
  }
  to.finish_restore(now, effects);
  return to;
}

/// A state with one sale of the given items, and one line per command.
struct World {
  explicit World(std::vector<ItemDraft> items, const Settings& chosen = {})
      : settings(chosen), state(chosen) {
    SaleNo sale;
    EXPECT_EQ(state.apply(opening(std::move(items)), now, effects, sale), OpenSaleOutcome::opened);
    effects.clear();
  }

  GrabOutcome grab(const std::string& user, std::uint32_t item = 0, std::int64_t quantity = 1,
                   RequestKey request = {}) {
    effects.clear();
    return state.apply(Grab{user, ItemNo{item}, quantity, request}, now, effects, slot);
  }
  /// Grabs and expects to win; the new order's id.
  OrderId win(const std::string& user, std::uint32_t item = 0, std::int64_t quantity = 1) {
    EXPECT_EQ(grab(user, item, quantity), GrabOutcome::granted) << user;
    return slot == kNoOrder ? OrderId{} : state.order(slot).id;
  }
  template <class C>
  auto apply(const C& command) {
    effects.clear();
    return state.apply(command, now, effects);
  }
  PaymentSucceeded payment(OrderId id, std::string transaction = "T1") const {
    PaymentSucceeded paid;
    paid.order = id;
    paid.transaction_id = std::move(transaction);
    const OrderSlot at = state.find_order(id);
    paid.amount = at == kNoOrder ? Money{1} : state.order(at).amount;
    paid.paid_at = now;
    return paid;
  }
  PaymentOutcome pay(OrderId id, std::string transaction = "T1") {
    return apply(payment(id, std::move(transaction)));
  }
  PaymentClosedOutcome close(OrderId id, PaymentClosed::Answer answer) {
    return apply(PaymentClosed{id, answer, std::nullopt});
  }
  CancelOutcome cancel(const std::string& user, OrderId id) {
    return apply(CancelByUser{user, id});
  }
  PulseOutcome pulse(std::uint32_t most = 4096) { return apply(Pulse{most}); }

  const Order& order(OrderId id) const { return state.order(state.find_order(id)); }
  OrderStatus status(OrderId id) const { return order(id).status; }
  Counters units(std::uint32_t item = 0) const { return state.items()[item].counters; }
  std::vector<HistoryEvent> events() const {
    std::vector<HistoryEvent> all;
    all.reserve(effects.orders.size());
    for (const OrderChange& change : effects.orders)
      all.push_back(change.event);
    return all;
  }

  Settings settings;
  State state;
  Effects effects;
  Instant now = kOpen;
  OrderSlot slot = kNoOrder;
};

/// The changes of an audit entry, one "field: before -> after" each.
inline std::vector<std::string> texts(const Audit& audit) {
  std::vector<std::string> all;
  all.reserve(audit.changes.size());
  for (const FieldChange& change : audit.changes) {
    all.push_back(change.field + ": " + change.before + " -> " + change.after);
  }
  return all;
}

}  // namespace testing

inline Counters units(std::int64_t stock, std::int64_t available, std::int64_t held,
                      std::int64_t sold, std::int64_t refunded = 0) {
  return {Quantity{stock}, Quantity{available}, Quantity{held}, Quantity{sold}, Quantity{refunded}};
}

inline void PrintTo(const Counters& c, std::ostream* out) {
  *out << "{stock " << c.stock.units << ", available " << c.available.units << ", held "
       << c.held.units << ", sold " << c.sold.units << ", refunded " << c.refunded.units << "}";
}
inline void PrintTo(OrderStatus status, std::ostream* out) {
  *out << to_operator_text(status);
}
inline void PrintTo(HistoryEvent event, std::ostream* out) {
  *out << to_text(event);
}

}  // namespace sluice::sale
