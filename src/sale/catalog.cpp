// Phases of a sale and the rule that its counters obey.
#include "sale/catalog.h"

#include "sale/commands.h"

namespace sluice::sale {

const char* to_text(Phase phase) {
  switch (phase) {
    case Phase::upcoming:
      return "upcoming";
    case Phase::open:
      return "open";
    case Phase::paused:
      return "paused";
    case Phase::ended:
      return "ended";
  }
  return "unknown";
}

Phase Sale::phase(Instant now) const {
  if (cancelled || now >= ends_at) return Phase::ended;
  if (paused) return Phase::paused;
  return now < starts_at ? Phase::upcoming : Phase::open;
}

bool Counters::conserved() const {
  // Each part is checked first, so that corrupted numbers cannot overflow the sum.
  const auto in_range = [](Quantity part) { return part >= Quantity{} && part <= kMaxStock; };
  return in_range(stock) && in_range(available) && in_range(held) && in_range(sold) &&
         refunded >= Quantity{} && available + held + sold == stock;
}

std::optional<GrabOutcome> window_refusal(const Sale& sale, bool frozen, Instant now) {
  if (!sale.cancelled && now < sale.starts_at) return GrabOutcome::not_started;
  if (sale.cancelled || now >= sale.ends_at) return GrabOutcome::ended;
  if (sale.paused || frozen) return GrabOutcome::paused;
  return std::nullopt;
}

}  // namespace sluice::sale
