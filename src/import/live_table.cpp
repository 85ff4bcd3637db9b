// Asks for the shape of the table first, so that what is missing can be named.
#include "import/live_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "base/text.h"

namespace sluice::importing {
namespace {

using mariadb::Failure;
using mariadb::ResetGuard;

constexpr std::size_t kMaxTablesNamed = 20;

/// What every item needs, under any of its names. See Planner::field_of.
struct Needed {
  std::string_view what;
  std::array<std::string_view, 3> columns;
};
constexpr std::array<Needed, 4> kNeeded = {{{"an id", {"id"}},
                                            {"a title", {"title", "name"}},
                                            {"a price", {"cost_price", "price"}},
                                            {"a stock", {"stock_count", "stock"}}}};

class TableReader {
 public:
  TableReader(mariadb::Connection& connection, const LiveTable& table, Sink& sink)
      : connection_(connection), table_(table), sink_(sink) {}

  Result<> read() {
    if (auto set = set_zone(); !set) return set;
    if (auto shape = read_columns(); !shape) return shape;
    return read_rows();
  }

 private:
  /// TIMESTAMP columns are converted by the server to the zone of the session.
  Result<> set_zone() {
    auto statement = connection_.prepare("SET time_zone = ?");
    if (!statement) return std::unexpected(statement.error());
    const std::int64_t minutes = std::abs(table_.utc_offset.ms) / 60'000;
    const std::string zone = fmt::format("{}{:02}:{:02}", table_.utc_offset.ms < 0 ? '-' : '+',
                                         minutes / 60, minutes % 60);
    statement->bind(1, zone);
    if (auto done = statement->run(); !done) return std::unexpected(done.error());
    return {};
  }

  Result<> read_columns() {
    auto statement = connection_.prepare(
        fmt::format("SELECT * FROM {} LIMIT 0", mariadb::quoted_name(table_.name)));
    if (!statement) return std::unexpected(explained(statement.error()));
    if (auto asked = statement->query(); !asked) return std::unexpected(explained(asked.error()));
    const ResetGuard guard(*statement);
    if (static_cast<std::size_t>(statement->columns()) > kMaxColumns) {
      return fail(
          fmt::format("table {} has {} columns, more than {}: make a view of those that "
                      "are needed, and name it with --table",
                      quote(table_.name), statement->columns(), kMaxColumns));
    }
    for (int i = 0; i < statement->columns(); ++i)
      columns_.push_back(statement->name(i));
    for (const Needed& needed : kNeeded) {
      if (has_any(needed)) continue;
      return fail(
          fmt::format("table {} has no column for {}: {} is needed; make a view with "
                      "these names, and name it with --table",
                      quote(table_.name), needed.what, spelled(needed)));
    }
    return {};
  }

  bool has_any(const Needed& needed) const {
    return std::ranges::any_of(columns_, [&needed](const std::string& column) {
      std::string plain = column;
      std::ranges::transform(plain, plain.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      return std::ranges::find(needed.columns, plain) != needed.columns.end();
    });
  }

  static std::string spelled(const Needed& needed) {
    std::string text;
    for (const std::string_view column : needed.columns) {
      if (column.empty()) continue;
      if (!text.empty()) text += " or ";
      text += column;
    }
    return text;
  }

  Result<> read_rows() {
    auto statement = connection_.prepare(fmt::format(
        "SELECT * FROM {} ORDER BY id LIMIT {}", mariadb::quoted_name(table_.name), kMaxRows + 1));
    if (!statement) return std::unexpected(explained(statement.error()));
    if (auto asked = statement->query(); !asked) return std::unexpected(explained(asked.error()));
    const ResetGuard guard(*statement);
    sink_.columns(0, columns_);
    std::vector<Cell> cells(columns_.size());
    for (Line row = 1;; ++row) {
      auto found = statement->next();
      if (!found) return std::unexpected(explained(found.error(), row - 1));
      if (!*found) return {};
      if (row > kMaxRows) {
        return fail(
            fmt::format("table {} has more than {} rows: make a view of those that are "
                        "still to be sold, and name it with --table",
                        quote(table_.name), kMaxRows));
      }
      pass_on(*statement, row, cells);
    }
  }

  void pass_on(const mariadb::Statement& statement, Line row, std::vector<Cell>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const int column = static_cast<int>(i);
      if (statement.length(column) > kMaxCellBytes) {
        return sink_.left_out(
            row, fmt::format("the value of column {} has {} bytes, the limit is "
                             "{}",
                             quote(columns_[i]), statement.length(column), kMaxCellBytes));
      }
      if (statement.is_null(column)) {
        cells[i].reset();
      } else {
        cells[i] = std::string(statement.text(column));
      }
    }
    sink_.row(row, cells);
  }

  Error explained(const Failure& failure, std::size_t rows = 0) {
    const mariadb::Address& address = table_.address;
    switch (failure.kind) {
      case Failure::Kind::no_table:
        return Error{fmt::format("there is no table {} in {}; {}", quote(table_.name),
                                 address.shown(), known_tables())};
      case Failure::Kind::denied:
        return Error{
            fmt::format("{} may not read table {}; as an administrator: GRANT SELECT ON "
                        "{}.{} TO the user",
                        address.shown(), quote(table_.name), mariadb::quoted_name(address.database),
                        mariadb::quoted_name(table_.name))};
      case Failure::Kind::lost:
        return Error{fmt::format("the connection to {} was lost after {} rows: {}", address.shown(),
                                 rows, failure.message)};
      default:
        return failure;
    }
  }

  /// For the message: what the user may have meant.
  std::string known_tables() {
    auto statement = connection_.prepare(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "ORDER BY table_name");
    if (!statement || !statement->query()) return "name one with --table";
    const ResetGuard guard(*statement);
    std::string names;
    for (std::size_t count = 0; count < kMaxTablesNamed; ++count) {
      const auto row = statement->next();
      if (!row || !*row) break;
      if (!names.empty()) names += ", ";
      names += quote(statement->text(0));
    }
    if (names.empty()) return "this user sees no table there: check the database name";
    return fmt::format("there are {}; name one with --table", names);
  }

  mariadb::Connection& connection_;
  const LiveTable& table_;
  Sink& sink_;
  std::vector<std::string> columns_;
};

}  // namespace

Result<> read_table(mariadb::Connection& connection, const LiveTable& table, Sink& sink) {
  return TableReader(connection, table, sink).read();
}

}  // namespace sluice::importing
