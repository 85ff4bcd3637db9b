// The steps of an order's life that several commands share, each with its counters and effects.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sale/parts.h"

namespace sluice::sale {

namespace {

Quantity units_of(const Order& order) {
  return Quantity{order.quantity};
}

}  // namespace

void State::Parts::note(OrderSlot slot, HistoryEvent event, Instant now, Effects& effects,
                        std::string actor, std::string detail) {
  effects.orders.push_back(OrderChange{slot, event, now, std::move(actor), std::move(detail)});
}

void State::Parts::start_counting(OrderSlot slot) {
  User& user = users[orders[slot].user];
  orders[slot].next_counting = user.counting;
  user.counting = slot;
}

void State::Parts::stop_counting(OrderSlot slot) {
  OrderSlot* link = &users[orders[slot].user].counting;
  while (*link != slot) {
    SLUICE_ASSERT(*link != kNoOrder, "an order that counts is in its shopper's list");
    link = &orders[*link].next_counting;
  }
  *link = orders[slot].next_counting;
  orders[slot].next_counting = kNoOrder;
}

OrderSlot State::Parts::held_order_in(UserNo user, SaleNo sale) const {
  for (OrderSlot at = users[user].counting; at != kNoOrder; at = orders[at].next_counting) {
    const Order& order = orders[at];
    if (holds_unit(order.status) && items[order.item.value].sale == sale) return at;
  }
  return kNoOrder;
}

Quantity State::Parts::counted_units(UserNo user, ItemNo item) const {
  Quantity units;
  for (OrderSlot at = users[user].counting; at != kNoOrder; at = orders[at].next_counting) {
    if (orders[at].item == item) units += units_of(orders[at]);
  }
  return units;
}

OrderSlot State::Parts::add_order(Order order, const UserTable::Key& key,
                                  const RequestKey& request) {
  const std::optional<UserNo> known = users.find(key);
  order.user = known ? *known : users.add(key);
  User& user = users[order.user];
  order.previous_of_user = user.newest;
  const OrderSlot slot = orders.add(order);
  user.newest = slot;
  if (holds_unit(order.status) || order.unit_sold) start_counting(slot);
  if (order.status == OrderStatus::awaiting_payment) deadlines.add(orders, slot);
  if (request) requests.add(request, slot);
  return slot;
}

bool State::Parts::give_up(OrderSlot slot, EndReason reason, Instant now, Effects& effects) {
  orders[slot].reason = reason;
  if (settings.has_gateway) {
    start_closing(slot, now, effects);
    return false;
  }
  end_order(slot, now, effects);
  return true;
}

void State::Parts::start_closing(OrderSlot slot, Instant now, Effects& effects, std::string actor) {
  Order& order = orders[slot];
  order.status = OrderStatus::closing;
  order.close_attempts = 0;
  if (settings.has_gateway) {
    close_retries.forget(slot);
    effects.closes.push_back(ClosePayment{order.id});
  } else {
    close_retries.plan(slot, now);
  }
  note(slot, HistoryEvent::closing, now, effects, std::move(actor));
}

void State::Parts::end_order(OrderSlot slot, Instant now, Effects& effects, std::string actor) {
  Order& order = orders[slot];
  SLUICE_ASSERT(holds_unit(order.status), "only held units go back on sale");
  const bool by_clock = order.reason == EndReason::deadline;
  order.status = by_clock ? OrderStatus::expired : OrderStatus::cancelled;
  Counters& units = item_of(order).counters;
  units.held -= units_of(order);
  units.available += units_of(order);
  stop_counting(slot);
  note(slot, by_clock ? HistoryEvent::expired : HistoryEvent::cancelled, now, effects,
       std::move(actor));
  touch(order.item, effects);
}

void State::Parts::pay(OrderSlot slot, Settlement settlement, Instant now, Effects& effects,
                       std::string actor) {
  Order& order = orders[slot];
  SLUICE_ASSERT(holds_unit(order.status), "only held units are sold");
  order.status = OrderStatus::paid;
  order.reason = EndReason::none;
  order.unit_sold = true;
  Counters& units = item_of(order).counters;
  units.held -= units_of(order);
  units.sold += units_of(order);
  note(slot, HistoryEvent::paid, now, effects, std::move(actor), settlement.transaction_id);
  settlements.add(slot, std::move(settlement));
  touch(order.item, effects);
}

PaymentOutcome State::Parts::pay_late(OrderSlot slot, Settlement settlement, Instant now,
                                      Effects& effects) {
  Order& order = orders[slot];
  Item& item = item_of(order);
  Counters& units = item.counters;
  const std::string transaction = settlement.transaction_id;
  settlements.add(slot, std::move(settlement));
  const bool sellable =
      !item.frozen && !sale_of(item).cancelled && units.available >= units_of(order) &&
      counted_units(order.user, order.item) + units_of(order) <= item.per_user_limit;
  if (!sellable) {
    start_refund(slot, EndReason::late_money, now, effects);
    return PaymentOutcome::refund_due;
  }
  order.status = OrderStatus::paid;
  order.reason = EndReason::none;
  order.unit_sold = true;
  units.available -= units_of(order);
  units.sold += units_of(order);
  start_counting(slot);
  note(slot, HistoryEvent::paid_late, now, effects, {}, transaction);
  touch(order.item, effects);
  return PaymentOutcome::paid_late;
}

void State::Parts::start_refund(OrderSlot slot, EndReason reason, Instant now, Effects& effects,
                                std::string actor) {
  Order& order = orders[slot];
  order.status = OrderStatus::refunding;
  order.reason = reason;
  effects.refunds.push_back(refund_of(slot));
  note(slot, HistoryEvent::refund_begun, now, effects, std::move(actor),
       effects.refunds.back().transaction_id);
}

RefundPayment State::Parts::refund_of(OrderSlot slot) {
  const Order& order = orders[slot];
  const Settlement* settlement = settlements.find(slot);
  SLUICE_ASSERT(settlement != nullptr, "only money that came goes back");
  return {order.id, settlement->transaction_id, settlement->amount, item_of(order).currency,
          order.reason};
}

void State::Parts::await_person(OrderSlot slot, Instant now, Effects& effects) {
  orders[slot].status = OrderStatus::needs_person;
  close_retries.forget(slot);
  note(slot, HistoryEvent::needs_person, now, effects);
}

void State::Parts::close_failed(OrderSlot slot, Instant now, Effects& effects) {
  Order& order = orders[slot];
  order.close_attempts = static_cast<std::uint8_t>(order.close_attempts + 1);
  if (order.close_attempts >= settings.max_close_attempts) {
    await_person(slot, now, effects);
    effects.alarms.push_back(alarm_of(
        order.id, "its payment could not be closed after " + std::to_string(order.close_attempts) +
                      " attempts; its units stay held until a person decides"));
    return;
  }
  std::int64_t wait_ms = settings.first_close_retry.ms;
  for (int i = 1; i < order.close_attempts && wait_ms < settings.last_close_retry.ms; ++i) {
    wait_ms *= 2;
  }
  wait_ms = std::min(wait_ms, settings.last_close_retry.ms);
  close_retries.plan(slot, now + Span{wait_ms});
  note(slot, HistoryEvent::close_retried, now, effects);
}

}  // namespace sluice::sale
