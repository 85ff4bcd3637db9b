// Writes one batch of effects as one transaction: the hot path of the record.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "sale/effects.h"
#include "sale/state.h"
#include "store/chain.h"
#include "store/sqlite.h"

namespace sluice::store {

/// How far the record has got; advances only when a transaction is committed.
struct Heads {
  std::int64_t history = 0;
  std::int64_t audit = 0;
  std::int64_t seal = 0;
  Hash hash{};  ///< of the last seal; zeros before the first
};

class BatchWriter {
 public:
  /// Compiles the statements and finds the heads. `connection` must outlive the writer.
  static Result<std::unique_ptr<BatchWriter>> create(Connection& connection);

  /// Writes inside the open transaction. SQLITE_OK, or the extended code of what failed.
  int write(const sale::Effects& effects, const sale::State& state, Instant now);
  /// The transaction of the last write() was committed.
  void committed() { heads_ = next_; }

  const Heads& heads() const { return heads_; }

 private:
  explicit BatchWriter(Connection& connection) : connection_(connection) {}
  Result<> prepare();
  Result<> find_heads();
  int write_rows(const sale::Effects& effects, const sale::State& state, Instant now);
  int write_catalog(const sale::Effects& effects, const sale::State& state);
  int write_definition(const sale::Item& item);
  int write_stock(const sale::Item& item);
  int write_sale(const sale::Sale& sale);
  int write_change(const sale::OrderChange& change, const sale::State& state);
  int insert_order(const sale::OrderChange& change, const sale::State& state);
  int update_order(const sale::OrderChange& change, const sale::State& state);
  int insert_history(const HistoryFacts& row);
  int write_audit(const sale::Audit& audit);
  int write_seal(Instant now);

  Connection& connection_;
  Statement insert_order_, insert_history_, last_event_, update_order_;
  Statement upsert_stock_, upsert_item_, upsert_sale_, insert_audit_, insert_seal_;
  Chain chain_;
  BatchBytes bytes_;
  Heads heads_;
  Heads next_;  ///< heads as they will be once the batch under way is committed
  std::vector<std::uint32_t> numbers_;
  std::string before_, after_;
};

}  // namespace sluice::store
