// Transactions of the cluster's record: lock, decide, write, commit; again after a deadlock or on a
// new connection; and after a commit without an answer, look before anything else.
#include "store/cluster_record.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "store/cluster_plan.h"
#include "store/cluster_schema.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;

constexpr unsigned kUnknownVariable = 1193;

Failure too_many(std::size_t size) {
  Failure failure;
  failure.message = fmt::format("{} entries in one batch, the limit is {}: split it", size,
                                ClusterRecord::kMaxBatch);
  return failure;
}

Failure pretended_loss() {
  return mariadb::make_failure("COMMIT", "the test", 2013, "the connection was taken away");
}

}  // namespace

struct ClusterRecord::Parts {
  mariadb::Address address;
  ClusterOptions options;
  std::string where;
  ClusterTables tables;
  std::optional<Connection> connection;

  /// A COMMIT that was sent and not answered.
  struct Unanswered {
    std::int64_t seal = 0;
    Hash hash{};
  };

  Outcome<> connect();
  Outcome<> transact(Plan& plan);
  Outcome<> attempt(Plan& plan, std::optional<Unanswered>& unanswered);
  Outcome<> commit(const SealFacts& seal, std::optional<Unanswered>& unanswered);
  Outcome<> read_all(sale::State& state, bool with_orders);
  Outcome<> load(sale::State& state, bool with_orders);
  Outcome<> read_unfinished(OrderId after, std::uint32_t most, Unfinished& found);
  /// A read on a connection that is there; one that was lost is forgotten.
  Outcome<> reading(const std::function<Outcome<>()>& read);
};

Outcome<> ClusterRecord::Parts::reading(const std::function<Outcome<>()>& read) {
  auto done = connect();
  if (done) done = read();
  if (!done && done.error().kind == Failure::Kind::lost) connection.reset();
  return done;
}

Outcome<> ClusterRecord::Parts::connect() {
  if (connection) return {};
  auto opened = Connection::open(address);
  if (!opened) return std::unexpected(opened.error());
  if (auto prepared = tables.prepare(*opened); !prepared) return prepared;
  const auto limited = opened->execute(
      fmt::format("SET SESSION idle_transaction_timeout = {}", options.idle_limit_s));
  if (!limited && limited.error().code != kUnknownVariable) return limited;
  connection.emplace(std::move(*opened));
  return {};
}

Outcome<> ClusterRecord::Parts::transact(Plan& plan) {
  std::optional<Unanswered> unanswered;
  Outcome<> done;
  for (int i = 0; i < options.attempts; ++i) {
    done = connect();
    if (done) done = attempt(plan, unanswered);
    if (done) return done;
    const Failure::Kind kind = done.error().kind;
    if (kind == Failure::Kind::lost) {
      connection.reset();
    } else if (connection) {
      connection->rollback();
    }
    if (kind != Failure::Kind::lost && kind != Failure::Kind::retryable) break;
  }
  if (unanswered) {
    // Whatever stopped us: what the server made of the COMMIT is not known.
    done.error().kind = Failure::Kind::lost;
  }
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
      connection->rollback();
      return {};  // the plan's answers stand
    }
  }
  if (auto read = plan.read(*connection, *heads); !read) return read;
  if (!plan.batch()) {
    connection->rollback();
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
  if (!done && done.error().kind == Failure::Kind::lost) {
    unanswered = Unanswered{seal.sequence, seal.hash};
  }
  return done;
}

Outcome<> ClusterRecord::Parts::read_all(sale::State& state, bool with_orders) {
  auto sales = read_sales(*connection, {});
  if (!sales) return std::unexpected(sales.error());
  for (const sale::Sale& sale : *sales) {
    if (auto done = state.restore(sale); !done) {
      return std::unexpected(damaged("sale", sale.no.value, done.error().message));
    }
  }
  auto items = read_items(*connection, {});
  if (!items) return std::unexpected(items.error());
  for (const sale::Item& item : *items) {
    if (auto done = state.restore(item); !done) {
      return std::unexpected(damaged("item", item.no.value, done.error().message));
    }
  }
  if (!with_orders) return {};
  OrderQuery all;
  all.conditions = "status <> 10";
  return read_orders(*connection, all, [&state](OrderRow& row) {
    return state.restore(row.stored(ItemNo{static_cast<std::uint32_t>(row.item_no)}));
  });
}

