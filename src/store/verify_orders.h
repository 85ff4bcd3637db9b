// The audit of the order rows: what each holds, what they add up to, and what no two may share.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sale/order.h"
#include "store/findings.h"
#include "store/sqlite.h"

namespace sluice::store {

/// An order in the memory of an audit: its row's claims, and where its history has led so far.
struct OrderTrace {
  std::int64_t id = 0;
  std::int64_t last_event = 0;  ///< by the row
  std::int64_t walked_to = 0;   ///< by the history; 0: nothing seen yet
  std::int64_t quantity = 0;
  std::uint32_t item_no = 0;
  std::uint8_t status = 0;         ///< by the row
  std::uint8_t walked_status = 0;  ///< by the history
  bool was_paid = false;           ///< by the history: its units counted as sold at some time
};

/// An item as the audit needs it: its definition's limits and what its orders add up to.
struct ItemTally {
  std::string id;
  std::uint32_t sale_no = 0;
  std::int64_t limit = 0;  ///< the highest per-user limit that the item ever had
  std::int64_t held = 0;
  std::int64_t sold = 0;
  std::int64_t refunded = 0;
};
using Tallies = std::unordered_map<std::uint32_t, ItemTally>;

/// Scans the orders once, in order of id. Memory: about 150 bytes per order.
class OrderAudit {
 public:
  OrderAudit(Connection& connection, Tallies& tallies, Findings& findings, bool linked)
      : connection_(connection), tallies_(tallies), findings_(findings), linked_(linked) {}

  Result<> scan();
  /// What only the whole set shows: limits, unpaid orders per sale, keys and transactions.
  Result<> check_sets();

  /// One per order row, in order of id.
  std::vector<OrderTrace>& traces() { return traces_; }

 private:
  struct Units {
    std::uint32_t user;
    std::uint32_t item_no;
    std::int64_t quantity;
    auto operator<=>(const Units&) const = default;
  };
  struct Waiting {
    std::uint32_t user;
    std::uint32_t sale_no;
    std::int64_t order;
    auto operator<=>(const Waiting&) const = default;
  };

  using Key = std::array<std::uint8_t, 16>;

  void check_row(const Statement& row);
  void check_payment(const Statement& row, std::int64_t status);
  void check_reason(const Statement& row, sale::OrderStatus status);
  std::uint32_t check_user(const Statement& row);
  void check_request_key(const Statement& row);
  void check_limits();
  void check_waiting();
  void check_request_keys();
  Result<> check_transactions();
  /// The text of a user, for a finding.
  std::string name_of(std::uint32_t user) const;

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Connection& connection_;
  Tallies& tallies_;
  Findings& findings_;
  const bool linked_;  ///< each order names its shopper's order before it
  std::vector<OrderTrace> traces_;
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> users_;
  std::vector<std::int64_t> newest_of_user_;
  std::vector<Units> units_;
  std::vector<Waiting> waiting_;
  std::vector<std::pair<Key, std::int64_t>> request_keys_;  ///< with their orders
};

}  // namespace sluice::store
