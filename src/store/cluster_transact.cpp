// Transactions of the cluster's record: lock, decide, write, commit; again after a deadlock or on a
// new connection; and after a commit without an answer, look before anything else.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "store/cluster_parts.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;

constexpr unsigned kUnknownVariable = 1193;

Failure pretended_loss() {
  return mariadb::make_failure("COMMIT", "the test", 2013, "the connection was taken away");
}

}  // namespace

Outcome<> ClusterRecord::Parts::connect() {
  if (connection) return {};
  auto opened = Connection::open(address);
  if (!opened) return std::unexpected(opened.error());
  if (auto prepared = tables.prepare(*opened); !prepared) return prepared;
  const std::array<std::string, 2> limits = {
      fmt::format("SET SESSION innodb_lock_wait_timeout = {}", options.lock_wait_s),
      fmt::format("SET SESSION idle_transaction_timeout = {}", options.idle_limit_s)};
  for (const std::string& limit : limits) {
    const auto limited = opened->execute(limit);
    if (!limited && limited.error().code != kUnknownVariable) return limited;
  }
  connection.emplace(std::move(*opened));
  return {};
}

Outcome<> ClusterRecord::Parts::reading(const std::function<Outcome<>()>& read) {
  auto done = connect();
  if (done) done = read();
  if (!done && done.error().kind == Failure::Kind::lost) connection.reset();
  return done;
}

void ClusterRecord::Parts::roll_back() {
  // Where it fails, the server rolls back when it sees the connection go.
  if (connection && !connection->rollback()) connection.reset();
}

bool ClusterRecord::Parts::clean_up(const Failure& failure) {
  if (failure.kind == Failure::Kind::lost) {
    connection.reset();
    return true;
  }
  roll_back();
  return failure.kind == Failure::Kind::retryable;
}

Outcome<> ClusterRecord::Parts::transact(Plan& plan) {
  std::optional<Unanswered> unanswered;
  Outcome<> done;
  for (int i = 0; i < options.attempts; ++i) {
    done = connect();
    if (done) done = attempt(plan, unanswered);
    if (done || !clean_up(done.error())) break;
  }
  // Whatever stopped us: what the server made of the COMMIT is not known.
  if (!done && unanswered) done.error().kind = Failure::Kind::lost;
  return done;
}

Outcome<> ClusterRecord::Parts::attempt(Plan& plan, std::optional<Unanswered>& unanswered) {
  if (auto begun = connection->begin(); !begun) return begun;
  // Waits for the transaction of the connection that was lost, if the server still has it.
  const auto heads = lock_head(*connection);
  if (!heads) return std::unexpected(heads.error());
  if (unanswered) {
    const auto hash = seal_hash(*connection, unanswered->seal);
    if (!hash) return std::unexpected(hash.error());
    const bool committed = *hash && **hash == unanswered->hash;
    unanswered.reset();
    if (committed) {
      roll_back();
      return {};  // the plan's answers stand
    }
  }
  if (auto read = plan.read(*connection, *heads); !read) return read;
  if (!plan.batch()) {
    roll_back();
    return {};
  }
  if (auto written = tables.write(*plan.batch(), plan.context()); !written) return written;
  return commit(plan.batch()->seal, unanswered);
}

Outcome<> ClusterRecord::Parts::commit(const SealFacts& seal,
                                       std::optional<Unanswered>& unanswered) {
  const auto& at_commit = options.at_commit;
  if (at_commit && at_commit(false)) return std::unexpected(pretended_loss());
  auto done = connection->commit();
  if (done && at_commit && at_commit(true)) done = std::unexpected(pretended_loss());
  // Whatever it says: the batch's seal tells whether the batch is there.
  if (!done) unanswered = Unanswered{seal.sequence, seal.hash};
  return done;
}

Outcome<> ClusterRecord::Parts::locked(const std::function<Outcome<>(const Heads&)>& work) {
  Outcome<> done;
  for (int i = 0; i < options.attempts; ++i) {
    done = connect();
    if (done) done = attempt_locked(work);
    if (done || !clean_up(done.error())) break;
  }
  return done;
}

Outcome<> ClusterRecord::Parts::attempt_locked(const std::function<Outcome<>(const Heads&)>& work) {
  if (auto begun = connection->begin(); !begun) return begun;
  const auto heads = lock_head(*connection);
  if (!heads) return std::unexpected(heads.error());
  if (auto done = work(*heads); !done) return done;
  return connection->commit();
}

}  // namespace sluice::store
