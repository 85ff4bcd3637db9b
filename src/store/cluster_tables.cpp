// Statements of the cluster's record; the same rows that tables.cpp writes into SQLite.
#include "store/cluster_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/assert.h"
#include "sale/effects.h"
#include "sale/order.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;
using mariadb::Statement;
using Value = BulkInsert::Value;

constexpr int kFailed = 1;  ///< answer of a sink: see failure_

constexpr const char* kUpdateOrder =
    "UPDATE orders SET status=?, reason=?, paid_at=?, paid_amount=?, transaction_id=?, "
    "close_attempts=?, unit_sold=?, last_event=? WHERE id=?";
// The CHECK of the table refuses what would leave a counter below zero or not add up; the condition
// refuses it on servers that do not look at CHECKs.
constexpr const char* kAddStock =
    "UPDATE item_stock SET stock=stock+?, available=available+?, held=held+?, sold=sold+?, "
    "refunded=refunded+?, frozen=? WHERE item_no=? AND available+? >= 0 AND held+? >= 0 AND "
    "sold+? >= 0";
constexpr const char* kInsertStock = "INSERT INTO item_stock VALUES(?,?,?,?,?,?,?)";
constexpr const char* kUpsertItem =
    "INSERT INTO item VALUES(?,?,?,?,?,?,?,?,?,?) ON DUPLICATE KEY UPDATE title=VALUES(title), "
    "image_url=VALUES(image_url), description=VALUES(description), price=VALUES(price), "
    "list_price=VALUES(list_price), currency=VALUES(currency), "
    "per_user_limit=VALUES(per_user_limit)";
constexpr const char* kUpsertSale =
    "INSERT INTO sale VALUES(?,?,?,?,?,?,?,?) ON DUPLICATE KEY UPDATE title=VALUES(title), "
    "starts_at=VALUES(starts_at), ends_at=VALUES(ends_at), hold_ms=VALUES(hold_ms), "
    "paused=VALUES(paused), cancelled=VALUES(cancelled)";
constexpr const char* kInsertSeal = "INSERT INTO seal VALUES(?,?,?,?,?)";
constexpr const char* kUpdateHead =
    "UPDATE head SET history=?, audit=?, seal=?, hash=? WHERE one=1 AND seal=?";

constexpr const char* kOrders =
    "orders(id, `user`, item_no, quantity, amount, status, reason, created_at, expires_at, "
    "request_key, close_attempts, unit_sold, last_event, sale_no)";

Value text_or_null(std::string_view text) {
  return text.empty() ? Value{} : Value{text};
}

}  // namespace

ClusterTables::ClusterTables()
    : orders_({.into = kOrders, .columns = 14}),
      history_({.into = "history", .columns = 7}),
      audit_({.into = "audit", .columns = 8}) {}

