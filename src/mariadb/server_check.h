// Whether a database server is fit to hold a record: version, durability, privileges.
#pragma once

#include <string>
#include <vector>

#include "mariadb/connection.h"

namespace sluice::mariadb {

struct Remark {
  bool is_fatal = false;  ///< else: it works, but not as promised
  std::string text;
  std::string remedy;
};

/// Empty: the server keeps what it acknowledges, and this user may do what a record needs.
Outcome<std::vector<Remark>> check_server(Connection& connection, const Address& address);

}  // namespace sluice::mariadb
