// A page at a time: history from the record, rows into the table, then how far it got.
#include "store/write_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/money.h"
#include "sale/effects.h"
#include "store/cluster_bulk.h"
#include "store/cluster_rows.h"
#include "store/cluster_session.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;
using mariadb::ResetGuard;
using mariadb::Statement;

/// Rows of history in one step.
constexpr std::int64_t kPage = 4096;

struct Page {
  std::int64_t from = 0;
  std::int64_t to = 0;  ///< the last row of history; `from` where there is none
  std::int64_t rows = 0;
  std::vector<std::int64_t> orders;  ///< whose money came or goes back
};

/// One row of the table, in its words.
struct CopiedOrder {
  std::int64_t id = 0;
  std::optional<std::int64_t> goods;  ///< the item's id, where it is a number as the tutorial's are
  std::string money;
  std::string user;
  std::string created_at;
  std::string paid_at;
  const char* status = "1";
  std::string transaction_id;
};

bool tells_of_money(sale::HistoryEvent event) {
  using sale::HistoryEvent;
  return event == HistoryEvent::paid || event == HistoryEvent::paid_late ||
         event == HistoryEvent::refund_begun || event == HistoryEvent::refunded;
}

/// "2026-11-22 10:00:00"
std::string local_time(Instant at, Span utc_offset) {
  const Instant local = std::clamp(at + utc_offset, Instant{}, kLastInstant);
  std::string text = to_rfc3339(local).substr(0, 19);
  text[10] = ' ';
  return text;
}

std::optional<std::int64_t> number_of(std::string_view id) {
  const bool digits = !id.empty() && id.size() <= 18 &&
                      std::ranges::all_of(id, [](char c) { return c >= '0' && c <= '9'; });
  return digits ? std::optional(std::stoll(std::string(id))) : std::nullopt;
}

/// The values do not fit into the columns: too long, out of range, characters that the table's
/// character set lacks. (Numbers of the MariaDB knowledge base.)
bool is_fault_of_row(const Failure& failure) {
  constexpr std::array<unsigned, 6> kCodes = {1264, 1265, 1292, 1366, 1406, 3988};
  return std::ranges::find(kCodes, failure.code) != kCodes.end();
}

Outcome<std::int64_t> read_position(Connection& connection, std::string_view name) {
  auto statement = connection.prepare("SELECT history FROM follower WHERE name = ?");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(1, name);
  if (auto asked = statement->query(); !asked) return std::unexpected(asked.error());
  const ResetGuard guard(*statement);
  const auto row = statement->next();
  if (!row) return std::unexpected(row.error());
  return *row ? statement->integer(0) : 0;
}

Outcome<> save_position(Connection& connection, std::string_view name, std::int64_t history) {
  auto statement = connection.prepare(
      "INSERT INTO follower VALUES(?, ?) ON DUPLICATE KEY UPDATE history = GREATEST(history, "
      "VALUES(history))");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(1, name);
  statement->bind(2, history);
  if (auto done = statement->run(); !done) return std::unexpected(done.error());
  return {};
}

Outcome<Page> read_page(Connection& connection, std::int64_t from) {
  auto statement = connection.prepare(
      "SELECT seq, event, order_id FROM history WHERE seq > ? ORDER BY seq LIMIT ?");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(1, from);
  statement->bind(2, kPage);
  Page page{from, from, 0, {}};
  if (auto asked = statement->query(); !asked) return std::unexpected(asked.error());
  const ResetGuard guard(*statement);
  for (;;) {
    const auto row = statement->next();
    if (!row) return std::unexpected(row.error());
    if (!*row) return page;
    page.to = statement->integer(0);
    ++page.rows;
    if (tells_of_money(static_cast<sale::HistoryEvent>(statement->integer(1)))) {
      page.orders.push_back(statement->integer(2));
    }
  }
}

}  // namespace

struct WriteBack::Parts {
  struct Item {
    std::optional<std::int64_t> goods;
    Currency currency;
  };

