// The numbers of errors, sorted by what they ask of the caller.
#include "mariadb/failure.h"

#include <fmt/format.h>

namespace sluice::mariadb {
namespace {

constexpr std::size_t kMaxSaidBytes = 500;

const char* remedy(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::unreachable:
      return "check host and port, and that the server runs and may be reached from here";
    case Failure::Kind::refused:
      return "check user, password, database name and tls of the address";
    case Failure::Kind::lost:
      return "see the log of the database server, then try again";
    case Failure::Kind::retryable:
      return "try again";
    case Failure::Kind::denied:
      return "let an administrator of the database GRANT the privilege to this user";
    case Failure::Kind::no_table:
    case Failure::Kind::no_column:
      return "check the database name, and the shape of its tables";
    case Failure::Kind::duplicate_key:
    case Failure::Kind::other:
      break;
  }
  return "";
}

}  // namespace

Failure::Kind kind_of(unsigned code) {
  using Kind = Failure::Kind;
  switch (code) {
    case 2002:  // no such socket or nobody listens
    case 2003:
    case 2005:  // unknown host
    case 1040:  // too many connections
    case 1203:  // of this user
      return Kind::unreachable;
    case 1044:  // no right to the database
    case 1045:  // wrong user or password
    case 1049:  // unknown database
    case 1130:  // host not allowed
    case 1226:  // resource limit of the account
    case 1251:  // authentication method
    case 1275:
    case 1524:
    case 1698:
    case 1820:  // password expired
    case 1862:
    case 2026:  // TLS
    case 2058:
    case 2059:
    case 2061:
    case 3159:  // TLS is required there
    case 4151:  // account locked
      return Kind::refused;
    case 1053:  // shutdown
    case 1077:
    case 1079:
    case 1152:
    case 1153:
    case 1158:
    case 1159:
    case 1160:
    case 1161:
    case 1184:
    case 1927:  // killed by an administrator
    case 2006:
    case 2013:
    case 2014:
    case 2027:  // malformed packet: nothing after it can be trusted
    case 2055:
    case 2056:
    case 1290:  // read-only: a primary that became a replica; another one is to be found
    case 1792:
    case 1836:
      return Kind::lost;
    case 1020:  // changed since it was read
    case 1205:
    case 1213:
    case 1317:  // an administrator ended the statement
    case 1689:
    case 1969:  // the statement took longer than max_statement_time, here and in MySQL
    case 3024:
      return Kind::retryable;
    case 1022:
    case 1062:
    case 1586:
      return Kind::duplicate_key;
    case 1103:  // no table can have that name
    case 1146:
      return Kind::no_table;
    case 1054:
      return Kind::no_column;
    case 1142:
    case 1143:
    case 1227:
    case 1370:
      return Kind::denied;
    default:
      return Kind::other;
  }
}

Failure make_failure(std::string_view doing, std::string_view where, unsigned code,
                     std::string_view said) {
  Failure failure;
  failure.kind = kind_of(code);
  failure.code = code;
  const char* advice = remedy(failure.kind);
  failure.message =
      fmt::format("{} at {} failed: {} (error {}){}{}", doing, where, said.substr(0, kMaxSaidBytes),
                  code, *advice == '\0' ? "" : "; ", advice);
  return failure;
}

}  // namespace sluice::mariadb
