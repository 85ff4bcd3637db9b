// The audit of the history: the hash chain over it, and whether each order took legal steps only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "store/chain.h"
#include "store/findings.h"
#include "store/sqlite.h"
#include "store/verify_orders.h"

namespace sluice::store {

/// Walks seals, history and audit rows together, once, in order of their sequences.
class HistoryAudit {
 public:
  HistoryAudit(Connection& connection, std::vector<OrderTrace>& traces, VerifyReport& report,
               Findings& findings)
      : connection_(connection), traces_(traces), report_(report), findings_(findings) {}

  Result<> walk();
  /// After walk(): every order row says what its history says.
  void check_rows();

 private:
  /// Adds the rows up to `last` to the batch; a cursor stands before its next row.
  Result<> take_history(std::int64_t last);
  Result<> take_audit(std::int64_t last);
  Result<> count_unsealed();
  void take_history_row();
  void check_step(const HistoryFacts& row);
  OrderTrace* find(std::int64_t order);
  Result<> advance(Statement& rows, bool& more);

  Connection& connection_;
  std::vector<OrderTrace>& traces_;
  VerifyReport& report_;
  Findings& findings_;
  Statement history_, audit_;
  bool more_history_ = false;
  bool more_audit_ = false;
  std::int64_t last_history_ = 0;
  std::int64_t last_audit_ = 0;
  std::size_t next_grant_ = 0;  ///< orders are granted in order of id: where to look first
  Chain chain_;
  BatchBytes bytes_;
};

}  // namespace sluice::store
