// Inside of ClusterRecord: its connection, and the loop around every transaction.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "store/cluster_plan.h"
#include "store/cluster_record.h"
#include "store/cluster_tables.h"

namespace sluice::store {

struct ClusterRecord::Parts {
  mariadb::Address address;
  ClusterOptions options;
  std::string where;
  ClusterTables tables;
  std::optional<mariadb::Connection> connection;

  mariadb::Outcome<> connect();
  /// Does the plan in one transaction, again where that can help.
  mariadb::Outcome<> transact(Plan& plan);
  /// A read on a connection that is there; one that was lost is forgotten.
  mariadb::Outcome<> reading(const std::function<mariadb::Outcome<>()>& read);
  /// Something small in a transaction that has locked the head; harmless to do twice.
  mariadb::Outcome<> locked(const std::function<mariadb::Outcome<>(const Heads&)>& work);

 private:
  /// A COMMIT that was sent and not answered.
  struct Unanswered {
    std::int64_t seal = 0;
    Hash hash{};
  };

  mariadb::Outcome<> attempt(Plan& plan, std::optional<Unanswered>& unanswered);
  mariadb::Outcome<> attempt_locked(const std::function<mariadb::Outcome<>(const Heads&)>& work);
  mariadb::Outcome<> commit(const SealFacts& seal, std::optional<Unanswered>& unanswered);
  void roll_back();
  /// After a failure: nothing of the transaction is left. Whether to try again.
  bool clean_up(const mariadb::Failure& failure);
};

}  // namespace sluice::store
