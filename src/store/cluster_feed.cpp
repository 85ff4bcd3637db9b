// Pages by key: each is one or two statements, whatever the record's size.
#include "store/cluster_feed.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "store/cluster_epochs.h"
#include "store/cluster_rows.h"
#include "store/cluster_session.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Outcome;
using mariadb::ResetGuard;
using mariadb::Statement;

FeedOrder feed_order(OrderRow& row) {
  FeedOrder order;
  order.id = OrderId{row.id};
  order.request = row.request();
  order.user = std::move(row.user);
  order.sale = SaleNo{static_cast<std::uint32_t>(row.sale_no)};
  order.item = ItemNo{static_cast<std::uint32_t>(row.item_no)};
  order.quantity = row.quantity;
  order.amount = Money{row.amount};
  order.created_at = Instant{row.created_at};
  order.expires_at = Instant{row.expires_at};
  order.status = static_cast<sale::OrderStatus>(row.status);
  order.reason = static_cast<sale::EndReason>(row.reason);
  order.unit_sold = row.unit_sold;
  return order;
}

Outcome<std::vector<FeedOrder>> read_feed(Connection& connection, const OrderQuery& query) {
  std::vector<FeedOrder> orders;
  auto read = read_orders(connection, query, [&orders](OrderRow& row) -> Result<> {
    orders.push_back(feed_order(row));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return orders;
}

Outcome<std::vector<FeedOrder>> read_by_id(Connection& connection,
                                           std::vector<std::int64_t> numbers) {
  if (numbers.empty()) return std::vector<FeedOrder>{};
  OrderQuery query;
  query.conditions = "id IN (" + placeholders(numbers.size()) + ")";
  query.numbers = std::move(numbers);
  return read_feed(connection, query);
}

Outcome<std::vector<FeedEvent>> read_events(Connection& connection, std::int64_t sequence,
                                            std::uint32_t most) {
  auto statement = connection.prepare(
      "SELECT seq, at, event, order_id FROM history WHERE seq > ? ORDER BY seq LIMIT ?");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(1, sequence);
  statement->bind(2, std::int64_t{most});
  std::vector<FeedEvent> events;
  if (auto asked = statement->query(); !asked) return std::unexpected(asked.error());
  const ResetGuard guard(*statement);
  for (;;) {
    const auto found = statement->next();
    if (!found) return std::unexpected(found.error());
    if (!*found) return events;
    FeedEvent event;
    event.sequence = statement->integer(0);
    event.at = Instant{statement->integer(1)};
    event.event = static_cast<sale::HistoryEvent>(statement->integer(2));
    event.order.id = OrderId{statement->integer(3)};
    events.push_back(std::move(event));
  }
}

}  // namespace

struct ClusterFeed::Parts {
  ClusterSession session;
};

ClusterFeed::ClusterFeed(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ClusterFeed::~ClusterFeed() = default;

Outcome<std::unique_ptr<ClusterFeed>> ClusterFeed::open(const mariadb::Address& address) {
  auto session = ClusterSession::open(address);
  if (!session) return std::unexpected(session.error());
  return std::unique_ptr<ClusterFeed>(
      new ClusterFeed(std::make_unique<Parts>(Parts{std::move(*session)})));
}

Outcome<ClusterFeed::Position> ClusterFeed::position() {
  return parts_->session.ask<Position>([](Connection& on) -> Outcome<Position> {
    const auto heads = read_head(on);
    if (!heads) return std::unexpected(heads.error());
    return Position{heads->history, heads->audit, heads->seal};
  });
}

Outcome<std::vector<Loading>> ClusterFeed::loadings() {
  return parts_->session.ask<std::vector<Loading>>(read_loadings);
}

Outcome<std::vector<FeedEvent>> ClusterFeed::events_after(std::int64_t sequence,
                                                          std::uint32_t most) {
  SLUICE_ASSERT(most >= 1 && most <= kMaxPage, "a page is of 1 to kMaxPage rows");
  using Events = std::vector<FeedEvent>;
  return parts_->session.ask<Events>([&](Connection& on) -> Outcome<Events> {
    auto events = read_events(on, sequence, most);
    if (!events) return events;
    std::vector<std::int64_t> ids;
    for (const FeedEvent& event : *events)
      ids.push_back(event.order.id.value);
    auto orders = read_by_id(on, std::move(ids));
    if (!orders) return std::unexpected(orders.error());
    std::unordered_map<std::int64_t, const FeedOrder*> by_id;
    for (const FeedOrder& order : *orders)
      by_id.emplace(order.id.value, &order);
    for (FeedEvent& event : *events) {
      const auto order = by_id.find(event.order.id.value);
      if (order == by_id.end()) {
        return std::unexpected(damaged("history", event.sequence, "its order does not exist"));
      }
      event.order = *order->second;
    }
    return events;
  });
}

Outcome<std::int64_t> ClusterFeed::granted(std::int64_t from, std::int64_t to) {
  return parts_->session.ask<std::int64_t>([&](Connection& on) {
    return on.integer(
        fmt::format("SELECT COUNT(*) FROM history WHERE seq > {} AND seq <= {} AND event = {}",
                    from, to, static_cast<int>(sale::HistoryEvent::granted)));
  });
}

Outcome<std::vector<FeedOrder>> ClusterFeed::orders_of_sale(SaleNo sale, OrderId after,
                                                            std::uint32_t most) {
  SLUICE_ASSERT(most >= 1 && most <= kMaxPage, "a page is of 1 to kMaxPage orders");
  OrderQuery query;
  query.conditions =
      "id IN (SELECT id FROM (SELECT id FROM orders WHERE sale_no = ? AND id > ? AND status <> 10 "
      "ORDER BY id LIMIT ?) AS page)";
  query.numbers = {sale.value, after.value, most};
  using Orders = std::vector<FeedOrder>;
  return parts_->session.ask<Orders>([&](Connection& on) { return read_feed(on, query); });
}

Outcome<std::vector<FeedOrder>> ClusterFeed::orders(std::span<const OrderId> ids) {
  SLUICE_ASSERT(ids.size() <= kMaxPage, "a page is of at most kMaxPage orders");
  std::vector<std::int64_t> numbers;
  for (const OrderId id : ids)
    numbers.push_back(id.value);
  using Orders = std::vector<FeedOrder>;
  return parts_->session.ask<Orders>([&](Connection& on) { return read_by_id(on, numbers); });
}

}  // namespace sluice::store
