// Prepared statements of a few sizes; rows wait until the largest is full.
#include "store/cluster_bulk.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace sluice::store {

using mariadb::Connection;
using mariadb::Outcome;
using mariadb::Statement;

Outcome<> BulkInsert::prepare(Connection& connection) {
  std::string row = shape_.row;
  if (row.empty()) {
    row = "(?";
    for (std::size_t i = 1; i < shape_.columns; ++i)
      row += ",?";
    row += ')';
  }
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    std::string sql = fmt::format("INSERT INTO {} VALUES{}", shape_.into, row);
    for (std::size_t n = 1; n < kSizes[i]; ++n)
      sql += "," + row;
    sql += shape_.rest;
    auto statement = connection.prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    statements_[i] = std::move(*statement);
  }
  values_.clear();
  return {};
}

Outcome<> BulkInsert::add(std::span<const Value> row) {
  SLUICE_ASSERT(row.size() == shape_.columns, "a row has a value for every column");
  values_.insert(values_.end(), row.begin(), row.end());
  return values_.size() < kSizes.front() * shape_.columns ? Outcome<>{} : flush();
}

Outcome<> BulkInsert::flush() {
  const std::size_t rows = values_.size() / shape_.columns;
  Outcome<> sent;
  std::size_t at = 0;
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    for (; sent && rows - at >= kSizes[i]; at += kSizes[i])
      sent = send(statements_[i], at, kSizes[i]);
  }
  values_.clear();
  return sent;
}

Outcome<> BulkInsert::send(Statement& statement, std::size_t from, std::size_t count) {
  for (std::size_t i = 0; i < count * shape_.columns; ++i) {
    const int index = static_cast<int>(i) + 1;
    const Value& value = values_[from * shape_.columns + i];
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      statement.bind(index, *number);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      statement.bind(index, *text);
    } else if (const auto* bytes = std::get_if<std::span<const std::uint8_t>>(&value)) {
      statement.bind(index, *bytes);
    } else {
      statement.bind_null(index);
    }
  }
  if (auto done = statement.run(); !done) return std::unexpected(done.error());
  return {};
}

}  // namespace sluice::store
