// A prepared statement: values in by binding, rows out one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mariadb/failure.h"

struct st_mysql_stmt;
struct st_mysql_bind;

namespace sluice::mariadb {

/// Longest value that is fetched; of a longer one length() tells the length and text() is empty.
inline constexpr std::size_t kMaxValueBytes = 1024UL * 1024;

/// Indexes of binds start at 1, of columns at 0, as in the room sqlite. Text that is bound must
/// outlive run() or query(); text that is read is valid until the next next() or reset().
class Statement {
 public:
  Statement();
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view text);
  void bind(int index, std::span<const std::uint8_t> blob);
  void bind_null(int index);
  int parameters() const;

  /// A statement without rows: how many rows it changed (rows that were as wanted already do not
  /// count).
  Outcome<std::uint64_t> run();

  /// A statement with rows. They come one by one from the server: until next() said false, or
  /// reset(), nothing else can be done on the connection.
  Outcome<> query();
  Outcome<bool> next();
  void reset();

  int columns() const;
  const std::string& name(int column) const;
  bool is_null(int column) const;
  bool is_integer(int column) const;  ///< by its type
  std::int64_t integer(int column) const;
  /// Any type as text: decimals and times as they are written.
  std::string_view text(int column) const;
  std::span<const std::uint8_t> blob(int column) const;
  /// Bytes of the value as text, also where it is above kMaxValueBytes.
  std::size_t length(int column) const;

  explicit operator bool() const { return handle_ != nullptr; }

 private:
  friend class Connection;
  struct Close {
    void operator()(st_mysql_stmt* handle) const;
  };
  struct Rows;
  Statement(st_mysql_stmt* handle, std::string where, std::string_view sql);
  st_mysql_bind& parameter(int index);
  Outcome<> execute();
  Outcome<> bind_columns();
  Outcome<> fetch_long_values();
  Failure failure() const;

  std::unique_ptr<st_mysql_stmt, Close> handle_;
  std::string where_;
  std::string doing_;
  std::vector<st_mysql_bind> parameters_;
  std::vector<std::int64_t> numbers_;
  std::unique_ptr<Rows> rows_;
};

/// Resets a statement when the scope ends, so that an early return does not leave rows on the wire.
class ResetGuard {
 public:
  explicit ResetGuard(Statement& statement) : statement_(statement) {}
  ~ResetGuard() { statement_.reset(); }
  ResetGuard(const ResetGuard&) = delete;
  ResetGuard& operator=(const ResetGuard&) = delete;

 private:
  Statement& statement_;
};

}  // namespace sluice::mariadb
