// Statements of the writing side. Text is bound in place: it lives in the batch until the commit.
#include "store/tables.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::store {
namespace {

// A new order is awaiting payment and nothing else (this record has no refused ones); whatever happened to it later in the same batch
// follows as an update.
constexpr const char* kInsertOrder =
    "INSERT INTO orders VALUES(?1,?2,?3,?4,?5,2,0,?6,?7,NULL,NULL,NULL,?8,0,0,?9,?10)";
constexpr const char* kInsertHistory = "INSERT INTO history VALUES(?1,?2,?3,?4,?5,?6,?7)";
constexpr const char* kUpdateOrder =
    "UPDATE orders SET status=?2, reason=?3, paid_at=?4, paid_amount=?5, transaction_id=?6, "
    "close_attempts=?7, unit_sold=?8, last_event=?9 WHERE id=?1";
constexpr const char* kUpsertStock =
    "INSERT INTO item_stock VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(item_no) DO UPDATE SET "
    "stock=?2, available=?3, held=?4, sold=?5, refunded=?6, frozen=?7";
constexpr const char* kUpsertItem =
    "INSERT INTO item VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT(no) DO UPDATE SET "
    "title=?4, image_url=?5, description=?6, price=?7, list_price=?8, currency=?9, "
    "per_user_limit=?10";
constexpr const char* kUpsertSale =
    "INSERT INTO sale VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(no) DO UPDATE SET title=?3, "
    "starts_at=?4, ends_at=?5, hold_ms=?6, paused=?7, cancelled=?8";
constexpr const char* kInsertAudit = "INSERT INTO audit VALUES(?1,?2,?3,?4,?5,?6,?7,?8)";
constexpr const char* kInsertSeal = "INSERT INTO seal VALUES(?1,?2,?3,?4,?5)";

void bind_text_or_null(Statement& statement, int index, std::string_view text) {
  if (text.empty()) {
    statement.bind_null(index);
  } else {
    statement.bind(index, text);
  }
}

void bind_number_or_null(Statement& statement, int index, std::int64_t value) {
  if (value == 0) {
    statement.bind_null(index);
  } else {
    statement.bind(index, value);
  }
}

}  // namespace

