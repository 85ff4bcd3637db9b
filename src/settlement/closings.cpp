// The decision of each closing: close; already paid -> query for the money; the rest by its
// meaning.
#include "settlement/closings.h"

#include <utility>

#include "base/assert.h"

namespace sluice::settlement {

using Answer = sale::PaymentClosed::Answer;
using payment::CloseAnswer;
using payment::Trade;

Closings::Closings(Office& office, std::function<bool(OrderId)> is_busy,
                   std::function<void(OrderId)> done)
    : office_(office), is_busy_(std::move(is_busy)), done_(std::move(done)) {}

void Closings::ask(OrderId order) {
  const auto [at, fresh] = entries_.try_emplace(order);
  if (fresh) {
    waiting_.push_back(order);
  } else if (at->second.stage == Stage::under_way) {
    // A person may have asked anew while the core still waited for the answer of the last closing.
    at->second.again = true;
  }
}

void Closings::release(OrderId order) {
  const auto at = entries_.find(order);
  if (at == entries_.end() || at->second.stage != Stage::blocked) return;
  at->second.stage = Stage::waiting;
  waiting_.push_front(order);
  pump();
}

bool Closings::waits_for(OrderId order) const {
  const auto at = entries_.find(order);
  return at != entries_.end() && at->second.stage != Stage::under_way;
}

void Closings::pump() {
  while (under_way_ < office_.options.closings_at_once && !waiting_.empty() && office_.may_call()) {
    const OrderId order = waiting_.front();
    waiting_.pop_front();
    Entry& entry = entries_.at(order);
    if (is_busy_(order)) {
      entry.stage = Stage::blocked;
      continue;
    }
    entry.stage = Stage::under_way;
    entry.again = false;
    ++under_way_;
    start(order);
  }
}

void Closings::start(OrderId order) {
  office_.close(order, [this, order](const Said<CloseAnswer>& said) { read(order, said); });
}

void Closings::read(OrderId order, const Said<CloseAnswer>& said) {
  if (said.lost) return put_back(order);
  if (!said.outcome) {
    const payment::Fault& fault = said.outcome.error();
    spdlog::warn("order {}: closing its payment: {} {}", to_text(order), fault.code, fault.message);
    return tell(order, Answer::retry);
  }
  switch (*said.outcome) {
    case CloseAnswer::closed:
    case CloseAnswer::already_closed:
    case CloseAnswer::not_found:
      return tell(order, Answer::closed);
    case CloseAnswer::already_paid:
      return office_.query(order, [this, order](const Said<Trade>& trade) { read(order, trade); });
  }
}

/// The provider would not close because it was paid: the query tells the money.
void Closings::read(OrderId order, const Said<Trade>& said) {
  if (said.lost) return put_back(order);
  if (!said.outcome) return tell(order, Answer::retry);
  switch (said.outcome->state) {
    case Trade::State::paid:
      return tell(order, Answer::already_paid, to_command(order, said.outcome->payment));
    case Trade::State::refunded:
      // Somebody gave the money back outside of this shop: no unit is sold for it.
      return tell(order, Answer::already_paid);
    default:
      // It said "paid" a moment ago; a query may lag behind a payment by seconds.
      return tell(order, Answer::retry);
  }
}

/// Nothing was said about this order, so the core is told nothing: it waits here.
void Closings::put_back(OrderId order) {
  --under_way_;
  entries_.at(order).stage = Stage::waiting;
  waiting_.push_front(order);
}

void Closings::tell(OrderId order, Answer answer,
                    const std::optional<sale::PaymentSucceeded>& payment) {
  office_.submit(sale::PaymentClosed{order, answer, payment},
                 [this, order, payment](const engine::Reply& reply) {
                   finish(order, payment, std::get<sale::PaymentClosedOutcome>(reply.outcome));
                 });
}

void Closings::finish(OrderId order, const std::optional<sale::PaymentSucceeded>& payment,
                      sale::PaymentClosedOutcome outcome) {
  using Outcome = sale::PaymentClosedOutcome;
  --under_way_;
  const auto at = entries_.find(order);
  SLUICE_ASSERT(at != entries_.end(), "a closing under way has an entry");
  if (at->second.again) {
    at->second.stage = Stage::waiting;
    waiting_.push_back(order);
  } else {
    entries_.erase(at);
  }
  switch (outcome) {
    case Outcome::paid:
    case Outcome::expired:
    case Outcome::cancelled:
      done_(order);
      break;
    case Outcome::not_closing:
      // Somebody else decided meanwhile. Money that came all the same must not be dropped.
      if (payment) {
        office_.submit(*payment, [this, order](const engine::Reply&) { done_(order); });
      }
      break;
    case Outcome::unknown_order:
    case Outcome::payment_refused:
    case Outcome::retry_later:
    case Outcome::needs_person:
      break;
  }
  office_.pump();
}

}  // namespace sluice::settlement
