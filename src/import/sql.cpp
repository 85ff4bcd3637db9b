// Statements of a dump: CREATE TABLE gives columns, INSERT and REPLACE give rows, the rest passes.
#include "import/sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "import/sql_lexer.h"

namespace sluice::importing {

namespace {

/// What a dump may name before the skipped tables are no longer counted one by one.
constexpr std::size_t kMaxTables = 1000;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

class DumpReader {
 public:
  DumpReader(std::string_view text, std::string_view table, Sink& sink)
      : lexer_(text), table_(lower(table)), sink_(sink) {}

  Result<> read() {
    if (auto first = advance(); !first) return first;
    while (token_.kind != SqlToken::Kind::end) {
      if (auto read = statement(); !read) return read;
    }
    for (const auto& [name, skipped] : skipped_) {
      sink_.note(skipped.line,
                 fmt::format("table {} is not read: {} rows skipped", quote(name), skipped.rows));
    }
    if (!seen_table_) {
      sink_.note(0, fmt::format("no rows of table {} were found; name another with --table",
                                quote(table_)));
    }
    return {};
  }

 private:
  using Kind = SqlToken::Kind;

  Result<> advance(bool keep = true) { return lexer_.next(token_, keep); }

  Result<> statement() {
    if (token_.is_word("CREATE")) return create();
    if (token_.is_word("INSERT") || token_.is_word("REPLACE")) return insert();
    return skip_statement();
  }

  Result<> skip_statement() {
    while (token_.kind != Kind::end && !token_.is(';')) {
      if (auto next = advance(false); !next) return next;
    }
    return token_.kind == Kind::end ? Result<>{} : advance();
  }

  bool is_name() const { return token_.kind == Kind::word || token_.kind == Kind::quoted_name; }
  std::string name() const {
    return token_.kind == Kind::word ? std::string(token_.raw) : token_.text;
  }

  /// [database.]table into `out`; false where there is no name.
  Result<bool> table_name(std::string& out) {
    if (!is_name()) return false;
    out = name();
    if (auto next = advance(); !next) return std::unexpected(next.error());
    if (token_.is('.')) {
      if (auto next = advance(); !next) return std::unexpected(next.error());
      if (!is_name()) return false;
      out = name();
      if (auto next = advance(); !next) return std::unexpected(next.error());
    }
    return true;
  }

  /// CREATE TABLE [IF NOT EXISTS] name ( definition, … ) …
  Result<> create() {
    if (auto next = advance(); !next) return next;
    if (!token_.is_word("TABLE")) return skip_statement();
    if (auto next = advance(); !next) return next;
    for (const std::string_view word : {"IF", "NOT", "EXISTS"}) {
      if (!token_.is_word(word)) continue;
      if (auto next = advance(); !next) return next;
    }
    std::string table;
    const auto named = table_name(table);
    if (!named) return std::unexpected(named.error());
    if (!*named || lower(table) != table_ || !token_.is('(')) return skip_statement();
    created_.clear();
    bool starts_definition = true;
    int depth = 0;
    while (token_.kind != Kind::end && !token_.is(';')) {
      if (depth == 1 && starts_definition && is_column() && created_.size() < kMaxColumns) {
        created_.push_back(name());
      }
      starts_definition = (token_.is('(') && depth == 0) || (token_.is(',') && depth == 1);
      depth += token_.is('(') ? 1 : token_.is(')') ? -1 : 0;
      if (depth == 0 && token_.is(')')) break;
      if (auto next = advance(); !next) return next;
    }
    return skip_statement();
  }

  /// Whether a definition that begins with this token is a column rather than a key or constraint.
  bool is_column() const {
    constexpr std::array<std::string_view, 10> others = {
        "PRIMARY", "KEY",      "UNIQUE",  "INDEX", "CONSTRAINT",
        "FOREIGN", "FULLTEXT", "SPATIAL", "CHECK", "PERIOD"};
    if (token_.kind == Kind::quoted_name) return true;
    return token_.kind == Kind::word && std::ranges::none_of(others, [&](std::string_view word) {
             return token_.is_word(word);
           });
  }

  /// INSERT [INTO] name [(columns)] VALUES (…), (…) …
  Result<> insert() {
    const Line line = token_.line;
    if (auto next = advance(); !next) return next;
    for (const std::string_view word :
         {"LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"}) {
      if (!token_.is_word(word)) continue;
      if (auto next = advance(); !next) return next;
    }
    std::string table;
    const auto named = table_name(table);
    if (!named) return std::unexpected(named.error());
    if (!*named) return skip_statement();
    wanted_ = lower(table) == table_;
    seen_table_ = seen_table_ || wanted_;

    std::vector<std::string> columns;
    if (token_.is('(')) {
      if (auto read = column_list(columns); !read) return read;
    }
    if (!token_.is_word("VALUES") && !token_.is_word("VALUE")) {
      if (wanted_) sink_.left_out(line, "only INSERT … VALUES is read, not SET or SELECT");
      return skip_statement();
    }
    const std::vector<std::string>& names = columns.empty() ? created_ : columns;
    if (wanted_ && names.empty()) {
      sink_.left_out(line, "the statement names no columns and no CREATE TABLE came before it");
      return skip_statement();
    }
    if (wanted_) sink_.columns(line, names);
    if (auto next = advance(); !next) return next;
    while (token_.is('(')) {
      if (auto read = row(table, wanted_ ? names.size() : 0); !read) return read;
      if (!token_.is(',')) break;
      if (auto next = advance(); !next) return next;
    }
    return skip_statement();
  }

