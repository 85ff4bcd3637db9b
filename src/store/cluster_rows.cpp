// SELECTs of the cluster's record, and rows as the core knows them.
#include "store/cluster_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;
using mariadb::ResetGuard;
using mariadb::Statement;

constexpr const char* kOrderColumns =
    "SELECT id, `user`, item_no, quantity, amount, status, reason, created_at, expires_at, "
    "paid_at, "
    "paid_amount, transaction_id, request_key, close_attempts, unit_sold, last_event, sale_no FROM "
    "orders";

OrderRow order_of(const Statement& row) {
  OrderRow order;
  order.id = row.integer(0);
  order.user = row.text(1);
  order.item_no = row.integer(2);
  order.quantity = row.integer(3);
  order.amount = row.integer(4);
  order.status = row.integer(5);
  order.reason = row.integer(6);
  order.created_at = row.integer(7);
  order.expires_at = row.integer(8);
  if (!row.is_null(9)) order.paid_at = row.integer(9);
  order.paid_amount = row.integer(10);
  order.transaction_id = row.text(11);
  const auto key = row.blob(12);
  order.request_key.assign(key.begin(), key.end());
  order.close_attempts = row.integer(13);
  order.unit_sold = row.integer(14) != 0;
  order.last_event = row.integer(15);
  order.sale_no = row.integer(16);
  return order;
}

/// Numbers that a cast would hide.
const char* misfit(const OrderRow& order) {
  if (order.status < 1 || order.status > static_cast<std::int64_t>(sale::OrderStatus::failed)) {
    return "status is not a known code";
  }
  if (order.reason < 0 ||
      order.reason > static_cast<std::int64_t>(sale::EndReason::operator_refund)) {
    return "reason is not a known code";
  }
  if (order.close_attempts < 0 || order.close_attempts > 255) {
    return "close_attempts is out of range";
  }
  if (!order.request_key.empty() && order.request_key.size() != 16) {
    return "request_key is not 16 bytes";
  }
  return nullptr;
}

/// Runs a statement with rows to its end.
Outcome<> each(Statement& statement, const std::function<Outcome<>(const Statement&)>& row) {
  if (auto asked = statement.query(); !asked) return asked;
  const ResetGuard guard(statement);
  for (;;) {
    const auto found = statement.next();
    if (!found) return std::unexpected(found.error());
    if (!*found) return {};
    if (auto done = row(statement); !done) return done;
  }
}

std::uint64_t big_endian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes)
    value = value << 8 | byte;
  return value;
}

Outcome<sale::Item> item_of(const Statement& row) {
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
  if (!currency) return std::unexpected(damaged("item", row.integer(0), "unknown currency"));
  item.currency = *currency;
  item.per_user_limit = Quantity{row.integer(9)};
  if (row.is_null(10)) {
    return std::unexpected(damaged("item", row.integer(0), "it has no row in item_stock"));
  }
  item.counters = {Quantity{row.integer(10)}, Quantity{row.integer(11)}, Quantity{row.integer(12)},
                   Quantity{row.integer(13)}, Quantity{row.integer(14)}};
  item.frozen = row.integer(15) != 0;
  return item;
}

}  // namespace

Failure damaged(std::string_view table, std::int64_t key, std::string_view what) {
  Failure failure;
  failure.message = fmt::format(
      "row {} of table {} of the record is damaged: {}; run `sluice verify`, and restore a backup",
      key, table, what);
  return failure;
}

sale::RequestKey OrderRow::request() const {
  if (request_key.empty()) return {};
  const std::span<const std::uint8_t> bytes(request_key);
  return {big_endian(bytes.first(8)), big_endian(bytes.subspan(8))};
}

sale::StoredOrder OrderRow::stored(ItemNo item) const {
  sale::StoredOrder order;
  order.id = OrderId{id};
  order.user = user;
  order.item = item;
  order.quantity = quantity;
  order.amount = Money{amount};
  order.created_at = Instant{created_at};
  order.expires_at = Instant{expires_at};
  order.status = static_cast<sale::OrderStatus>(status);
  order.reason = static_cast<sale::EndReason>(reason);
  order.close_attempts = static_cast<std::uint8_t>(close_attempts);
  order.unit_sold = unit_sold;
  order.request = request();
  order.transaction_id = transaction_id;
  order.paid_at = Instant{paid_at.value_or(0)};
  order.paid_amount = Money{paid_amount};
  return order;
}

std::string placeholders(std::size_t count) {
  std::string text = count == 0 ? "NULL" : "?";
  for (std::size_t i = 1; i < count; ++i)
    text += ",?";
  return text;
}

