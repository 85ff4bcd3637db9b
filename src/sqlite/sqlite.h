// Thin owners of SQLite's connection and statement: no hidden work, every call checked.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::sqlite {

/// One statement, compiled once and kept. Indexes of binds start at 1, of columns at 0. Text that
/// is bound must outlive the next step(); text that is read is valid until the next step() or
/// reset().
class Statement {
 public:
  Statement() = default;

  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view text);
  void bind(int index, std::span<const std::uint8_t> blob);
  void bind_null(int index);

  /// SQLITE_ROW, SQLITE_DONE, or what went wrong.
  int step() { return sqlite3_step(handle_.get()); }
  void reset() { sqlite3_reset(handle_.get()); }
  /// step() of a statement without rows, and reset(): SQLITE_OK or what went wrong.
  int run();

  std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  std::string_view text(int column) const;
  std::span<const std::uint8_t> blob(int column) const;
  bool is_null(int column) const {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
  }

  explicit operator bool() const { return handle_ != nullptr; }

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// Resets a statement when the scope ends, so that an early return does not leave a read
/// transaction open behind it (which would hold back every checkpoint).
class ResetGuard {
 public:
  explicit ResetGuard(Statement& statement) : statement_(statement) {}
  ~ResetGuard() { statement_.reset(); }
  ResetGuard(const ResetGuard&) = delete;
  ResetGuard& operator=(const ResetGuard&) = delete;

 private:
  Statement& statement_;
};

/// One connection, used by one thread at a time; statements must go before it.
class Connection {
 public:
  enum class Mode : std::uint8_t { read_only, read_write };
  /// Opens an existing file. Closing never checkpoints unless checkpoint_on_close() was called:
  /// only the writer may do that, and only when its last commit succeeded.
  static Result<Connection> open(const std::string& path, Mode mode);

  Result<> execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  /// The first column of the first row of `sql`.
  Result<std::int64_t> integer(std::string_view sql);
  void checkpoint_on_close();

  /// A message that names what was being done and what SQLite and the system said about it.
  Error error(std::string_view doing) const;
  int extended_code() const { return sqlite3_extended_errcode(handle_.get()); }
  /// What the system said (errno) to the last failure, as far as SQLite passes it on; 0: nothing.
  int system_error() const;
  bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
  sqlite3* raw() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

/// A read transaction: every read inside sees one moment of the record.
class ReadTransaction {
 public:
  static Result<std::unique_ptr<ReadTransaction>> begin(Connection& connection);
  ~ReadTransaction();
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  explicit ReadTransaction(Connection& connection) : connection_(connection) {}
  Connection& connection_;
};

}  // namespace sluice::sqlite
