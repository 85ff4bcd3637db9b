// Time passing: deadlines, close retries, and the orders of cancelled sales.
#include "sale/parts.h"

namespace sluice::sale {

namespace {

/// Orders that may be looked at for each one that may be changed: most of what lies in a due bucket
/// has been paid or given up before, and a look is that much cheaper than a change.
constexpr std::uint64_t kLooksPerChange = 64;

struct Budget {
  std::uint64_t changes = 0;
  std::uint64_t looks = 0;

  bool look() {
    if (changes == 0 || looks == 0) return false;
    --looks;
    return true;
  }
};

}  // namespace

PulseOutcome State::apply(const Pulse& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  PulseOutcome outcome;
  Budget budget{command.most, command.most * kLooksPerChange};
  const auto give_up = [&](OrderSlot slot, EndReason reason) {
    --budget.changes;
    const bool ended = in.give_up(slot, reason, now, effects);
    ++(ended ? outcome.expired : outcome.closing);
  };

  while (budget.look()) {
    const OrderSlot slot = in.deadlines.take_due(in.orders, now);
    if (slot == kNoOrder) break;
    if (in.orders[slot].status == OrderStatus::awaiting_payment) give_up(slot, EndReason::deadline);
  }
  while (budget.look()) {
    const OrderSlot slot = in.close_retries.take_due(now);
    if (slot == kNoOrder) break;
    const Order& order = in.orders[slot];
    if (order.status != OrderStatus::closing) continue;
    --budget.changes;
    if (in.settings.has_gateway) {
      effects.closes.push_back(ClosePayment{order.id});
    } else {
      in.end_order(slot, now, effects);
      ++outcome.expired;
    }
  }
  while (in.sweep_at < in.sweep_end && budget.look()) {
    const OrderSlot slot = in.sweep_at++;
    const Order& order = in.orders[slot];
    if (order.status == OrderStatus::awaiting_payment && in.sale_of(in.item_of(order)).cancelled) {
      give_up(slot, EndReason::sale_cancelled);
    }
  }
  const std::optional<Instant> next = next_pulse();
  outcome.more = next && *next <= now;
  return outcome;
}

}  // namespace sluice::sale
