// Following the record: which orders ended one way or another since a position in the history, and
// which items are sold out. What is read here was durable before it came to the tables.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "base/result.h"
#include "sale/effects.h"
#include "sale/views.h"

namespace sluice::store {

/// A row of the history that ended something: paid, paid_late, expired, cancelled or refunded.
struct Change {
  std::int64_t sequence = 0;
  Instant at;
  sale::HistoryEvent event = sale::HistoryEvent::paid;
  sale::OrderView order;  ///< as it is when this is read, perhaps further than the event
};

/// An item of which nothing is available.
struct SoldOutItem {
  ItemNo no;
  std::string id, sale_id, title, image_url, description;
  Money price, list_price;
  Currency currency;
  std::int64_t stock = 0;
  std::int64_t per_user_limit = 1;
  Instant starts_at, ends_at;
};

/// Everything in one reading is of one moment.
struct Changes {
  std::int64_t head = 0;        ///< the newest row of the history
  std::int64_t next = 0;        ///< where to go on; below head: there is more
  std::vector<Change> changes;  ///< in order
  std::vector<ItemNo> back;     ///< told as sold out, but units came back since
  /// Sold out and not told, or anew since `back`; only where `next` is `head`.
  std::vector<SoldOutItem> sold_out;
};

/// One thread at a time.
class Tail {
 public:
  static constexpr std::int64_t kMaxRows = 50'000;  ///< of the history, looked at by one read()
  static constexpr std::int64_t kMaxChanges = 256;  ///< that one read() gives
  static constexpr std::size_t kMaxSoldOut = 100;   ///< that one read() gives

  static Result<std::unique_ptr<Tail>> open(const std::string& directory);
  ~Tail();
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  /// What follows row `after`. `told`: items that were given as sold out and not as back since.
  Result<Changes> read(std::int64_t after, const std::set<ItemNo>& told);

 private:
  struct Parts;
  explicit Tail(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::store