  ClusterSession record;
  OrderTable table;
  std::string name;  ///< of this follower, in the record
  std::optional<Connection> connection;
  std::optional<BulkInsert> insert;
  bool has_sellers = false;
  std::unordered_map<std::int64_t, Item> items;  ///< as many as the record has

  Parts(ClusterSession session, OrderTable chosen)
      : record(std::move(session)),
        table(std::move(chosen)),
        name(fmt::format("orders to {}/{}", table.address.shown(), table.name)) {}

  Outcome<> connect();
  Outcome<> look_for_sellers(Connection& on);
  Outcome<std::vector<CopiedOrder>> read_copies(Connection& on, std::vector<std::int64_t> ids);
  Outcome<> read_catalog(Connection& on);
  CopiedOrder copied(OrderRow& row, const Item& item) const;
  Outcome<> add(const CopiedOrder& order);
  Outcome<> write_all(std::span<const CopiedOrder> orders);
  Outcome<> write(std::span<const CopiedOrder> orders, Step& step);
};

Outcome<> WriteBack::Parts::look_for_sellers(Connection& on) {
  using Kind = Failure::Kind;
  const auto goods = on.prepare(
      fmt::format("SELECT seller_id FROM {} WHERE id = 0", mariadb::quoted_name(table.goods)));
  has_sellers = goods.has_value();
  if (goods) return {};
  const Kind kind = goods.error().kind;
  const bool none = kind == Kind::no_table || kind == Kind::no_column || kind == Kind::denied;
  return none ? Outcome<>{} : std::unexpected(goods.error());
}

Outcome<> WriteBack::Parts::connect() {
  if (connection) return {};
  auto opened = Connection::open(table.address);
  if (!opened) return std::unexpected(opened.error());
  if (auto looked = look_for_sellers(*opened); !looked) return looked;
  InsertShape shape;
  shape.into = mariadb::quoted_name(table.name) +
               "(id, seckill_id, money, user_id, create_time, pay_time, `status`, transaction_id";
  shape.row = "(?,?,?,?,?,?,?,?";
  shape.columns = 8;
  if (has_sellers) {
    shape.into += ", seller_id";
    shape.row +=
        fmt::format(",(SELECT seller_id FROM {} WHERE id = ?)", mariadb::quoted_name(table.goods));
    ++shape.columns;
  }
  shape.into += ')';
  shape.row += ')';
  // A row of somebody else under this number is left alone.
  shape.rest =
      " ON DUPLICATE KEY UPDATE `status` = IF(VALUES(`status`) = '2' AND user_id <=> "
      "VALUES(user_id), '2', `status`)";
  insert.emplace(std::move(shape));
  if (auto prepared = insert->prepare(*opened); !prepared) return prepared;
  connection.emplace(std::move(*opened));
  return {};
}

CopiedOrder WriteBack::Parts::copied(OrderRow& row, const Item& item) const {
  CopiedOrder order;
  order.id = row.id;
  order.goods = item.goods;
  order.money = to_decimal(Money{row.amount}, item.currency);
  order.user = std::move(row.user);
  order.created_at = local_time(Instant{row.created_at}, table.utc_offset);
  order.paid_at = local_time(Instant{row.paid_at.value_or(row.created_at)}, table.utc_offset);
  if (row.status != static_cast<std::int64_t>(sale::OrderStatus::paid)) order.status = "2";
  order.transaction_id = std::move(row.transaction_id);
  return order;
}

Outcome<> WriteBack::Parts::read_catalog(Connection& on) {
  auto found = read_items(on, {});
  if (!found) return std::unexpected(found.error());
  for (const sale::Item& item : *found)
    items[item.no.value] = {number_of(item.id), item.currency};
  return {};
}

