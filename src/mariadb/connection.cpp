// Connects with every option that has a safe side on that side.
#include "mariadb/connection.h"

#include <fmt/format.h>
#include <mysql.h>

#include <array>
#include <mutex>

#include "base/assert.h"

namespace sluice::mariadb {
namespace {

/// A packet above it is refused: the longest row of an import is some values of kMaxValueBytes.
constexpr unsigned long kMaxPacketBytes = 64UL * 1024 * 1024;

constexpr unsigned kTlsError = 2026;  // CR_SSL_CONNECTION_ERROR

/// Ways to prove a password that do not send it. caching_sha2_password is MySQL's default.
constexpr const char* kAuthentication =
    "mysql_native_password,client_ed25519,caching_sha2_password";

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Fails only where there is no memory left.
    SLUICE_ASSERT(mysql_library_init(0, nullptr, nullptr) == 0, "the client library starts");
  });
}

bool set_options(MYSQL* handle, const Address& address, const ConnectionOptions& options) {
  const unsigned off = 0;
  const unsigned protocol = MYSQL_PROTOCOL_TCP;  // "localhost" would mean the default socket
  const my_bool yes = 1;
  const my_bool no = 0;
  bool good = true;
  const auto set = [&](mysql_option option, const void* value) {
    good = good && mysql_options(handle, option, value) == 0;
  };
  set(MYSQL_OPT_PROTOCOL, &protocol);
  set(MYSQL_OPT_CONNECT_TIMEOUT, &options.connect_timeout_s);
  set(MYSQL_OPT_READ_TIMEOUT, &options.answer_timeout_s);
  set(MYSQL_OPT_WRITE_TIMEOUT, &options.answer_timeout_s);
  set(MYSQL_SET_CHARSET_NAME, "utf8mb4");
  set(MYSQL_OPT_LOCAL_INFILE, &off);
  set(MYSQL_OPT_RECONNECT, &no);
  set(MYSQL_OPT_MAX_ALLOWED_PACKET, &kMaxPacketBytes);
  set(MARIADB_OPT_RESTRICTED_AUTH, kAuthentication);
  if (address.tls != Tls::off) {
    set(MYSQL_OPT_SSL_ENFORCE, &yes);
    set(MYSQL_OPT_SSL_VERIFY_SERVER_CERT, address.tls == Tls::verify ? &yes : &no);
    if (address.tls == Tls::verify) {
      // The library trusts nobody by itself; this is where Debian keeps whom the system trusts.
      set(MYSQL_OPT_SSL_CA,
          address.tls_ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : address.tls_ca.c_str());
    }
  }
  return good;
}

constexpr const char* kSession =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,"
    "NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'";

}  // namespace

void Connection::Close::operator()(st_mysql* handle) const {
  mysql_close(handle);
}

Outcome<Connection> Connection::open(const Address& address, const ConnectionOptions& options) {
  start_library();
  Connection connection;
  connection.where_ = address.shown();
  connection.handle_.reset(mysql_init(nullptr));
  MYSQL* handle = connection.handle_.get();
  SLUICE_ASSERT(handle != nullptr, "memory for a connection");
  SLUICE_ASSERT(set_options(handle, address, options), "the client library knows its options");
  if (mysql_real_connect(handle, address.host.c_str(), address.user.c_str(),
                         address.password.c_str(), address.database.c_str(), address.port, nullptr,
                         0) == nullptr) {
    Failure failure = connection.failure("connecting");
    // Nothing was done yet, whatever became of the attempt.
    if (failure.kind == Failure::Kind::lost) failure.kind = Failure::Kind::unreachable;
    return std::unexpected(std::move(failure));
  }
  // Asked to encrypt and met by a server that cannot, the library goes on in the clear.
  if (address.tls != Tls::off && mysql_get_ssl_cipher(handle) == nullptr) {
    return std::unexpected(make_failure("connecting", connection.where_, kTlsError,
                                        "the server does not offer TLS, which was asked for"));
  }
  for (const char* sql : {kSession, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"}) {
    if (auto done = connection.execute(sql); !done) return std::unexpected(done.error());
  }
  return connection;
}

Outcome<> Connection::execute(std::string_view sql) {
  if (mysql_real_query(handle_.get(), sql.data(), sql.size()) != 0) {
    return std::unexpected(failure(sql.substr(0, 60)));
  }
  SLUICE_ASSERT(mysql_field_count(handle_.get()) == 0, "execute() is for statements without rows");
  return {};
}

Outcome<Statement> Connection::prepare(std::string_view sql) {
  MYSQL_STMT* statement = mysql_stmt_init(handle_.get());
  if (statement == nullptr) return std::unexpected(failure("preparing a statement"));
  Statement prepared(statement, where_, sql);
  if (mysql_stmt_prepare(statement, sql.data(), sql.size()) != 0) {
    return std::unexpected(prepared.failure());
  }
  prepared.parameters_.resize(mysql_stmt_param_count(statement));
  prepared.numbers_.resize(prepared.parameters_.size());
  return prepared;
}

Outcome<std::int64_t> Connection::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  if (auto asked = statement->query(); !asked) return std::unexpected(asked.error());
  const ResetGuard guard(*statement);
  auto row = statement->next();
  if (!row) return std::unexpected(row.error());
  return *row && !statement->is_null(0) ? statement->integer(0) : 0;
}

std::string Connection::version() const {
  return mysql_get_server_info(handle_.get());
}

std::uint64_t Connection::id() const {
  return mysql_thread_id(handle_.get());
}

Failure Connection::failure(std::string_view doing) const {
  return make_failure(doing, where_, mysql_errno(handle_.get()), mysql_error(handle_.get()));
}

std::string quoted_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  return out + '`';
}

}  // namespace sluice::mariadb
