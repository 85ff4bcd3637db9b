// The calls of the cluster's record: each is a plan for a transaction, or a read.
#include "store/cluster_record.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "store/cluster_epochs.h"
#include "store/cluster_parts.h"
#include "store/cluster_schema.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;

Failure too_many(std::size_t size) {
  Failure failure;
  failure.message = fmt::format("{} entries in one batch, the limit is {}: split it", size,
                                ClusterRecord::kMaxBatch);
  return failure;
}

Outcome<> read_all(Connection& connection, sale::State& state, bool with_orders) {
  auto sales = read_sales(connection, {});
  if (!sales) return std::unexpected(sales.error());
  for (const sale::Sale& sale : *sales) {
    if (auto done = state.restore(sale); !done) {
      return std::unexpected(damaged("sale", sale.no.value, done.error().message));
    }
  }
  auto items = read_items(connection, {});
  if (!items) return std::unexpected(items.error());
  for (const sale::Item& item : *items) {
    if (auto done = state.restore(item); !done) {
      return std::unexpected(damaged("item", item.no.value, done.error().message));
    }
  }
  if (!with_orders) return {};
  OrderQuery all;
  all.conditions = "status <> 10";
  return read_orders(connection, all, [&state](OrderRow& row) {
    return state.restore(row.stored(ItemNo{static_cast<std::uint32_t>(row.item_no)}));
  });
}

Outcome<> read_unfinished(Connection& connection, OrderId after, std::uint32_t most,
                          ClusterRecord::Unfinished& found) {
  auto catalog = read_items(connection, {});
  if (!catalog) return std::unexpected(catalog.error());
  OrderQuery query;
  query.conditions =
      "id IN (SELECT id FROM (SELECT id FROM orders WHERE status IN (3,6) AND id > ? ORDER BY id "
      "LIMIT ?) AS unfinished)";
  query.numbers = {after.value, most};
  std::uint32_t count = 0;
  auto read = read_orders(connection, query, [&](OrderRow& row) -> Result<> {
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

Outcome<> load_all(Connection& connection, sale::State& state, bool with_orders) {
  for (const char* sql : {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                          "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}) {
    if (auto done = connection.execute(sql); !done) return done;
  }
  auto read = read_all(connection, state, with_orders);
  auto ended = connection.rollback();
  return ended ? read : ended;
}

}  // namespace

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

Outcome<ClusterRecord::Unfinished> ClusterRecord::unfinished(OrderId after, std::uint32_t most) {
  SLUICE_ASSERT(most >= 1 && most <= kMaxBatch, "a page is of 1 to kMaxBatch orders");
  Unfinished found;
  auto read =
      parts_->reading([&] { return read_unfinished(*parts_->connection, after, most, found); });
  if (!read) return std::unexpected(read.error());
  return found;
}

Outcome<> ClusterRecord::load(sale::State& state) {
  return parts_->reading([&] { return load_all(*parts_->connection, state, true); });
}

Outcome<> ClusterRecord::load_catalog(sale::State& state) {
  return parts_->reading([&] { return load_all(*parts_->connection, state, false); });
}

Outcome<Loading> ClusterRecord::begin_loading(SaleNo sale) {
  Loading loading;
  auto done = parts_->locked([&](const Heads& heads) -> Outcome<> {
    auto raised = raise_epoch(*parts_->connection, sale, heads.history);
    if (!raised) return std::unexpected(raised.error());
    loading = *raised;
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return loading;
}

const std::string& ClusterRecord::where() const {
  return parts_->where;
}

}  // namespace sluice::store