  /// From "(" to behind ")".
  Result<> column_list(std::vector<std::string>& columns) {
    if (auto next = advance(); !next) return next;
    while (token_.kind != Kind::end && !token_.is(')') && !token_.is(';')) {
      if (is_name()) columns.push_back(name());
      if (columns.size() > kMaxColumns) {
        return fail(fmt::format("line {} names more than {} columns", token_.line, kMaxColumns));
      }
      if (auto next = advance(); !next) return next;
    }
    return token_.is(')') ? advance() : Result<>{};
  }

  /// From "(" to behind ")". With `width` 0 the row is only counted.
  Result<> row(const std::string& table, std::size_t width) {
    const Line line = token_.line;
    const bool keep = width > 0;
    std::vector<Cell>& cells = cells_;
    cells.clear();
    std::string flaw;
    if (auto next = advance(keep); !next) return next;
    int depth = 1;
    value_ = Value{};
    while (true) {
      if (token_.kind == Kind::end || (token_.is(';') && depth == 1)) {
        return fail(
            fmt::format("the row that begins on line {} has no end; the dump is cut off or "
                        "damaged",
                        line));
      }
      if (depth == 1 && (token_.is(',') || token_.is(')'))) {
        if (keep) finish_value(cells, width, flaw);
        if (token_.is(')')) break;
      } else {
        depth += token_.is('(') ? 1 : token_.is(')') ? -1 : 0;
        if (keep) take_token();
      }
      if (auto next = advance(keep); !next) return next;
    }
    if (auto next = advance(); !next) return next;
    if (!keep) return count_skipped(table, line);
    if (++rows_ > kMaxRows) {
      return fail(
          fmt::format("table {} has more than {} rows; split the dump", quote(table_), kMaxRows));
    }
    if (flaw.empty() && cells.size() != width) {
      flaw = fmt::format("it has {} values for {} columns", cells.size(), width);
    }
    if (flaw.empty()) {
      sink_.row(line, cells);
    } else {
      sink_.left_out(line, flaw);
    }
    return {};
  }

  /// One value while its tokens come in.
  struct Value {
    enum class Form : std::uint8_t { nothing, sign, prefix, whole, expression };
    Form form = Form::nothing;
    Cell cell;
    std::string sign;
  };

  void take_token() {
    using Form = Value::Form;
    Value& value = value_;
    const bool is_open = value.form == Form::nothing || value.form == Form::prefix;
    if (token_.kind == Kind::string && is_open) {
      value.cell = std::move(token_.text);
      value.form = Form::whole;
    } else if (token_.kind == Kind::punctuation && value.form == Form::nothing &&
               (token_.is('-') || token_.is('+'))) {
      value.sign = token_.is('-') ? "-" : "";
      value.form = Form::sign;
    } else if (token_.kind == Kind::word && (is_open || value.form == Form::sign)) {
      take_word();
    } else {
      value.form = Form::expression;
    }
  }

  void take_word() {
    using Form = Value::Form;
    Value& value = value_;
    const bool is_number = token_.raw.front() >= '0' && token_.raw.front() <= '9';
    const bool is_keyword = value.form == Form::nothing;
    if (is_number && value.form != Form::prefix) {
      value.cell = value.sign + std::string(token_.raw);
      value.form = Form::whole;
    } else if (is_keyword && (token_.is_word("NULL") || token_.is_word("DEFAULT"))) {
      value.cell.reset();
      value.form = Form::whole;
    } else if (is_keyword && (token_.is_word("TRUE") || token_.is_word("FALSE"))) {
      value.cell = token_.is_word("TRUE") ? "1" : "0";
      value.form = Form::whole;
    } else if (is_keyword && token_.raw.front() == '_') {
      value.form = Form::prefix;  // a character set introducer: _utf8mb4'…'
    } else {
      value.form = Form::expression;
    }
  }

  void finish_value(std::vector<Cell>& cells, std::size_t width, std::string& flaw) {
    if (value_.form != Value::Form::whole && flaw.empty()) {
      flaw =
          fmt::format("value {} is not a plain value (string, number or NULL)", cells.size() + 1);
    }
    // One cell too many is enough to tell that the width is wrong.
    if (cells.size() <= width) cells.push_back(std::move(value_.cell));
    value_ = Value{};
  }

  Result<> count_skipped(const std::string& table, Line line) {
    const auto known = skipped_.find(table);
    if (known != skipped_.end()) {
      ++known->second.rows;
    } else if (skipped_.size() < kMaxTables) {
      skipped_.emplace(table, Skipped{line, 1});
    }
    return {};
  }

  struct Skipped {
    Line line = 0;
    std::uint64_t rows = 0;
  };

  SqlLexer lexer_;
  SqlToken token_;
  std::string table_;
  Sink& sink_;
  std::vector<std::string> created_;  ///< columns by CREATE TABLE
  std::vector<Cell> cells_;
  Value value_;
  bool wanted_ = false;
  bool seen_table_ = false;
  std::size_t rows_ = 0;
  std::map<std::string, Skipped> skipped_;
};

}  // namespace

Result<> read_sql(std::string_view text, std::string_view table, Sink& sink) {
  return DumpReader(text, table, sink).read();
}

}  // namespace sluice::importing
