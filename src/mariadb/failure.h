// What can go wrong between us and the database, by what the caller is to do about it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::mariadb {

struct Failure : Error {
  enum class Kind : std::uint8_t {
    unreachable,    ///< no connection came about: nothing was done
    refused,        ///< user, password, database or TLS: a person must act
    lost,           ///< the connection went: what was under way may have been done or not
    retryable,      ///< deadlock or lock timeout: roll back, do the whole transaction again
    duplicate_key,  ///< the row is there already
    no_table,
    no_column,
    denied,  ///< a privilege is missing
    other,
  };
  Kind kind = Kind::other;
  unsigned code = 0;  ///< the server's, or the client library's (2000 to 2999)
};

template <class T = void>
using Outcome = std::expected<T, Failure>;

/// By the numbers of the MariaDB knowledge base, "MariaDB Error Codes", and of errmsg.h.
Failure::Kind kind_of(unsigned code);

/// `doing` what, `where`, and what was said about it, as one sentence with the remedy for what is
/// known.
Failure make_failure(std::string_view doing, std::string_view where, unsigned code,
                     std::string_view said);

}  // namespace sluice::mariadb
