// Where a MariaDB or MySQL server is and as whom to come: what a mysql:// URL says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::mariadb {

enum class Tls : std::uint8_t {
  off,
  required,  ///< encrypted, but anybody may pose as the server
  verify,    ///< encrypted, and the certificate must be good for the host
};

struct Address {
  std::string host;
  std::uint16_t port = 3306;
  std::string user;
  std::string password;
  std::string database;
  Tls tls = Tls::off;
  std::string tls_ca;  ///< PEM file of those who may vouch for the server; empty: the system's

  /// "user@host:port/database": what may be printed.
  std::string shown() const;
  bool is_loopback() const;
};

/// mysql://user:password@host:port/name, also mariadb://. Password and port may be missing; user,
/// password and name may be percent-encoded; an IPv6 host is in brackets. Options after "?":
/// tls=off|required|verify and tls_ca=FILE (which means verify). No error repeats the password.
Result<Address> parse_address(std::string_view url);

}  // namespace sluice::mariadb
