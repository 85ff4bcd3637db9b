// The migrations of the cluster's record. A migration that was released is never changed: add the
// next one. The server commits each statement of a definition by itself, so each can be repeated.
#include "store/cluster_schema.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <span>
#include <string_view>

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;

/// Whatever the server's defaults are: rows are locked, texts are compared byte by byte.
constexpr std::string_view kTableOptions =
    " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

// Tables and columns are those of the SQLite record (schema.cpp), with what many writers need on
// top: `head`, the row that every writing transaction locks first; unique keys; CHECKs; sale_no and
// open_in_sale, by which a shopper has at most one unpaid order in a sale; under which epoch a sale
// was loaded; leases. Users and transactions are bytes, as even a binary collation takes "a" and
// "a " for the same.
constexpr std::array<const char*, 18> kInitial = {
    "CREATE TABLE IF NOT EXISTS order_status(code INT PRIMARY KEY, name VARCHAR(32) NOT NULL "
    "UNIQUE, holds_unit INT NOT NULL)",
    "REPLACE INTO order_status VALUES (1,'queued',0),(2,'awaiting_payment',1),(3,'closing',1),"
    "(4,'needs_person',1),(5,'paid',0),(6,'refunding',0),(7,'refunded',0),(8,'expired',0),"
    "(9,'cancelled',0),(10,'failed',0)",
    "CREATE TABLE IF NOT EXISTS end_reason(code INT PRIMARY KEY, name VARCHAR(32) NOT NULL UNIQUE)",
    "REPLACE INTO end_reason VALUES (0,'none'),(1,'deadline'),(2,'user'),(3,'sale_cancelled'),"
    "(4,'payment_failed'),(5,'operator_release'),(6,'late_money'),(7,'operator_refund')",
    "CREATE TABLE IF NOT EXISTS history_event(code INT PRIMARY KEY, name VARCHAR(32) NOT NULL "
    "UNIQUE)",
    "REPLACE INTO history_event VALUES (1,'granted'),(2,'payment_begun'),(3,'closing'),"
    "(4,'close_retried'),(5,'needs_person'),(6,'expired'),(7,'cancelled'),(8,'paid'),"
    "(9,'paid_late'),(10,'refund_begun'),(11,'refunded'),(12,'refund_failed'),"
    "(13,'amount_mismatch'),(14,'currency_mismatch'),(15,'second_transaction'),"
    "(16,'payment_refused'),(17,'refused')",
    "CREATE TABLE IF NOT EXISTS sale(no BIGINT PRIMARY KEY, id VARCHAR(64) NOT NULL UNIQUE, "
    "title VARCHAR(512) NOT NULL, starts_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, "
    "hold_ms BIGINT NOT NULL, paused INT NOT NULL, cancelled INT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS item(no BIGINT PRIMARY KEY, sale_no BIGINT NOT NULL, "
    "id VARCHAR(64) NOT NULL UNIQUE, title VARCHAR(512) NOT NULL, image_url TEXT NOT NULL, "
    "description TEXT NOT NULL, price BIGINT NOT NULL, list_price BIGINT NOT NULL, "
    "currency VARCHAR(3) NOT NULL, per_user_limit BIGINT NOT NULL, KEY of_sale(sale_no))",
    "CREATE TABLE IF NOT EXISTS item_stock(item_no BIGINT PRIMARY KEY, stock BIGINT NOT NULL, "
    "available BIGINT NOT NULL, held BIGINT NOT NULL, sold BIGINT NOT NULL, "
    "refunded BIGINT NOT NULL, frozen INT NOT NULL, "
    "CONSTRAINT conserved CHECK (available >= 0 AND held >= 0 AND sold >= 0 AND refunded >= 0 AND "
    "available + held + sold = stock))",
    "CREATE TABLE IF NOT EXISTS orders(id BIGINT PRIMARY KEY, `user` VARBINARY(128) NOT NULL, "
    "item_no BIGINT NOT NULL, quantity BIGINT NOT NULL, amount BIGINT NOT NULL, "
    "status INT NOT NULL, reason INT NOT NULL, created_at BIGINT NOT NULL, "
    "expires_at BIGINT NOT NULL, paid_at BIGINT, paid_amount BIGINT, transaction_id "
    "VARBINARY(255), "
    "request_key BINARY(16), close_attempts INT NOT NULL, unit_sold INT NOT NULL, "
    "user_previous BIGINT, last_event BIGINT NOT NULL, sale_no BIGINT NOT NULL, "
    "open_in_sale BIGINT AS (IF(status IN (1,2,3,4), sale_no, NULL)) STORED, "
    "UNIQUE KEY one_open(`user`, open_in_sale), UNIQUE KEY one_request(request_key), "
    "UNIQUE KEY one_payment(transaction_id), KEY of_sale(sale_no, id), "
    "KEY due(status, expires_at, sale_no))",
    "CREATE TABLE IF NOT EXISTS history(seq BIGINT PRIMARY KEY, order_id BIGINT NOT NULL, "
    "at BIGINT NOT NULL, event INT NOT NULL, previous BIGINT, actor TEXT, detail TEXT, KEY "
    "of_order(order_id, seq))",
    "CREATE TABLE IF NOT EXISTS audit(seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT "
    "NULL, action TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, "
    "`before` MEDIUMTEXT NOT NULL, `after` MEDIUMTEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS seal(seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, "
    "last_history BIGINT NOT NULL, last_audit BIGINT NOT NULL, hash BINARY(32) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS head(one INT PRIMARY KEY, history BIGINT NOT NULL, "
    "audit BIGINT NOT NULL, seal BIGINT NOT NULL, hash BINARY(32) NOT NULL, "
    "CONSTRAINT alone CHECK (one = 1))",
    "CREATE TABLE IF NOT EXISTS sale_epoch(sale_no BIGINT PRIMARY KEY, epoch BIGINT NOT NULL, "
    "history BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS lease(name VARBINARY(64) PRIMARY KEY, holder VARBINARY(128) NOT "
    "NULL, until BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS follower(name VARBINARY(512) PRIMARY KEY, history BIGINT NOT NULL)",
    "INSERT INTO head SELECT 1, 0, 0, 0, REPEAT(CHAR(0), 32) FROM DUAL WHERE NOT EXISTS "
    "(SELECT 1 FROM head)",
};

