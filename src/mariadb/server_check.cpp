// Reads the server's variables and this user's privileges.
#include "mariadb/server_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace sluice::mariadb {
namespace {

struct Version {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Version&) const = default;
};
constexpr Version kOldestMariadb{10, 5};
constexpr Version kOldestMysql{8, 0};

Version parse_version(std::string_view text) {
  Version version;
  const char* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ptr != end && *major.ptr == '.') std::from_chars(major.ptr + 1, end, version.minor);
  return version;
}

void check_version(const std::string& text, std::vector<Remark>& remarks) {
  const bool is_maria = text.find("MariaDB") != std::string::npos;
  const Version oldest = is_maria ? kOldestMariadb : kOldestMysql;
  if (parse_version(text) >= oldest) return;
  remarks.push_back({true,
                     fmt::format("the server is {} {}, {}.{} or newer is needed",
                                 is_maria ? "MariaDB" : "MySQL", text, oldest.major, oldest.minor),
                     "upgrade the database server"});
}

Outcome<> check_durability(Connection& connection, std::vector<Remark>& remarks) {
  struct Wanted {
    const char* variable;
    std::int64_t value;
    const char* why;
  };
  static constexpr std::array<Wanted, 2> all = {{
      {"innodb_flush_log_at_trx_commit", 1,
       "a commit is acknowledged before it is on disk: a power cut loses paid orders"},
      {"innodb_doublewrite", 1, "a power cut in the middle of a write can damage the database"},
  }};
  for (const Wanted& wanted : all) {
    // Names of variables cannot be bound; these are ours.
    const auto found = connection.integer(fmt::format("SELECT @@GLOBAL.{}", wanted.variable));
    if (!found) return std::unexpected(found.error());
    if (*found == wanted.value) continue;
    remarks.push_back(
        {false, fmt::format("{} = {}: {}", wanted.variable, *found, wanted.why),
         fmt::format("{} = {} in the server's configuration", wanted.variable, wanted.value)});
  }
  const auto logs = connection.integer("SELECT @@GLOBAL.log_bin");
  const auto synced = connection.integer("SELECT @@GLOBAL.sync_binlog");
  if (!logs) return std::unexpected(logs.error());
  if (!synced) return std::unexpected(synced.error());
  if (*logs != 0 && *synced != 1) {
    remarks.push_back({false,
                       fmt::format("the binary log is on and sync_binlog = {}: after a power cut "
                                   "replicas may differ from the primary",
                                   *synced),
                       "sync_binlog = 1 in the server's configuration"});
  }
  const auto read_only = connection.integer("SELECT @@GLOBAL.read_only");
  if (!read_only) return std::unexpected(read_only.error());
  if (*read_only != 0) {
    remarks.push_back(
        {true, "the server is read-only, as a replica is", "point database.url at the primary"});
  }
  return {};
}

/// What a record needs of its database.
constexpr std::array<std::string_view, 8> kPrivileges = {
    "SELECT", "INSERT", "UPDATE", "CREATE", "ALTER", "INDEX", "REFERENCES", "CREATE VIEW"};

Outcome<> check_privileges(Connection& connection, const Address& address,
                           std::vector<Remark>& remarks) {
  auto statement = connection.prepare(
      "SELECT privilege_type FROM information_schema.user_privileges "
      "UNION SELECT privilege_type FROM information_schema.schema_privileges "
      "WHERE ? LIKE table_schema");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(1, address.database);
  if (auto asked = statement->query(); !asked) return asked;
  const ResetGuard guard(*statement);
  std::set<std::string, std::less<>> held;
  for (;;) {
    auto row = statement->next();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    held.emplace(statement->text(0));
  }
  std::string missing;
  for (const std::string_view privilege : kPrivileges) {
    if (held.contains(privilege)) continue;
    if (!missing.empty()) missing += ", ";
    missing += privilege;
  }
  if (missing.empty()) return {};
  remarks.push_back({true, fmt::format("the user {} lacks {}", address.user, missing),
                     fmt::format("as an administrator: GRANT {} ON {}.* TO the user", missing,
                                 quoted_name(address.database))});
  return {};
}

}  // namespace

Outcome<std::vector<Remark>> check_server(Connection& connection, const Address& address) {
  std::vector<Remark> remarks;
  check_version(connection.version(), remarks);
  if (auto done = check_durability(connection, remarks); !done) {
    return std::unexpected(done.error());
  }
  if (auto done = check_privileges(connection, address, remarks); !done) {
    return std::unexpected(done.error());
  }
  if (address.tls != Tls::verify && !address.is_loopback()) {
    remarks.push_back({false, "the connection to another machine is not protected",
                       "add ?tls=verify to the address, with tls_ca=FILE if need be"});
  }
  return remarks;
}

}  // namespace sluice::mariadb
