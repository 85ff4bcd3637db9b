// What timelines of both records say of who did something.
#pragma once

#include "sale/effects.h"
#include "sale/order.h"

namespace sluice::store {

/// Who did it, where no operator did: follows from the event and, for an order given up, why.
constexpr const char* usual_actor(sale::HistoryEvent event, sale::EndReason reason) {
  using sale::EndReason;
  using sale::HistoryEvent;
  switch (event) {
    case HistoryEvent::granted:
    case HistoryEvent::refused:
    case HistoryEvent::payment_begun:
      return "shopper";
    case HistoryEvent::cancelled:
    case HistoryEvent::closing:
      if (reason == EndReason::user) return "shopper";
      if (reason == EndReason::payment_failed) return "provider";
      return "clock";
    case HistoryEvent::expired:
    case HistoryEvent::close_retried:
    case HistoryEvent::needs_person:
      return "clock";
    default:
      return "provider";
  }
}

}  // namespace sluice::store