Outcome<std::vector<CopiedOrder>> WriteBack::Parts::read_copies(Connection& on,
                                                                std::vector<std::int64_t> ids) {
  std::vector<CopiedOrder> orders;
  if (ids.empty()) return orders;
  OrderQuery query;
  query.conditions = "id IN (" + placeholders(ids.size()) + ")";
  query.numbers = std::move(ids);
  std::vector<OrderRow> rows;
  auto read = read_orders(on, query, [&rows](OrderRow& row) -> Result<> {
    // Money that came too late bought nothing: there never was such an order for the shop.
    const bool too_late = row.reason == static_cast<std::int64_t>(sale::EndReason::late_money);
    if (!too_late) rows.push_back(std::move(row));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  for (OrderRow& row : rows) {
    if (!items.contains(row.item_no)) {
      if (auto done = read_catalog(on); !done) return std::unexpected(done.error());
    }
    const auto item = items.find(row.item_no);
    if (item == items.end()) {
      return std::unexpected(damaged("orders", row.id, "its item does not exist"));
    }
    orders.push_back(copied(row, item->second));
  }
  return orders;
}

Outcome<> WriteBack::Parts::add(const CopiedOrder& order) {
  using Value = BulkInsert::Value;
  std::vector<Value> row = {order.id,
                            order.goods ? Value{*order.goods} : Value{},
                            std::string_view(order.money),
                            std::string_view(order.user),
                            std::string_view(order.created_at),
                            std::string_view(order.paid_at),
                            std::string_view(order.status),
                            std::string_view(order.transaction_id)};
  if (has_sellers) row.push_back(row[1]);
  return insert->add(row);
}

Outcome<> WriteBack::Parts::write_all(std::span<const CopiedOrder> orders) {
  for (const CopiedOrder& order : orders) {
    if (auto done = add(order); !done) return done;
  }
  return insert->flush();
}

Outcome<> WriteBack::Parts::write(std::span<const CopiedOrder> orders, Step& step) {
  auto done = write_all(orders);
  if (!done && is_fault_of_row(done.error())) {
    // One of them does not fit: the others are written one by one.
    done = {};
    for (const CopiedOrder& order : orders) {
      const auto alone = write_all({&order, 1});
      if (alone) continue;
      if (!is_fault_of_row(alone.error())) return alone;
      step.problems.push_back(fmt::format("order {} cannot be written to {}: {}",
                                          to_text(OrderId{order.id}), table.name,
                                          alone.error().message));
    }
  }
  if (done) step.orders = orders.size() - step.problems.size();
  return done;
}

WriteBack::WriteBack(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
WriteBack::~WriteBack() = default;

Outcome<std::unique_ptr<WriteBack>> WriteBack::open(const mariadb::Address& record,
                                                    const OrderTable& table) {
  auto session = ClusterSession::open(record);
  if (!session) return std::unexpected(session.error());
  auto parts = std::make_unique<Parts>(std::move(*session), table);
  if (auto connected = parts->connect(); !connected) return std::unexpected(connected.error());
  return std::unique_ptr<WriteBack>(new WriteBack(std::move(parts)));
}

Outcome<WriteBack::Step> WriteBack::step() {
  Parts& in = *parts_;
  return in.record.ask<Step>([&in](Connection& on) -> Outcome<Step> {
    const auto from = read_position(on, in.name);
    if (!from) return std::unexpected(from.error());
    auto page = read_page(on, *from);
    if (!page) return std::unexpected(page.error());
    auto orders = in.read_copies(on, std::move(page->orders));
    if (!orders) return std::unexpected(orders.error());
    Step step;
    step.more = page->rows == kPage;
    if (auto connected = in.connect(); !connected) return std::unexpected(connected.error());
    if (auto written = in.write(*orders, step); !written) {
      in.insert->clear();
      if (written.error().kind == Failure::Kind::lost) in.connection.reset();
      return std::unexpected(written.error());
    }
    if (page->to == *from) return step;
    if (auto saved = save_position(on, in.name, page->to); !saved) {
      return std::unexpected(saved.error());
    }
    return step;
  });
}

}  // namespace sluice::store
