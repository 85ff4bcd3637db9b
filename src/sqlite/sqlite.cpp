// Calls into SQLite with their results checked, and the settings every connection shares.
#include "sqlite/sqlite.h"

#include <fmt/format.h>

#include <cstring>
#include <mutex>
#include <utility>

#include "base/assert.h"

namespace sluice::sqlite {
namespace {

/// How long a statement waits for another program that holds the file (a backup, a person with the
/// sqlite3 shell) before it gives up.
constexpr int kBusyTimeoutMs = 5000;

/// SQLite's own memory statistics cost a global lock per allocation and nobody reads them.
void drop_memory_statistics() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

void Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(handle_.get(), index, value);
  SLUICE_ASSERT(code == SQLITE_OK, "an integer parameter of this statement");
}

void Statement::bind(int index, std::string_view text) {
  const char* bytes = text.data() == nullptr ? "" : text.data();
  const int code =
      sqlite3_bind_text(handle_.get(), index, bytes, static_cast<int>(text.size()), SQLITE_STATIC);
  SLUICE_ASSERT(code == SQLITE_OK, "a text parameter of this statement");
}

void Statement::bind(int index, std::span<const std::uint8_t> blob) {
  const int code = sqlite3_bind_blob(handle_.get(), index, blob.data(),
                                     static_cast<int>(blob.size()), SQLITE_STATIC);
  SLUICE_ASSERT(code == SQLITE_OK, "a blob parameter of this statement");
}

void Statement::bind_null(int index) {
  const int code = sqlite3_bind_null(handle_.get(), index);
  SLUICE_ASSERT(code == SQLITE_OK, "a parameter of this statement");
}

int Statement::run() {
  const int code = step();
  reset();
  return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

std::string_view Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(handle_.get(), column);
  if (bytes == nullptr) return {};
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::span<const std::uint8_t> Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return {static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(size)};
}

Result<Connection> Connection::open(const std::string& path, Mode mode) {
  drop_memory_statistics();
  const int access = mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection;
  connection.handle_.reset(handle);
  connection.path_ = path;
  if (handle == nullptr) return fail("The record cannot be opened: out of memory.");
  if (code != SQLITE_OK) return std::unexpected(connection.error("opening it"));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // A file that somebody tampered with must not make us call functions it names.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return connection;
}

Result<> Connection::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return std::unexpected(error(sql));
  }
  return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error(sql));
  Statement statement;
  statement.handle_.reset(handle);
  return statement;
}

Result<std::int64_t> Connection::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const int code = statement->step();
  if (code != SQLITE_ROW) return std::unexpected(error(sql));
  return statement->integer(0);
}

void Connection::checkpoint_on_close() {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

int Connection::system_error() const {
  if (const int known = sqlite3_system_errno(handle_.get()); known != 0) return known;
  // A failing COMMIT does not report it there; the file of the log remembers.
  sqlite3_file* log = nullptr;
  int last = 0;
  if (sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER,
                           static_cast<void*>(&log)) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &last);
  }
  return last;
}

Error Connection::error(std::string_view doing) const {
  constexpr std::size_t kLongestQuote = 120;
  if (doing.size() > kLongestQuote) doing = doing.substr(0, kLongestQuote);
  const int system = system_error();
  return Error{fmt::format(
      "{}: {} (SQLite code {}{}) while {}.", path_, sqlite3_errmsg(handle_.get()), extended_code(),
      system == 0 ? "" : fmt::format(", system: {}", std::strerror(system)), doing)};
}

Result<std::unique_ptr<ReadTransaction>> ReadTransaction::begin(Connection& connection) {
  if (auto begun = connection.execute("BEGIN"); !begun) return std::unexpected(begun.error());
  return std::unique_ptr<ReadTransaction>(new ReadTransaction(connection));
}

ReadTransaction::~ReadTransaction() {
  // Nothing was written: the end of a read transaction cannot lose anything, whatever it answers.
  sqlite3_exec(connection_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace sluice::sqlite
