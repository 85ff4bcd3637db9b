// What follows the cluster's record reads of it: which sales are loaded, what happened since, and
// the orders of a sale.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "mariadb/connection.h"
#include "sale/effects.h"
#include "sale/order.h"
#include "store/cluster_record.h"

namespace sluice::store {

/// An order as its row has it now.
struct FeedOrder {
  OrderId id;
  std::string user;
  SaleNo sale;
  ItemNo item;
  std::int64_t quantity = 1;
  Money amount;
  Instant created_at;
  Instant expires_at;
  sale::RequestKey request;
  sale::OrderStatus status = sale::OrderStatus::awaiting_payment;
  sale::EndReason reason = sale::EndReason::none;
  bool unit_sold = false;  ///< its units count as sold
};

/// One row of history with the order as it is now: a later row may have changed it since.
struct FeedEvent {
  std::int64_t sequence = 0;
  Instant at;
  sale::HistoryEvent event = sale::HistoryEvent::granted;
  FeedOrder order;
};

/// Sees committed data only. One thread at a time. After a lost connection the next question opens
/// another, and a question that it broke is asked once more.
class ClusterFeed {
 public:
  static constexpr std::uint32_t kMaxPage = 4096;

  static mariadb::Outcome<std::unique_ptr<ClusterFeed>> open(const mariadb::Address& address);
  ~ClusterFeed();
  ClusterFeed(const ClusterFeed&) = delete;
  ClusterFeed& operator=(const ClusterFeed&) = delete;

  /// How far the record has got: `audit` grows with every change of a definition, `history` with
  /// every change of an order, `seal` with both.
  struct Position {
    std::int64_t history = 0;
    std::int64_t audit = 0;
    std::int64_t seal = 0;
  };
  mariadb::Outcome<Position> position();

  /// The latest loading of every sale that was ever loaded, in order of number.
  mariadb::Outcome<std::vector<Loading>> loadings();

  /// At most `most` (up to kMaxPage) rows of history after row `sequence`, in order and without
  /// gaps: one transaction follows the other.
  mariadb::Outcome<std::vector<FeedEvent>> events_after(std::int64_t sequence, std::uint32_t most);

  /// How many orders were granted by the rows of history after `from` up to `to`. Reads these rows.
  mariadb::Outcome<std::int64_t> granted(std::int64_t from, std::int64_t to);

  /// At most `most` (up to kMaxPage) orders of the sale above `after`, in order of id; those that
  /// were never granted are left out.
  mariadb::Outcome<std::vector<FeedOrder>> orders_of_sale(SaleNo sale, OrderId after,
                                                          std::uint32_t most);
  /// At most kMaxPage; in order of id. Those that are not in the record are left out.
  mariadb::Outcome<std::vector<FeedOrder>> orders(std::span<const OrderId> ids);

 private:
  struct Parts;
  explicit ClusterFeed(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::store
