// Inserts into one table of the cluster's record, many rows a statement.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mariadb/connection.h"

namespace sluice::store {

/// The statement: INSERT INTO `into` VALUES `row`, `row`, … `rest`.
struct InsertShape {
  std::string into = {};  ///< "orders(id, status)"
  std::size_t columns = 0;
  std::string row = {};  ///< with `columns` question marks; empty: "(?,?,…)"
  std::string rest = {};
};

/// Texts must live until flush().
class BulkInsert {
 public:
  using Value =
      std::variant<std::monostate, std::int64_t, std::string_view, std::span<const std::uint8_t>>;
  explicit BulkInsert(InsertShape shape) : shape_(std::move(shape)) {}

  mariadb::Outcome<> prepare(mariadb::Connection& connection);
  mariadb::Outcome<> add(std::span<const Value> row);
  mariadb::Outcome<> flush();
  void clear() { values_.clear(); }

 private:
  /// Rows in one statement; a remainder takes a few of the smaller ones. A statement has at most
  /// 65,535 values.
  static constexpr std::array<std::size_t, 4> kSizes{256, 32, 4, 1};
  mariadb::Outcome<> send(mariadb::Statement& statement, std::size_t from, std::size_t count);

  InsertShape shape_;
  std::array<mariadb::Statement, kSizes.size()> statements_;
  std::vector<Value> values_;
};

}  // namespace sluice::store
