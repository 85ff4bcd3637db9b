// Refunds: asked for, polled with backoff, told to the core once final.
#include "settlement/refunds.h"

#include <utility>

#include "base/assert.h"

namespace sluice::settlement {

using payment::RefundProgress;

std::string refund_number(OrderId order, std::uint32_t round) {
  std::string number = "R" + to_text(order);
  return round == 1 ? number : number + "-" + std::to_string(round);
}

void Refunds::ask(const sale::RefundPayment& duty) {
  const Backoff backoff{office_.options.refund_poll, office_.options.last_reconcile};
  const auto [at, fresh] = entries_.try_emplace(duty.order, Entry{duty, backoff});
  if (fresh) {
    ready_.push_back(duty.order);
  } else if (at->second.stage == Stage::under_way) {
    at->second.again = true;
  } else {
    nudge(duty.order);
  }
}

void Refunds::nudge(OrderId order) {
  const auto at = entries_.find(order);
  if (at == entries_.end() || at->second.stage != Stage::sleeping) return;
  at->second.stage = Stage::ready;
  ready_.push_back(order);
  pump();
}

void Refunds::pump() {
  while (under_way_ < kRefundsAtOnce && !ready_.empty() && office_.may_call()) {
    const OrderId order = ready_.front();
    ready_.pop_front();
    Entry& entry = entries_.at(order);
    entry.stage = Stage::under_way;
    entry.again = false;
    ++under_way_;
    start(order, entry);
  }
}

void Refunds::start(OrderId order, const Entry& entry) {
  if (entry.accepted) {
    office_.query_refund(
        order, refund_number(order, entry.round),
        [this, order](const Said<RefundProgress>& said) { read(order, true, said); });
    return;
  }
  const bool late = entry.duty.reason == sale::EndReason::late_money;
  payment::RefundOrder refund;
  refund.out_trade_no = to_text(order);
  refund.transaction_id = entry.duty.transaction_id;
  refund.out_refund_no = refund_number(order, entry.round);
  refund.total = entry.duty.amount;
  refund.amount = entry.duty.amount;
  refund.currency = entry.duty.currency;
  refund.reason = late ? "the order had ended before the payment arrived" : "refunded by the shop";
  office_.refund(std::move(refund),
                 [this, order](const Said<RefundProgress>& said) { read(order, false, said); });
}

void Refunds::read(OrderId order, bool was_query, const Said<RefundProgress>& said) {
  Entry& entry = entries_.at(order);
  if (said.lost) {
    --under_way_;
    entry.stage = Stage::ready;
    ready_.push_front(order);
    return;
  }
  if (!said.outcome) {
    const payment::Fault& fault = said.outcome.error();
    spdlog::warn("order {}: its refund {}: {} {}", to_text(order),
                 refund_number(order, entry.round), fault.code, fault.message);
    if (fault.kind == payment::Fault::Kind::refused) return tell(order, false);
    return sleep(order);
  }
  switch (said.outcome->state) {
    case RefundProgress::State::succeeded:
      return tell(order, true);
    case RefundProgress::State::failed:
      return tell(order, false);
    case RefundProgress::State::closed:
      return next_round(order);
    case RefundProgress::State::processing:
      if (!entry.accepted) entry.backoff.reset();
      entry.accepted = true;
      return sleep(order);
    case RefundProgress::State::not_found:
      entry.accepted = entry.accepted && !was_query;
      return sleep(order);
  }
}

/// A closed number pays back nothing for good. After a restart the same numbers are walked through
/// again, because the provider still says closed to those before the one that is under way.
void Refunds::next_round(OrderId order) {
  Entry& entry = entries_.at(order);
  spdlog::warn("order {}: the provider closed its refund {} ({} of {})", to_text(order),
               refund_number(order, entry.round), entry.round, kMaxRefundRounds);
  if (entry.round == kMaxRefundRounds) return tell(order, false);
  ++entry.round;
  entry.accepted = false;
  sleep(order);
}

void Refunds::sleep(OrderId order) {
  --under_way_;
  Entry& entry = entries_.at(order);
  entry.stage = Stage::sleeping;
  office_.loop.after(entry.backoff.next(), [this, order] { nudge(order); });
}

void Refunds::tell(OrderId order, bool succeeded) {
  office_.submit(sale::RefundFinished{order, succeeded}, [this, order](const engine::Reply&) {
    --under_way_;
    const auto at = entries_.find(order);
    SLUICE_ASSERT(at != entries_.end(), "a refund under way has an entry");
    if (at->second.again) {
      at->second.stage = Stage::ready;
      at->second.accepted = false;
      ready_.push_back(order);
    } else {
      entries_.erase(at);
    }
    office_.pump();
  });
}

}  // namespace sluice::settlement
