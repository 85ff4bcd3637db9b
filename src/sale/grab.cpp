// What a shopper may command: grab a unit, give it back.
#include <algorithm>
#include <limits>

#include "sale/parts.h"

namespace sluice::sale {

namespace {

bool is_valid_quantity(std::int64_t quantity, Money price) {
  return quantity >= 1 && quantity <= kMaxStock.units &&
         quantity <=
             std::numeric_limits<std::int64_t>::max() / std::max<std::int64_t>(price.minor, 1);
}

}  // namespace

GrabOutcome State::apply(const Grab& command, Instant now, Effects& effects, OrderSlot& out) {
  Parts& in = *parts_;
  out = kNoOrder;
  if (command.request) {
    const OrderSlot slot = in.requests.find(command.request);
    if (slot != kNoOrder) {
      const Order& made = in.orders[slot];
      const bool same = made.item == command.item && made.quantity == command.quantity &&
                        in.users.name(made.user) == command.user;
      if (!same) return GrabOutcome::key_mismatch;
      out = slot;
      return GrabOutcome::replayed;
    }
  }
  if (command.item.value >= in.items.size()) return GrabOutcome::unknown_item;
  Item& item = in.items[command.item.value];
  const Sale& sale = in.sale_of(item);
  if (!is_valid_quantity(command.quantity, item.price)) return GrabOutcome::invalid_quantity;
  if (const auto refusal = window_refusal(sale, item.frozen, now)) return *refusal;

  const Quantity units{command.quantity};
  const UserTable::Key key = in.users.key(command.user);
  Quantity counted;
  if (const std::optional<UserNo> user = in.users.find(key)) {
    if (const OrderSlot held = in.held_order_in(*user, sale.no); held != kNoOrder) {
      // Expiry counts at decision time, before any pulse has come by.
      const bool is_over = in.orders[held].status == OrderStatus::awaiting_payment &&
                           now >= in.orders[held].expires_at && !in.settings.has_gateway;
      if (!is_over) {
        out = held;
        return GrabOutcome::already_queued;
      }
      in.give_up(held, EndReason::deadline, now, effects);
      if (item.frozen) return GrabOutcome::paused;
    }
    counted = in.counted_units(*user, item.no);
  }
  if (counted + units > item.per_user_limit) return GrabOutcome::limit_reached;
  if (item.counters.available < units) return GrabOutcome::sold_out;

  Order order;
  order.id = in.orders.next_id(now);
  order.amount = Money{item.price.minor * command.quantity};
  order.created_at = now;
  order.expires_at = std::min(now + sale.hold, kLastInstant);
  order.item = item.no;
  order.quantity = static_cast<std::int32_t>(command.quantity);
  item.counters.available -= units;
  item.counters.held += units;
  out = in.add_order(order, key, command.request);
  in.note(out, HistoryEvent::granted, now, effects);
  in.touch(item.no, effects);
  return GrabOutcome::granted;
}

CancelOutcome State::apply(const CancelByUser& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  const OrderSlot slot = in.order_of(command.order, command.user);
  if (slot == kNoOrder) return CancelOutcome::unknown_order;
  switch (in.orders[slot].status) {
    case OrderStatus::closing:
    case OrderStatus::needs_person:
      return CancelOutcome::already_closing;
    case OrderStatus::expired:
    case OrderStatus::cancelled:
    case OrderStatus::failed:
      return CancelOutcome::already_ended;
    case OrderStatus::paid:
    case OrderStatus::refunding:
    case OrderStatus::refunded:
      return CancelOutcome::already_paid;
    case OrderStatus::queued:
    case OrderStatus::awaiting_payment:
      break;
  }
  const bool ended = in.give_up(slot, EndReason::user, now, effects);
  return ended ? CancelOutcome::cancelled : CancelOutcome::closing;
}

}  // namespace sluice::sale