Outcome<> ClusterTables::prepare(Connection& connection) {
  const std::array<std::pair<Statement*, const char*>, 7> all{{
      {&update_order_, kUpdateOrder},
      {&add_stock_, kAddStock},
      {&insert_stock_, kInsertStock},
      {&upsert_item_, kUpsertItem},
      {&upsert_sale_, kUpsertSale},
      {&insert_seal_, kInsertSeal},
      {&update_head_, kUpdateHead},
  }};
  for (const auto& [statement, sql] : all) {
    auto prepared = connection.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  for (BulkInsert* rows : {&orders_, &history_, &audit_}) {
    if (auto done = rows->prepare(connection); !done) return done;
  }
  return {};
}

Outcome<> ClusterTables::write(const BatchParts& batch, const BatchContext& context) {
  context_ = &context;
  failure_.reset();
  auto written = write_rows(batch);
  for (BulkInsert* rows : {&orders_, &history_, &audit_})
    rows->clear();
  context_ = nullptr;
  return written;
}

Outcome<> ClusterTables::write_rows(const BatchParts& batch) {
  const int code = read_rows(batch, *this);
  SLUICE_ASSERT(code == 0 || failure_, "a batch that was just laid down can be read");
  if (failure_) return std::unexpected(*failure_);
  for (BulkInsert* rows : {&orders_, &history_, &audit_}) {
    if (auto done = rows->flush(); !done) return done;
  }
  return write_seal(batch.seal);
}

Outcome<> ClusterTables::write_seal(const SealFacts& seal) {
  insert_seal_.bind(1, seal.sequence);
  insert_seal_.bind(2, seal.at);
  insert_seal_.bind(3, seal.last_history);
  insert_seal_.bind(4, seal.last_audit);
  insert_seal_.bind(5, std::span<const std::uint8_t>(seal.hash));
  if (auto done = insert_seal_.run(); !done) return std::unexpected(done.error());
  update_head_.bind(1, seal.last_history);
  update_head_.bind(2, seal.last_audit);
  update_head_.bind(3, seal.sequence);
  update_head_.bind(4, std::span<const std::uint8_t>(seal.hash));
  update_head_.bind(5, seal.sequence - 1);
  if (one_row(update_head_, "the head of the record is not where it was locked") != 0) {
    return std::unexpected(*failure_);
  }
  return {};
}

int ClusterTables::keep(Outcome<> done) {
  if (done) return 0;
  failure_ = std::move(done.error());
  return kFailed;
}

int ClusterTables::keep(Outcome<std::uint64_t> done) {
  if (done) return 0;
  failure_ = std::move(done.error());
  return kFailed;
}

int ClusterTables::one_row(Statement& statement, const char* what) {
  auto done = statement.run();
  if (done && *done == 1) return 0;
  if (done) {
    failure_.emplace();
    failure_->message = fmt::format("{}: run `sluice verify`", what);
  } else {
    failure_ = std::move(done.error());
  }
  return kFailed;
}

int ClusterTables::history(const HistoryFacts& row, const GrantFacts* grant) {
  const std::array<Value, 7> values = {row.sequence,
                                       row.order_id,
                                       row.at,
                                       row.event,
                                       row.previous == 0 ? Value{} : Value{row.previous},
                                       text_or_null(row.actor),
                                       text_or_null(row.detail)};
  if (const int code = keep(history_.add(values)); code != 0 || grant == nullptr) return code;
  const bool refused = row.event == static_cast<std::int64_t>(sale::HistoryEvent::refused);
  const auto status = static_cast<std::int64_t>(refused ? sale::OrderStatus::failed
                                                        : sale::OrderStatus::awaiting_payment);
  const std::int64_t none = 0;
  const std::array<Value, 14> order = {
      row.order_id,
      grant->user,
      grant->item_no,
      grant->quantity,
      grant->amount,
      status,
      none,
      grant->created_at,
      grant->expires_at,
      grant->request_key.empty() ? Value{} : Value{grant->request_key},
      none,
      none,
      row.sequence,
      context_->sale_of.at(grant->item_no)};
  return keep(orders_.add(order));
}

int ClusterTables::audit(const AuditFacts& row) {
  const std::array<Value, 8> values = {row.sequence, row.at,     row.actor,  row.action,
                                       row.subject,  row.reason, row.before, row.after};
  return keep(audit_.add(values));
}

int ClusterTables::order(const OrderFacts& row) {
  // It may have been granted in this very batch.
  if (const int code = keep(orders_.flush()); code != 0) return code;
  update_order_.bind(1, row.status);
  update_order_.bind(2, row.reason);
  if (row.has_payment != 0) {
    update_order_.bind(3, row.paid_at);
    update_order_.bind(4, row.paid_amount);
    update_order_.bind(5, row.transaction_id);
  } else {
    for (const int column : {3, 4, 5})
      update_order_.bind_null(column);
  }
  update_order_.bind(6, row.close_attempts);
  update_order_.bind(7, row.unit_sold);
  update_order_.bind(8, row.last_event);
  update_order_.bind(9, row.id);
  return one_row(update_order_, "an order of the batch is not in the record");
}

int ClusterTables::stock(const StockFacts& row) {
  const std::int64_t item = context_->real_item(row.item_no);
  const auto known = context_->before.find(item);
  if (known == context_->before.end()) {
    const std::array<std::int64_t, 7> values = {item,     row.stock,    row.available, row.held,
                                                row.sold, row.refunded, row.frozen};
    for (std::size_t i = 0; i < values.size(); ++i)
      insert_stock_.bind(static_cast<int>(i) + 1, values[i]);
    return keep(insert_stock_.run());
  }
  const sale::Counters& before = known->second;
  const std::int64_t available = row.available - before.available.units;
  const std::int64_t held = row.held - before.held.units;
  const std::int64_t sold = row.sold - before.sold.units;
  const std::array<std::int64_t, 10> values = {row.stock - before.stock.units,
                                               available,
                                               held,
                                               sold,
                                               row.refunded - before.refunded.units,
                                               row.frozen,
                                               item,
                                               available,
                                               held,
                                               sold};
  const bool same = std::all_of(values.begin(), values.begin() + 5,
                                [](std::int64_t change) { return change == 0; });
  for (std::size_t i = 0; i < values.size(); ++i)
    add_stock_.bind(static_cast<int>(i) + 1, values[i]);
  // The server counts rows that changed: nothing to add may be none.
  return same ? keep(add_stock_.run())
              : one_row(add_stock_, "an item has fewer units than its orders say");
}

int ClusterTables::item(const ItemFacts& row) {
  upsert_item_.bind(1, context_->real_item(row.no));
  upsert_item_.bind(2, context_->real_sale(row.sale_no));
  upsert_item_.bind(3, row.id);
  upsert_item_.bind(4, row.title);
  upsert_item_.bind(5, row.image_url);
  upsert_item_.bind(6, row.description);
  upsert_item_.bind(7, row.price);
  upsert_item_.bind(8, row.list_price);
  upsert_item_.bind(9, row.currency);
  upsert_item_.bind(10, row.per_user_limit);
  return keep(upsert_item_.run());
}

int ClusterTables::sale(const SaleFacts& row) {
  upsert_sale_.bind(1, context_->real_sale(row.no));
  upsert_sale_.bind(2, row.id);
  upsert_sale_.bind(3, row.title);
  upsert_sale_.bind(4, row.starts_at);
  upsert_sale_.bind(5, row.ends_at);
  upsert_sale_.bind(6, row.hold_ms);
  upsert_sale_.bind(7, row.paused);
  upsert_sale_.bind(8, row.cancelled);
  return keep(upsert_sale_.run());
}

}  // namespace sluice::store
