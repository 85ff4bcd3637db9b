// Table by table out of one consistent snapshot into the SQLite record's tables, which are the
// same.
#include "store/cluster_copy.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "mariadb/connection.h"
#include "sqlite/database.h"
#include "store/cluster_schema.h"
#include "store/schema.h"

namespace sluice::store {
namespace {

struct Table {
  const char* name;
  const char* select;  ///< in MariaDB, in the order of SQLite's columns and of its key
  int columns;
  int blob;  ///< column that is bytes, or -1
};

constexpr std::array<Table, 7> kTables = {{
    {"sale",
     "SELECT no, id, title, starts_at, ends_at, hold_ms, paused, cancelled FROM sale ORDER BY no",
     8, -1},
    {"item",
     "SELECT no, sale_no, id, title, image_url, description, price, list_price, currency, "
     "per_user_limit FROM item ORDER BY no",
     10, -1},
    {"item_stock",
     "SELECT item_no, stock, available, held, sold, refunded, frozen FROM item_stock ORDER BY "
     "item_no",
     7, -1},
    {"orders",
     "SELECT id, `user`, item_no, quantity, amount, status, reason, created_at, expires_at, "
     "paid_at, paid_amount, transaction_id, request_key, close_attempts, unit_sold, user_previous, "
     "last_event FROM orders ORDER BY id",
     17, 12},
    {"history",
     "SELECT seq, order_id, at, event, previous, actor, detail FROM history ORDER BY seq", 7, -1},
    {"audit",
     "SELECT seq, at, actor, action, subject, reason, `before`, `after` FROM audit ORDER BY seq", 8,
     -1},
    {"seal", "SELECT seq, at, last_history, last_audit, hash FROM seal ORDER BY seq", 5, 4},
}};

void bind(sqlite::Statement& insert, const mariadb::Statement& row, int column, bool is_blob) {
  if (row.is_null(column)) {
    insert.bind_null(column + 1);
  } else if (is_blob) {
    insert.bind(column + 1, row.blob(column));
  } else if (row.is_integer(column)) {
    insert.bind(column + 1, row.integer(column));
  } else {
    insert.bind(column + 1, row.text(column));
  }
}

Result<> copy_table(mariadb::Connection& from, sqlite::Database& to, const Table& table) {
  auto rows = from.prepare(table.select);
  if (!rows) return std::unexpected(rows.error());
  if (auto asked = rows->query(); !asked) return std::unexpected(asked.error());
  const mariadb::ResetGuard guard(*rows);
  std::string sql = fmt::format("INSERT INTO {} VALUES(?", table.name);
  for (int i = 1; i < table.columns; ++i)
    sql += ",?";
  auto insert = to.connection().prepare(sql + ")");
  if (!insert) return std::unexpected(insert.error());
  for (;;) {
    const auto found = rows->next();
    if (!found) return std::unexpected(found.error());
    if (!*found) return {};
    for (int i = 0; i < table.columns; ++i)
      bind(*insert, *rows, i, i == table.blob);
    if (insert->run() != SQLITE_OK) return std::unexpected(to.connection().error("copying a row"));
  }
}

Result<> copy_tables(mariadb::Connection& from, sqlite::Database& to,
                     const std::function<void(std::string_view)>& progress) {
  if (auto begun = to.begin(); !begun) return begun;
  for (const Table& table : kTables) {
    if (progress) progress(fmt::format("reading {}", table.name));
    if (auto copied = copy_table(from, to, table); !copied) return copied;
  }
  return to.commit();
}

/// A directory that is gone at the end.
class Scratch {
 public:
  static Result<Scratch> make(const std::string& below) {
    std::error_code error;
    std::filesystem::create_directories(below, error);
    std::string name = below + "/verify-XXXXXX";
    if (error || ::mkdtemp(name.data()) == nullptr) {
      return fail(
          fmt::format("no directory can be made in {} for the audit's copy: name another "
                      "with --data",
                      below));
    }
    return Scratch(std::move(name));
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace

Result<> copy_record(const mariadb::Address& address, const std::string& directory,
                     const std::function<void(std::string_view)>& progress) {
  if (std::filesystem::exists(directory + "/" + kRecordFile)) {
    return fail(fmt::format("{} holds a record already: name another directory", directory));
  }
  auto from = mariadb::Connection::open(address);
  if (!from) return std::unexpected(from.error());
  if (auto current = require_current(*from); !current) return std::unexpected(current.error());
  for (const char* sql : {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                          "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}) {
    if (auto done = from->execute(sql); !done) return std::unexpected(done.error());
  }
  auto to = sqlite::Database::open(directory, kRecordFormat);
  if (!to) return std::unexpected(to.error());
  if (auto copied = copy_tables(*from, **to, progress); !copied) return copied;
  return (*to)->close();
}

Result<VerifyReport> verify_cluster(const mariadb::Address& address, const std::string& scratch,
                                    const std::function<void(std::string_view)>& progress,
                                    std::size_t most_findings) {
  auto place = Scratch::make(scratch);
  if (!place) return std::unexpected(place.error());
  if (auto copied = copy_record(address, place->path(), progress); !copied) {
    return std::unexpected(copied.error());
  }
  return verify(place->path(), progress, most_findings, false);
}

}  // namespace sluice::store
