// Thin owner of one connection to MariaDB or MySQL: no hidden work, no reconnection behind the
// back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "mariadb/address.h"
#include "mariadb/failure.h"
#include "mariadb/statement.h"

struct st_mysql;

namespace sluice::mariadb {

struct ConnectionOptions {
  unsigned connect_timeout_s = 10;
  /// A server that says nothing for so long counts as lost.
  unsigned answer_timeout_s = 60;
};

/// One thread at a time. Statements may outlive their connection; they then only fail.
class Connection {
 public:
  /// Connects over TCP with charset utf8mb4, in strict SQL mode and UTC, at READ COMMITTED. Files
  /// of this machine are never handed out (LOCAL INFILE), and the password never leaves in the
  /// clear.
  static Outcome<Connection> open(const Address& address, const ConnectionOptions& options = {});

  /// A statement without values and without rows.
  Outcome<> execute(std::string_view sql);
  /// Values go in by Statement::bind() and nowhere else.
  Outcome<Statement> prepare(std::string_view sql);
  /// The first column of the first row; 0 where there is no row or it is NULL.
  Outcome<std::int64_t> integer(std::string_view sql);

  Outcome<> begin() { return execute("START TRANSACTION"); }
  /// After Kind::lost it is not known whether the transaction was committed: look by its keys.
  Outcome<> commit() { return execute("COMMIT"); }
  /// Where it fails, close the connection: the server then rolls back, whereas begin() would
  /// commit.
  Outcome<> rollback() { return execute("ROLLBACK"); }

  /// "10.11.6-MariaDB-…" or "8.0.36".
  std::string version() const;
  /// The server's number of this connection.
  std::uint64_t id() const;
  const std::string& where() const { return where_; }

 private:
  struct Close {
    void operator()(st_mysql* handle) const;
  };
  Failure failure(std::string_view doing) const;

  std::unique_ptr<st_mysql, Close> handle_;
  std::string where_;
};

/// `name` as an identifier, for names of tables, which cannot be bound: `my``table`.
std::string quoted_name(std::string_view name);

}  // namespace sluice::mariadb
