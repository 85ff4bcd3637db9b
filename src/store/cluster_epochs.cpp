// Table sale_epoch: one row for each sale that was ever loaded.
#include "store/cluster_epochs.h"

#include <fmt/format.h>

#include "store/cluster_rows.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;
using mariadb::Statement;

constexpr const char* kRaise =
    "INSERT INTO sale_epoch SELECT no, 1, ? FROM sale WHERE no = ? ON DUPLICATE KEY UPDATE "
    "epoch = epoch + 1, history = VALUES(history)";

Loading loading_of(const Statement& row) {
  Loading loading;
  loading.sale = SaleNo{static_cast<std::uint32_t>(row.integer(0))};
  loading.epoch = static_cast<std::uint64_t>(row.integer(1));
  loading.history = row.integer(2);
  return loading;
}

Outcome<std::vector<Loading>> read(Connection& connection, std::span<const std::int64_t> sales) {
  std::vector<Loading> found;
  auto done = read_numbered(connection, "SELECT sale_no, epoch, history FROM sale_epoch", "sale_no",
                            sales, [&found](const Statement& row) -> Outcome<> {
                              found.push_back(loading_of(row));
                              return {};
                            });
  if (!done) return std::unexpected(done.error());
  return found;
}

}  // namespace

Outcome<Loading> raise_epoch(Connection& connection, SaleNo sale, std::int64_t history) {
  auto raise = connection.prepare(kRaise);
  if (!raise) return std::unexpected(raise.error());
  const std::int64_t number = sale.value;
  raise->bind(1, history);
  raise->bind(2, number);
  if (auto done = raise->run(); !done) return std::unexpected(done.error());
  auto raised = read(connection, {&number, 1});
  if (!raised) return std::unexpected(raised.error());
  if (raised->empty()) {
    Failure failure;
    failure.message =
        fmt::format("there is no sale number {} in the record at {}", number, connection.where());
    return std::unexpected(failure);
  }
  return raised->front();
}

Outcome<std::vector<Loading>> read_loadings(Connection& connection) {
  return read(connection, {});
}

Outcome<std::unordered_map<std::int64_t, Admission>> read_admissions(
    Connection& connection, std::span<const std::int64_t> sales) {
  std::unordered_map<std::int64_t, Admission> found;
  if (sales.empty()) return found;
  auto done = read_numbered(
      connection,
      "SELECT s.no, s.cancelled, COALESCE(e.epoch, 0) FROM sale s LEFT JOIN sale_epoch e ON "
      "e.sale_no = s.no",
      "s.no", sales, [&found](const Statement& row) -> Outcome<> {
        found[row.integer(0)] = {row.integer(1) != 0, static_cast<std::uint64_t>(row.integer(2))};
        return {};
      });
  if (!done) return std::unexpected(done.error());
  return found;
}

}  // namespace sluice::store
