// Which sales have to be in Redis.
#pragma once

#include <algorithm>

#include "base/instant.h"
#include "engine/catalog.h"
#include "sale/catalog.h"

namespace sluice::cluster {

/// How long after its end a sale stays in any case: what was reserved last is on its way.
inline constexpr Span kLinger = Span::seconds(600);

/// From `ahead` before its start until nothing of it is unpaid. A cancelled sale too: its shoppers
/// are told so, and its units go back.
inline bool is_wanted(const sale::Sale& sale, bool has_unpaid, Instant now, Span ahead) {
  if (now < sale.starts_at - ahead) return false;
  return now < sale.ends_at + kLinger || has_unpaid;
}

inline bool is_wanted(const engine::CatalogSale& sale, Instant now, Span ahead) {
  const bool has_unpaid = std::ranges::any_of(sale.items, [](const engine::CatalogItem* item) {
    return item->live->read().held.units > 0;
  });
  return is_wanted(sale.sale, has_unpaid, now, ahead);
}

/// Whether shoppers may grab now.
inline bool is_open(const sale::Sale& sale, Instant now) {
  return !sale.cancelled && now >= sale.starts_at && now < sale.ends_at;
}

}  // namespace sluice::cluster