Outcome<> read_numbered(Connection& connection, std::string sql, std::string_view key,
                        std::span<const std::int64_t> numbers,
                        const std::function<Outcome<>(const Statement&)>& row) {
  if (!numbers.empty()) sql += fmt::format(" WHERE {} IN ({})", key, placeholders(numbers.size()));
  sql += fmt::format(" ORDER BY {}", key);
  auto statement = connection.prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    statement->bind(static_cast<int>(i) + 1, numbers[i]);
  return each(*statement, row);
}

Outcome<> read_orders(Connection& connection, const OrderQuery& query,
                      const std::function<Result<>(OrderRow&)>& row) {
  auto statement =
      connection.prepare(fmt::format("{} WHERE {} ORDER BY id", kOrderColumns, query.conditions));
  if (!statement) return std::unexpected(statement.error());
  int index = 0;
  for (const std::int64_t number : query.numbers)
    statement->bind(++index, number);
  for (const std::string_view text : query.texts)
    statement->bind(++index, text);
  for (const auto& blob : query.blobs)
    statement->bind(++index, blob);
  return each(*statement, [&row](const Statement& found) -> Outcome<> {
    OrderRow order = order_of(found);
    if (const char* what = misfit(order)) return std::unexpected(damaged("orders", order.id, what));
    if (auto done = row(order); !done) {
      return std::unexpected(damaged("orders", order.id, done.error().message));
    }
    return {};
  });
}

Outcome<std::vector<sale::Sale>> read_sales(Connection& connection,
                                            std::span<const std::int64_t> numbers) {
  std::vector<sale::Sale> sales;
  auto read = read_numbered(
      connection, "SELECT no, id, title, starts_at, ends_at, hold_ms, paused, cancelled FROM sale",
      "no", numbers, [&sales](const Statement& row) -> Outcome<> {
        sale::Sale sale;
        sale.no = SaleNo{static_cast<std::uint32_t>(row.integer(0))};
        sale.id = row.text(1);
        sale.title = row.text(2);
        sale.starts_at = Instant{row.integer(3)};
        sale.ends_at = Instant{row.integer(4)};
        sale.hold = Span{row.integer(5)};
        sale.paused = row.integer(6) != 0;
        sale.cancelled = row.integer(7) != 0;
        sales.push_back(std::move(sale));
        return {};
      });
  if (!read) return std::unexpected(read.error());
  return sales;
}

Outcome<std::vector<sale::Item>> read_items(Connection& connection,
                                            std::span<const std::int64_t> numbers) {
  std::vector<sale::Item> items;
  auto read = read_numbered(
      connection,
      "SELECT i.no, i.sale_no, i.id, i.title, i.image_url, i.description, i.price, i.list_price, "
      "i.currency, i.per_user_limit, c.stock, c.available, c.held, c.sold, c.refunded, c.frozen "
      "FROM item i LEFT JOIN item_stock c ON c.item_no = i.no",
      "i.no", numbers, [&items](const Statement& row) -> Outcome<> {
        auto item = item_of(row);
        if (!item) return std::unexpected(item.error());
        items.push_back(std::move(*item));
        return {};
      });
  if (!read) return std::unexpected(read.error());
  return items;
}

namespace {

Outcome<Heads> heads_by(Connection& connection, std::string_view sql) {
  auto statement = connection.prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  Heads heads;
  bool found = false;
  auto read = each(*statement, [&](const Statement& row) -> Outcome<> {
    const auto hash = row.blob(3);
    if (hash.size() != heads.hash.size()) return std::unexpected(damaged("head", 1, "bad hash"));
    heads.history = row.integer(0);
    heads.audit = row.integer(1);
    heads.seal = row.integer(2);
    std::copy(hash.begin(), hash.end(), heads.hash.begin());
    found = true;
    return {};
  });
  if (!read) return std::unexpected(read.error());
  if (!found) return std::unexpected(damaged("head", 1, "it is missing"));
  return heads;
}

}  // namespace

Outcome<Heads> read_head(Connection& connection) {
  return heads_by(connection, "SELECT history, audit, seal, hash FROM head WHERE one = 1");
}

Outcome<Heads> lock_head(Connection& connection) {
  return heads_by(connection,
                  "SELECT history, audit, seal, hash FROM head WHERE one = 1 FOR UPDATE");
}

Outcome<std::optional<Hash>> seal_hash(Connection& connection, std::int64_t sequence) {
  auto statement = connection.prepare("SELECT hash FROM seal WHERE seq = ?");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(1, sequence);
  std::optional<Hash> hash;
  auto read = each(*statement, [&hash](const Statement& row) -> Outcome<> {
    const auto bytes = row.blob(0);
    hash.emplace();
    std::copy_n(bytes.begin(), std::min(bytes.size(), hash->size()), hash->begin());
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return hash;
}

}  // namespace sluice::store