ClusterRecord::ClusterRecord(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ClusterRecord::~ClusterRecord() = default;

Outcome<std::unique_ptr<ClusterRecord>> ClusterRecord::open(const mariadb::Address& address,
                                                            const ClusterOptions& options) {
  auto connection = Connection::open(address);
  if (!connection) return std::unexpected(connection.error());
  if (auto migrated = migrate(*connection); !migrated) return std::unexpected(migrated.error());
  auto parts = std::make_unique<Parts>();
  parts->address = address;
  parts->options = options;
  parts->where = address.shown();
  if (auto connected = parts->connect(); !connected) return std::unexpected(connected.error());
  return std::unique_ptr<ClusterRecord>(new ClusterRecord(std::move(parts)));
}

Outcome<std::vector<GrantReply>> ClusterRecord::grant(std::span<const Reservation> batch,
                                                      Instant now) {
  if (batch.size() > kMaxBatch) return std::unexpected(too_many(batch.size()));
  if (batch.empty()) return {};
  GrantPlan plan(batch, now);
  if (auto done = parts_->transact(plan); !done) return std::unexpected(done.error());
  return plan.take_replies();
}

Outcome<Applied> ClusterRecord::apply(std::span<const sale::Command> commands, Instant now) {
  if (commands.size() > kMaxBatch) return std::unexpected(too_many(commands.size()));
  CommandPlan plan(CommandPlan::Scope::orders, commands, parts_->options.settings, now);
  if (auto done = parts_->transact(plan); !done) return std::unexpected(done.error());
  return plan.take_applied();
}

Outcome<Applied> ClusterRecord::define(const sale::Command& command, Instant now) {
  CommandPlan plan(CommandPlan::Scope::catalog, {&command, 1}, parts_->options.settings, now);
  if (auto done = parts_->transact(plan); !done) return std::unexpected(done.error());
  return plan.take_applied();
}

Outcome<Applied> ClusterRecord::sweep(std::uint32_t most, Instant now) {
  SLUICE_ASSERT(most >= 1 && most <= kMaxBatch, "a sweep is of 1 to kMaxBatch orders");
  CommandPlan plan(CommandPlan::Scope::overdue, {}, parts_->options.settings, now, most);
  if (auto done = parts_->transact(plan); !done) return std::unexpected(done.error());
  return plan.take_applied();
}

Outcome<> ClusterRecord::Parts::read_unfinished(OrderId after, std::uint32_t most,
                                                Unfinished& found) {
  auto catalog = read_items(*connection, {});
  if (!catalog) return std::unexpected(catalog.error());
  OrderQuery query;
  query.conditions =
      "id IN (SELECT id FROM (SELECT id FROM orders WHERE status IN (3,6) AND id > ? ORDER BY id "
      "LIMIT ?) AS unfinished)";
  query.numbers = {after.value, most};
  std::uint32_t count = 0;
  auto read = read_orders(*connection, query, [&](OrderRow& row) -> Result<> {
    found.next = OrderId{row.id};
    ++count;
    if (row.status == static_cast<std::int64_t>(sale::OrderStatus::closing)) {
      found.closes.push_back({OrderId{row.id}});
      return {};
    }
    const auto item = static_cast<std::size_t>(row.item_no);
    if (item >= catalog->size()) return fail("its item does not exist");
    found.refunds.push_back({OrderId{row.id}, row.transaction_id, Money{row.paid_amount},
                             (*catalog)[item].currency, static_cast<sale::EndReason>(row.reason)});
    return {};
  });
  if (count < most) found.next = OrderId{};
  return read;
}

Outcome<ClusterRecord::Unfinished> ClusterRecord::unfinished(OrderId after, std::uint32_t most) {
  SLUICE_ASSERT(most >= 1 && most <= kMaxBatch, "a page is of 1 to kMaxBatch orders");
  Unfinished found;
  auto read = parts_->reading([&] { return parts_->read_unfinished(after, most, found); });
  if (!read) return std::unexpected(read.error());
  return found;
}

Outcome<> ClusterRecord::Parts::load(sale::State& state, bool with_orders) {
  for (const char* sql : {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                          "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}) {
    if (auto done = connection->execute(sql); !done) return done;
  }
  auto read = read_all(state, with_orders);
  connection->rollback();
  return read;
}

Outcome<> ClusterRecord::load(sale::State& state) {
  return parts_->reading([&] { return parts_->load(state, true); });
}

Outcome<> ClusterRecord::load_catalog(sale::State& state) {
  return parts_->reading([&] { return parts_->load(state, false); });
}

const std::string& ClusterRecord::where() const {
  return parts_->where;
}

}  // namespace sluice::store
