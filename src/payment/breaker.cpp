// The circuit breaker's three states.
#include "payment/breaker.h"

namespace sluice::payment {

bool CircuitBreaker::admit(Steady now) {
  if (!open_) return true;
  if (probing_ || now < probe_at_) return false;
  probing_ = true;
  return true;
}

void CircuitBreaker::succeeded() {
  failures_ = 0;
  open_ = false;
  probing_ = false;
}

void CircuitBreaker::failed(Steady now) {
  ++failures_;
  // Calls that were under way when it opened end after it; they must not prolong the pause.
  if (failures_ < limit_ || (open_ && !probing_)) return;
  open_ = true;
  probing_ = false;
  probe_at_ = now + pause_;
}

}  // namespace sluice::payment
