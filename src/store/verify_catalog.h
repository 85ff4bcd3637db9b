// The audit of sales and items: their definitions against what operators were seen to set, and
// their counters against what the orders add up to.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "store/findings.h"
#include "store/sqlite.h"
#include "store/verify_orders.h"

namespace sluice::store {

class CatalogAudit {
 public:
  CatalogAudit(Connection& connection, Tallies& tallies, VerifyReport& report, Findings& findings)
      : connection_(connection), tallies_(tallies), report_(report), findings_(findings) {}

  /// Fills the tallies and the item lines of the report, and checks what needs no orders.
  Result<> read();
  /// After the orders and their history were walked.
  void check_counters(const std::vector<OrderTrace>& traces);

 private:
  Result<> read_words();
  Result<> raise_limits();
  void read_sale(const Statement& row);
  void read_item(const Statement& row);
  void check_stock(const Statement& row, const VerifyReport::ItemLine& line);
  /// Compares a field with the newest word of an operator on it, if there is one.
  void check_word(std::string_view kind, std::string_view subject, std::string_view field,
                  std::string_view value);

  Connection& connection_;
  Tallies& tallies_;
  VerifyReport& report_;
  Findings& findings_;
  std::unordered_map<std::string, std::string> words_;  ///< "item/i1/price" -> "1999"
  std::vector<std::uint32_t> numbers_;  ///< item numbers, in the order of report_.lines
};

}  // namespace sluice::store
