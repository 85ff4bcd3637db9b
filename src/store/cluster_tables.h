// Writes the rows of a batch into the tables of the cluster's record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mariadb/connection.h"
#include "sale/catalog.h"
#include "store/cluster_bulk.h"
#include "store/encoder.h"
#include "store/rows.h"

namespace sluice::store {

/// What a batch is written against.
struct BatchContext {
  /// Counters that the batch began with, by number of item: what changed is added to the row, so
  /// that the batch need not know all orders of the item. An item that is not here is new.
  std::map<std::int64_t, sale::Counters> before;
  /// The sale of each item in the batch.
  std::unordered_map<std::int64_t, std::int64_t> sale_of;
  /// Numbers in the batch to numbers in the record; empty: they are the same.
  std::vector<std::int64_t> item_no, sale_no;

  std::int64_t real_item(std::int64_t number) const { return real(item_no, number); }
  std::int64_t real_sale(std::int64_t number) const { return real(sale_no, number); }

 private:
  static std::int64_t real(const std::vector<std::int64_t>& numbers, std::int64_t number) {
    return numbers.empty() ? number : numbers.at(static_cast<std::size_t>(number));
  }
};

class ClusterTables final : private RowSink {
 public:
  ClusterTables();

  /// After each new connection.
  mariadb::Outcome<> prepare(mariadb::Connection& connection);
  /// Inside the open transaction that has locked the head: rows, seal and new head.
  mariadb::Outcome<> write(const BatchParts& batch, const BatchContext& context);

 private:
  int history(const HistoryFacts& row, const GrantFacts* grant) override;
  int audit(const AuditFacts& row) override;
  int order(const OrderFacts& row) override;
  int stock(const StockFacts& row) override;
  int item(const ItemFacts& row) override;
  int sale(const SaleFacts& row) override;
  int keep(mariadb::Outcome<> done);
  int keep(mariadb::Outcome<std::uint64_t> done);
  int one_row(mariadb::Statement& statement, const char* what);
  mariadb::Outcome<> write_rows(const BatchParts& batch);
  mariadb::Outcome<> write_seal(const SealFacts& seal);

  const BatchContext* context_ = nullptr;
  std::optional<mariadb::Failure> failure_;
  BulkInsert orders_, history_, audit_;
  mariadb::Statement update_order_, add_stock_, insert_stock_, upsert_item_, upsert_sale_;
  mariadb::Statement insert_seal_, update_head_;
};

}  // namespace sluice::store