struct Migration {
  const char* name;
  std::span<const char* const> statements;
};
constexpr std::array<Migration, 1> kMigrations{{{"initial", kInitial}}};

constexpr const char* kMigrationTable =
    "CREATE TABLE IF NOT EXISTS migration(version INT PRIMARY KEY, name VARCHAR(64) NOT NULL, "
    "applied_at BIGINT NOT NULL)";
constexpr int kLockSeconds = 60;

Failure failed(std::string message) {
  Failure failure;
  failure.message = std::move(message);
  return failure;
}

Outcome<std::int64_t> current_format(Connection& connection) {
  auto format = connection.integer("SELECT MAX(version) FROM migration");
  if (format && *format > cluster_format()) {
    return std::unexpected(failed(fmt::format(
        "the record at {} has format {}, this program knows formats up to {}: start the newer "
        "version that wrote it",
        connection.where(), *format, cluster_format())));
  }
  return format;
}

Outcome<> change(Connection& connection, std::string_view statement) {
  const bool makes_table = statement.starts_with("CREATE TABLE");
  return connection.execute(
      fmt::format("{}{}", statement, makes_table ? kTableOptions : std::string_view{}));
}

Outcome<> apply(Connection& connection, std::size_t index) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const Migration& migration = kMigrations[index];
  for (const char* statement : migration.statements) {
    if (auto done = change(connection, statement); !done) return done;
  }
  auto note = connection.prepare("INSERT INTO migration VALUES(?,?,?)");
  if (!note) return std::unexpected(note.error());
  note->bind(1, static_cast<std::int64_t>(index) + 1);
  note->bind(2, std::string_view(migration.name));
  note->bind(3, std::int64_t{
                    duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                        .count()});
  if (auto done = note->run(); !done) return std::unexpected(done.error());
  return {};
}

Outcome<> apply_missing(Connection& connection) {
  if (auto done = change(connection, kMigrationTable); !done) return done;
  const auto format = current_format(connection);
  if (!format) return std::unexpected(format.error());
  for (auto i = static_cast<std::size_t>(*format); i < kMigrations.size(); ++i) {
    if (auto done = apply(connection, i); !done) return done;
  }
  return {};
}

}  // namespace

int cluster_format() {
  return static_cast<int>(kMigrations.size());
}

Outcome<> migrate(Connection& connection) {
  // The name holds the database's, as the lock is one of the whole server.
  const auto locked = connection.integer(
      fmt::format("SELECT GET_LOCK(CONCAT('sluice.', DATABASE()), {})", kLockSeconds));
  if (!locked) return std::unexpected(locked.error());
  if (*locked != 1) {
    return std::unexpected(failed(fmt::format(
        "another process has been changing the format of the record at {} for {} s: see "
        "SHOW PROCESSLIST there",
        connection.where(), kLockSeconds)));
  }
  auto done = apply_missing(connection);
  const auto released = connection.integer("SELECT RELEASE_LOCK(CONCAT('sluice.', DATABASE()))");
  if (done && !released) return std::unexpected(released.error());
  return done;
}

Outcome<> require_current(Connection& connection) {
  const auto format = current_format(connection);
  if (!format && format.error().kind == Failure::Kind::no_table) {
    return std::unexpected(failed(fmt::format(
        "there is no record at {}: a server makes it when it starts", connection.where())));
  }
  if (!format) return std::unexpected(format.error());
  if (*format != cluster_format()) {
    return std::unexpected(failed(fmt::format(
        "the record at {} has format {}, {} is needed: a server brings it up to date when it "
        "starts",
        connection.where(), *format, cluster_format())));
  }
  return {};
}

}  // namespace sluice::store
