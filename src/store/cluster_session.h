// A connection for questions: opened again when it was lost, and the question asked once more.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "mariadb/connection.h"
#include "store/cluster_schema.h"

namespace sluice::store {

/// One thread at a time.
class ClusterSession {
 public:
  /// An error unless the database has a record of exactly the newest format.
  static mariadb::Outcome<ClusterSession> open(const mariadb::Address& address) {
    ClusterSession session;
    session.address_ = address;
    auto connection = mariadb::Connection::open(address);
    if (!connection) return std::unexpected(connection.error());
    if (auto current = require_current(*connection); !current) {
      return std::unexpected(current.error());
    }
    session.connection_.emplace(std::move(*connection));
    return session;
  }

  /// `question` may be asked twice, so it must not matter that it is.
  template <class T>
  mariadb::Outcome<T> ask(
      const std::function<mariadb::Outcome<T>(mariadb::Connection&)>& question) {
    using Kind = mariadb::Failure::Kind;
    for (bool again = false;; again = true) {
      if (!connection_) {
        auto opened = mariadb::Connection::open(address_);
        if (!opened) return std::unexpected(opened.error());
        connection_.emplace(std::move(*opened));
      }
      auto answer = question(*connection_);
      if (answer) return answer;
      const Kind kind = answer.error().kind;
      if (kind == Kind::lost) connection_.reset();
      if (again || (kind != Kind::lost && kind != Kind::retryable)) return answer;
    }
  }

 private:
  ClusterSession() = default;
  mariadb::Address address_;
  std::optional<mariadb::Connection> connection_;
};

}  // namespace sluice::store
