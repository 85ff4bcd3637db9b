// What a person decides about single orders: stuck closings and refunds.
#include <utility>

#include "base/text.h"
#include "sale/parts.h"

namespace sluice::sale {

namespace {

constexpr std::size_t kMaxEvidenceBytes = 128;

bool valid_evidence(std::string_view evidence) {
  return !evidence.empty() && evidence.size() <= kMaxEvidenceBytes && valid_utf8(evidence) &&
         !has_control(evidence);
}

Audit audit_of(const Operator& by, const char* action, OrderId order, Instant now,
               OrderStatus before, OrderStatus after) {
  return Audit{now,       by.name,
               action,    to_text(order),
               by.reason, {{"status", to_operator_text(before), to_operator_text(after)}}};
}

}  // namespace

ResolveOutcome State::apply(const Resolve& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  const OrderSlot slot = in.orders.find(command.order);
  if (slot == kNoOrder) return ResolveOutcome::unknown_order;
  Order& order = in.orders[slot];
  const OrderStatus before = order.status;
  if (before != OrderStatus::needs_person && before != OrderStatus::closing) {
    return ResolveOutcome::not_resolvable;
  }
  const std::string& actor = command.by.name;
  switch (command.action) {
    case Resolve::Action::mark_paid:
      if (!valid_evidence(command.evidence)) return ResolveOutcome::missing_evidence;
      if (in.settlements.settled_by(command.evidence) != kNoOrder) {
        return ResolveOutcome::evidence_used;
      }
      in.pay(slot, Settlement{command.evidence, now, order.amount}, now, effects, actor);
      effects.audits.push_back(
          audit_of(command.by, "order.mark_paid", order.id, now, before, order.status));
      effects.audits.back().changes.push_back({"transaction_id", "", command.evidence});
      return ResolveOutcome::paid;
    case Resolve::Action::release:
      order.reason = EndReason::operator_release;
      in.end_order(slot, now, effects, actor);
      effects.audits.push_back(
          audit_of(command.by, "order.release", order.id, now, before, order.status));
      return ResolveOutcome::released;
    case Resolve::Action::retry_close:
      break;
  }
  in.start_closing(slot, now, effects, actor);
  effects.audits.push_back(
      audit_of(command.by, "order.retry_close", order.id, now, before, order.status));
  return ResolveOutcome::retrying;
}

RefundOutcome State::apply(const Refund& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  const OrderSlot slot = in.orders.find(command.order);
  if (slot == kNoOrder) return RefundOutcome::unknown_order;
  const OrderStatus before = in.orders[slot].status;
  if (before == OrderStatus::refunding || before == OrderStatus::refunded) {
    const bool ask_again = before == OrderStatus::refunding && in.settings.has_gateway;
    if (ask_again) effects.refunds.push_back(in.refund_of(slot));
    return RefundOutcome::already_refunding;
  }
  if (before != OrderStatus::paid) return RefundOutcome::not_paid;
  if (!in.settings.has_gateway) return RefundOutcome::no_gateway;
  in.start_refund(slot, EndReason::operator_refund, now, effects, command.by.name);
  effects.audits.push_back(
      audit_of(command.by, "order.refund", command.order, now, before, OrderStatus::refunding));
  return RefundOutcome::refunding;
}

}  // namespace sluice::sale
