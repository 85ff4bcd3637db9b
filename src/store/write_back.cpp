// A page at a time: history from the record, rows into the table, then how far it got.
#include "store/write_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/money.h"
#include "sale/effects.h"
#include "store/cluster_rows.h"
#include "store/cluster_session.h"
#include "store/write_back_target.h"

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
  const bool digits = !id.empty() && id.front() != '0' && id.size() <= 18 &&
                      std::ranges::all_of(id, [](char c) { return c >= '0' && c <= '9'; });
  return digits ? std::optional(std::stoll(std::string(id))) : std::nullopt;
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
  std::optional<WriteBackTarget> target;
  std::unordered_map<std::int64_t, Item> items;  ///< as many as the record has

  Parts(ClusterSession session, OrderTable chosen)
      : record(std::move(session)),
        table(std::move(chosen)),
        name(fmt::format("orders to {}/{}", table.address.shown(), table.name)) {}

  Outcome<> connect();
  Outcome<std::vector<CopiedOrder>> read_copies(Connection& on, std::vector<std::int64_t> ids);
  Outcome<> read_catalog(Connection& on);
  CopiedOrder copied(OrderRow& row, const Item& item) const;
  Outcome<> write(std::span<const CopiedOrder> orders, Step& step);
};

Outcome<> WriteBack::Parts::connect() {
  if (target) return {};
  auto opened = WriteBackTarget::open(table);
  if (!opened) return std::unexpected(opened.error());
  target.emplace(std::move(*opened));
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

Outcome<> WriteBack::Parts::write(std::span<const CopiedOrder> orders, Step& step) {
  auto done = target->write(orders);
  if (!done && is_fault_of_row(done.error())) {
    // One of them does not fit: the others are written one by one.
    done = {};
    for (const CopiedOrder& order : orders) {
      const auto alone = target->write({&order, 1});
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

Outcome<bool> WriteBack::probe(const OrderTable& table) {
  const auto target = WriteBackTarget::open(table);
  if (!target) return std::unexpected(target.error());
  return target->has_sellers();
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
      if (written.error().kind == Failure::Kind::lost) in.target.reset();
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
