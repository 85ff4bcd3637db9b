// One ordered scan per table; text of an order is handed over where SQLite holds it, uncopied.
#include "store/load.h"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <string_view>

namespace sluice::store {
namespace {

constexpr std::uint64_t kProgressEvery = 65'536;

constexpr const char* kSales =
    "SELECT no, id, title, starts_at, ends_at, hold_ms, paused, cancelled FROM sale ORDER BY no";
constexpr const char* kItems =
    "SELECT i.no, i.sale_no, i.id, i.title, i.image_url, i.description, i.price, i.list_price, "
    "i.currency, i.per_user_limit, c.stock, c.available, c.held, c.sold, c.refunded, c.frozen "
    "FROM item i LEFT JOIN item_stock c ON c.item_no = i.no ORDER BY i.no";
constexpr const char* kOrders =
    "SELECT id, user, item_no, quantity, amount, status, reason, created_at, expires_at, paid_at, "
    "paid_amount, transaction_id, request_key, close_attempts, unit_sold, last_event FROM orders "
    "ORDER BY id";

/// What is wrong with a row; the remedy is the same for all.
Error damaged(std::string_view table, std::int64_t key, std::string_view what) {
  return Error{fmt::format(
      "Row {} of table {} of the record is damaged: {}. Run `sluice verify`, and restore a backup.",
      key, table, what)};
}

/// Runs `sql` and calls `row` for each row until it fails.
template <class Row>
Result<> scan(Connection& connection, const char* sql, Row&& row) {
  auto statement = connection.prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  int code = statement->step();
  for (; code == SQLITE_ROW; code = statement->step()) {
    if (Result<> done = row(*statement); !done) return done;
  }
  if (code != SQLITE_DONE) return std::unexpected(connection.error(sql));
  return {};
}

Result<> load_sale(const Statement& row, sale::State& state) {
  sale::Sale sale;
  sale.no = SaleNo{static_cast<std::uint32_t>(row.integer(0))};
  sale.id = row.text(1);
  sale.title = row.text(2);
  sale.starts_at = Instant{row.integer(3)};
  sale.ends_at = Instant{row.integer(4)};
  sale.hold = Span{row.integer(5)};
  sale.paused = row.integer(6) != 0;
  sale.cancelled = row.integer(7) != 0;
  if (auto restored = state.restore(sale); !restored) {
    return std::unexpected(damaged("sale", row.integer(0), restored.error().message));
  }
  return {};
}

Result<> load_item(const Statement& row, sale::State& state) {
  sale::Item item;
  item.no = ItemNo{static_cast<std::uint32_t>(row.integer(0))};
  item.sale = SaleNo{static_cast<std::uint32_t>(row.integer(1))};
  item.id = row.text(2);
  item.title = row.text(3);
  item.image_url = row.text(4);
  item.description = row.text(5);
  item.price = Money{row.integer(6)};
  item.list_price = Money{row.integer(7)};
  const auto currency = Currency::parse(row.text(8));
  if (!currency) {
    return std::unexpected(
        damaged("item", row.integer(0), fmt::format("unknown currency '{}'", row.text(8))));
  }
  item.currency = *currency;
  item.per_user_limit = Quantity{row.integer(9)};
  if (row.is_null(10)) {
    return std::unexpected(damaged("item", row.integer(0), "it has no row in item_stock"));
  }
  item.counters = {Quantity{row.integer(10)}, Quantity{row.integer(11)}, Quantity{row.integer(12)},
                   Quantity{row.integer(13)}, Quantity{row.integer(14)}};
  item.frozen = row.integer(15) != 0;
  if (auto restored = state.restore(item); !restored) {
    return std::unexpected(damaged("item", row.integer(0), restored.error().message));
  }
  return {};
}

std::uint64_t big_endian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes)
    value = value << 8 | byte;
  return value;
}

/// What a cast would hide: numbers that do not fit the type they are stored for.
const char* misfit(const Statement& row) {
  const auto outside = [&row](int column, std::int64_t low, std::int64_t high) {
    const std::int64_t value = row.integer(column);
    return value < low || value > high;
  };
  constexpr std::int64_t kByte = std::numeric_limits<std::uint8_t>::max();
  if (outside(2, 0, std::numeric_limits<std::uint32_t>::max())) return "item_no is out of range";
  if (outside(5, 1, static_cast<std::int64_t>(sale::OrderStatus::failed))) {
    return "status is not a known code";
  }
  if (outside(6, 0, static_cast<std::int64_t>(sale::EndReason::operator_refund))) {
    return "reason is not a known code";
  }
  if (outside(13, 0, kByte)) return "close_attempts is out of range";
  if (!row.is_null(12) && row.blob(12).size() != 16) return "request_key is not 16 bytes";
  return nullptr;
}

Result<> load_order(const Statement& row, sale::State& state) {
  if (const char* what = misfit(row)) {
    return std::unexpected(damaged("orders", row.integer(0), what));
  }
  sale::StoredOrder order;
  order.id = OrderId{row.integer(0)};
  order.user = row.text(1);
  order.item = ItemNo{static_cast<std::uint32_t>(row.integer(2))};
  order.quantity = row.integer(3);
  order.amount = Money{row.integer(4)};
  order.status = static_cast<sale::OrderStatus>(row.integer(5));
  order.reason = static_cast<sale::EndReason>(row.integer(6));
  order.created_at = Instant{row.integer(7)};
  order.expires_at = Instant{row.integer(8)};
  if (!row.is_null(11)) {
    order.paid_at = Instant{row.integer(9)};
    order.paid_amount = Money{row.integer(10)};
    order.transaction_id = row.text(11);
  }
  if (!row.is_null(12)) {
    const auto key = row.blob(12);
    order.request = {big_endian(key.first(8)), big_endian(key.subspan(8))};
  }
  order.close_attempts = static_cast<std::uint8_t>(row.integer(13));
  order.unit_sold = row.integer(14) != 0;
  if (auto restored = state.restore(order); !restored) {
    return std::unexpected(damaged("orders", row.integer(0), restored.error().message));
  }
  return {};
}

}  // namespace

Result<> load_state(Connection& connection, sale::State& state, LastEvents& events,
                    const std::function<void(std::uint64_t)>& progress) {
  auto moment = ReadTransaction::begin(connection);
  if (!moment) return std::unexpected(moment.error());
  auto sales = scan(connection, kSales, [&](Statement& row) { return load_sale(row, state); });
  if (!sales) return sales;
  auto items = scan(connection, kItems, [&](Statement& row) { return load_item(row, state); });
  if (!items) return items;
  std::uint64_t orders = 0;
  auto loaded = scan(connection, kOrders, [&](Statement& row) -> Result<> {
    if (auto done = load_order(row, state); !done) return done;
    events.resize(state.order_count());
    events.set(state.order_count() - 1, row.integer(15));
    if (++orders % kProgressEvery == 0 && progress) progress(orders);
    return {};
  });
  if (loaded && progress) progress(orders);
  return loaded;
}

}  // namespace sluice::store
