// What the payment side tells: begun, paid, failed, closed, refunded.
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "sale/parts.h"

namespace sluice::sale {

namespace {

std::string mismatch(std::string_view what, const std::string& told, const std::string& expected) {
  return "a payment with the " + std::string{what} + " " + told + " instead of " + expected;
}

}  // namespace

BeginPaymentOutcome State::apply(const BeginPayment& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  const OrderSlot slot = in.order_of(command.order, command.user);
  if (slot == kNoOrder) return BeginPaymentOutcome::unknown_order;
  const Order& order = in.orders[slot];
  if (order.status != OrderStatus::awaiting_payment) return BeginPaymentOutcome::not_awaiting;
  if (now >= order.expires_at) return BeginPaymentOutcome::past_deadline;
  in.note(slot, HistoryEvent::payment_begun, now, effects);
  return BeginPaymentOutcome::begun;
}

PaymentOutcome State::apply(const PaymentSucceeded& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  SLUICE_ASSERT(!command.transaction_id.empty(), "the caller refuses payments without a number");
  const OrderSlot slot = in.orders.find(command.order);
  if (slot == kNoOrder) return PaymentOutcome::unknown_order;
  const Order& order = in.orders[slot];
  // An incident changes nothing but the history, where a person finds it.
  const auto incident = [&](HistoryEvent event, const std::string& what) {
    in.note(slot, event, now, effects, {}, quote(command.transaction_id) + ": " + what);
    effects.alarms.push_back(alarm_of(order.id, "transaction " + quote(command.transaction_id) +
                                                    ": " + what +
                                                    "; nothing was changed, see to it"));
  };
  const Currency currency = in.item_of(order).currency;
  if (command.currency != currency) {
    incident(
        HistoryEvent::currency_mismatch,
        mismatch("currency", std::string{command.currency.code()}, std::string{currency.code()}));
    return PaymentOutcome::currency_mismatch;
  }
  if (command.amount != order.amount) {
    incident(HistoryEvent::amount_mismatch, mismatch("amount", to_decimal(command.amount, currency),
                                                     to_decimal(order.amount, currency)));
    return PaymentOutcome::amount_mismatch;
  }
  if (const Settlement* known = in.settlements.find(slot); known != nullptr) {
    const std::string& settled_by = known->transaction_id;
    if (settled_by == command.transaction_id) return PaymentOutcome::already_applied;
    incident(HistoryEvent::second_transaction,
             "a second payment; the order is settled by " + quote(settled_by));
    return PaymentOutcome::second_transaction;
  }
  if (const OrderSlot other = in.settlements.settled_by(command.transaction_id);
      other != kNoOrder) {
    incident(HistoryEvent::second_transaction,
             "it settled order " + to_text(in.orders[other].id) + " and cannot settle another");
    return PaymentOutcome::transaction_reused;
  }
  Settlement settlement{command.transaction_id, command.paid_at, command.amount};
  if (!holds_unit(order.status)) return in.pay_late(slot, std::move(settlement), now, effects);
  in.pay(slot, std::move(settlement), now, effects);
  return PaymentOutcome::paid;
}

PaymentFailedOutcome State::apply(const PaymentFailed& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  const OrderSlot slot = in.orders.find(command.order);
  if (slot == kNoOrder) return PaymentFailedOutcome::unknown_order;
  if (in.orders[slot].status != OrderStatus::awaiting_payment) {
    return PaymentFailedOutcome::not_awaiting;
  }
  const bool ended = in.give_up(slot, EndReason::payment_failed, now, effects);
  return ended ? PaymentFailedOutcome::cancelled : PaymentFailedOutcome::closing;
}

PaymentClosedOutcome State::apply(const PaymentClosed& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  const OrderSlot slot = in.orders.find(command.order);
  if (slot == kNoOrder) return PaymentClosedOutcome::unknown_order;
  const Order& order = in.orders[slot];
  // A late but definite answer still counts for an order that waits for a person.
  const bool undecided = command.answer == PaymentClosed::Answer::retry;
  if (order.status != OrderStatus::closing &&
      (order.status != OrderStatus::needs_person || undecided)) {
    return PaymentClosedOutcome::not_closing;
  }
  if (command.answer == PaymentClosed::Answer::already_paid) {
    const auto& payment = command.payment;
    const bool matches = payment && payment->order == order.id &&
                         !payment->transaction_id.empty() && payment->amount == order.amount &&
                         payment->currency == in.item_of(order).currency &&
                         in.settlements.settled_by(payment->transaction_id) == kNoOrder;
    if (matches) {
      in.pay(slot, Settlement{payment->transaction_id, payment->paid_at, payment->amount}, now,
             effects);
      return PaymentClosedOutcome::paid;
    }
    in.note(slot, HistoryEvent::payment_refused, now, effects);
    effects.alarms.push_back(alarm_of(
        order.id, payment ? "the provider says it is paid, but by a payment that does not fit it"
                          : "the provider says it is paid, but told no payment"));
    if (order.status != OrderStatus::closing) return PaymentClosedOutcome::payment_refused;
    // Money that does not fit will not fit when asked again; money that was not told yet may be.
    if (payment) {
      in.await_person(slot, now, effects);
    } else {
      in.close_failed(slot, now, effects);
    }
    return PaymentClosedOutcome::payment_refused;
  }
  if (undecided) {
    in.close_failed(slot, now, effects);
    return order.status == OrderStatus::needs_person ? PaymentClosedOutcome::needs_person
                                                     : PaymentClosedOutcome::retry_later;
  }
  in.end_order(slot, now, effects);
  return order.status == OrderStatus::expired ? PaymentClosedOutcome::expired
                                              : PaymentClosedOutcome::cancelled;
}

RefundFinishedOutcome State::apply(const RefundFinished& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  const OrderSlot slot = in.orders.find(command.order);
  if (slot == kNoOrder) return RefundFinishedOutcome::unknown_order;
  Order& order = in.orders[slot];
  if (order.status != OrderStatus::refunding) return RefundFinishedOutcome::not_refunding;
  if (!command.succeeded) {
    in.note(slot, HistoryEvent::refund_failed, now, effects);
    effects.alarms.push_back(
        alarm_of(order.id, "the provider refused its refund; refund it by another way"));
    return RefundFinishedOutcome::failed;
  }
  order.status = OrderStatus::refunded;
  if (order.unit_sold) {
    const Quantity units{order.quantity};
    Counters& counters = in.item_of(order).counters;
    counters.sold -= units;
    counters.available += units;
    counters.refunded += units;
    order.unit_sold = false;
    in.stop_counting(slot);
    in.touch(order.item, effects);
  }
  in.note(slot, HistoryEvent::refunded, now, effects);
  return RefundFinishedOutcome::refunded;
}

}  // namespace sluice::sale