Result<std::unique_ptr<Tables>> Tables::create(Connection& connection) {
  std::unique_ptr<Tables> tables(new Tables(connection));
  const std::array<std::pair<Statement*, const char*>, 8> all{{
      {&tables->insert_order_, kInsertOrder},
      {&tables->insert_history_, kInsertHistory},
      {&tables->update_order_, kUpdateOrder},
      {&tables->upsert_stock_, kUpsertStock},
      {&tables->upsert_item_, kUpsertItem},
      {&tables->upsert_sale_, kUpsertSale},
      {&tables->insert_audit_, kInsertAudit},
      {&tables->insert_seal_, kInsertSeal},
  }};
  for (const auto& [statement, sql] : all) {
    auto prepared = connection.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return tables;
}

Result<Heads> Tables::heads(Connection& connection) {
  Heads heads;
  const auto history = connection.integer("SELECT ifnull(max(seq),0) FROM history");
  if (!history) return std::unexpected(history.error());
  const auto audit = connection.integer("SELECT ifnull(max(seq),0) FROM audit");
  if (!audit) return std::unexpected(audit.error());
  auto last = connection.prepare("SELECT seq, hash FROM seal ORDER BY seq DESC LIMIT 1");
  if (!last) return std::unexpected(last.error());
  heads.history = *history;
  heads.audit = *audit;
  const int code = last->step();
  if (code == SQLITE_DONE) return heads;
  if (code != SQLITE_ROW) return std::unexpected(connection.error("reading the last seal"));
  heads.seal = last->integer(0);
  const auto hash = last->blob(1);
  if (hash.size() != heads.hash.size()) {
    return fail("The last seal of the record is damaged: run `sluice verify`.");
  }
  std::copy(hash.begin(), hash.end(), heads.hash.begin());
  return heads;
}

int Tables::write(const BatchParts& batch) {
  const int code = read_rows(batch, *this);
  if (code == kNoRows) return SQLITE_CORRUPT;
  if (code != SQLITE_OK) return code;
  const SealFacts& seal = batch.seal;
  insert_seal_.bind(1, seal.sequence);
  insert_seal_.bind(2, seal.at);
  insert_seal_.bind(3, seal.last_history);
  insert_seal_.bind(4, seal.last_audit);
  insert_seal_.bind(5, std::span<const std::uint8_t>(seal.hash));
  return insert_seal_.run();
}

int Tables::history(const HistoryFacts& row, const GrantFacts* grant) {
  Statement& insert = insert_history_;
  insert.bind(1, row.sequence);
  insert.bind(2, row.order_id);
  insert.bind(3, row.at);
  insert.bind(4, row.event);
  bind_number_or_null(insert, 5, row.previous);
  bind_text_or_null(insert, 6, row.actor);
  bind_text_or_null(insert, 7, row.detail);
  const int code = insert.run();
  return code == SQLITE_OK && grant != nullptr ? granted(row, *grant) : code;
}

int Tables::granted(const HistoryFacts& row, const GrantFacts& grant) {
  Statement& insert = insert_order_;
  insert.bind(1, row.order_id);
  insert.bind(2, grant.user);
  insert.bind(3, grant.item_no);
  insert.bind(4, grant.quantity);
  insert.bind(5, grant.amount);
  insert.bind(6, grant.created_at);
  insert.bind(7, grant.expires_at);
  if (grant.request_key.empty()) {
    insert.bind_null(8);
  } else {
    insert.bind(8, grant.request_key);
  }
  bind_number_or_null(insert, 9, grant.user_previous);
  insert.bind(10, row.sequence);
  return insert.run();
}

int Tables::order(const OrderFacts& row) {
  Statement& update = update_order_;
  update.bind(1, row.id);
  update.bind(2, row.status);
  update.bind(3, row.reason);
  if (row.has_payment != 0) {
    update.bind(4, row.paid_at);
    update.bind(5, row.paid_amount);
    update.bind(6, row.transaction_id);
  } else {
    for (const int column : {4, 5, 6})
      update.bind_null(column);
  }
  update.bind(7, row.close_attempts);
  update.bind(8, row.unit_sold);
  update.bind(9, row.last_event);
  const int code = update.run();
  // An order that is not there: the file was changed behind the server's back.
  return code == SQLITE_OK && sqlite3_changes(connection_.raw()) != 1 ? SQLITE_CORRUPT : code;
}

int Tables::stock(const StockFacts& row) {
  upsert_stock_.bind(1, row.item_no);
  upsert_stock_.bind(2, row.stock);
  upsert_stock_.bind(3, row.available);
  upsert_stock_.bind(4, row.held);
  upsert_stock_.bind(5, row.sold);
  upsert_stock_.bind(6, row.refunded);
  upsert_stock_.bind(7, row.frozen);
  return upsert_stock_.run();
}

int Tables::item(const ItemFacts& row) {
  upsert_item_.bind(1, row.no);
  upsert_item_.bind(2, row.sale_no);
  upsert_item_.bind(3, row.id);
  upsert_item_.bind(4, row.title);
  upsert_item_.bind(5, row.image_url);
  upsert_item_.bind(6, row.description);
  upsert_item_.bind(7, row.price);
  upsert_item_.bind(8, row.list_price);
  upsert_item_.bind(9, row.currency);
  upsert_item_.bind(10, row.per_user_limit);
  return upsert_item_.run();
}

int Tables::sale(const SaleFacts& row) {
  upsert_sale_.bind(1, row.no);
  upsert_sale_.bind(2, row.id);
  upsert_sale_.bind(3, row.title);
  upsert_sale_.bind(4, row.starts_at);
  upsert_sale_.bind(5, row.ends_at);
  upsert_sale_.bind(6, row.hold_ms);
  upsert_sale_.bind(7, row.paused);
  upsert_sale_.bind(8, row.cancelled);
  return upsert_sale_.run();
}

int Tables::audit(const AuditFacts& row) {
  insert_audit_.bind(1, row.sequence);
  insert_audit_.bind(2, row.at);
  insert_audit_.bind(3, row.actor);
  insert_audit_.bind(4, row.action);
  insert_audit_.bind(5, row.subject);
  insert_audit_.bind(6, row.reason);
  insert_audit_.bind(7, row.before);
  insert_audit_.bind(8, row.after);
  return insert_audit_.run();
}

}  // namespace sluice::store
