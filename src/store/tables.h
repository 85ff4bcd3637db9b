// Writes the rows of batches into the record's tables.
#pragma once

#include <memory>

#include "base/result.h"
#include "store/encoder.h"
#include "store/rows.h"
#include "store/sqlite.h"

namespace sluice::store {

class Tables final : private RowSink {
 public:
  /// Compiles the statements. `connection` must outlive the tables.
  static Result<std::unique_ptr<Tables>> create(Connection& connection);
  /// How far the tables have got.
  static Result<Heads> heads(Connection& connection);

  /// Writes inside the open transaction. SQLITE_OK, or the extended code of what failed.
  int write(const BatchParts& batch);

 private:
  explicit Tables(Connection& connection) : connection_(connection) {}
  int history(const HistoryFacts& row, const GrantFacts* grant) override;
  int audit(const AuditFacts& row) override;
  int order(const OrderFacts& row) override;
  int stock(const StockFacts& row) override;
  int item(const ItemFacts& row) override;
  int sale(const SaleFacts& row) override;
  int granted(const HistoryFacts& row, const GrantFacts& grant);

  Connection& connection_;
  Statement insert_order_, insert_history_, update_order_;
  Statement upsert_stock_, upsert_item_, upsert_sale_, insert_audit_, insert_seal_;
};

}  // namespace sluice::store
