// Refusals of Redis in words.
#include "cluster/ask.h"

namespace sluice::cluster {

std::string text_of(const redis::Refusal& refusal) {
  using Kind = redis::Refusal::Kind;
  if (!refusal.why.empty()) return refusal.why;
  switch (refusal.kind) {
    case Kind::not_loaded:
      return "Redis does not have the sale, or not open";
    case Kind::stale_epoch:
      return "Redis has the sale under another epoch";
    case Kind::not_drained:
      return "reservations wait in the sale's outbox";
    case Kind::not_sealed:
      return "the sale is open in Redis";
    case Kind::broken:
      break;
  }
  return "Redis answered what was not understood";
}

}  // namespace sluice::cluster
