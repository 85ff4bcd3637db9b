// The RFC 4180 grammar as a cursor over the text.
#include "import/csv.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace sluice::importing {

namespace {

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  Line line() const { return line_; }

  /// Reads one record into `cells`. `flaw` tells why the record cannot be used, if it cannot.
  Result<> record(std::vector<Cell>& cells, std::string& flaw) {
    cells.clear();
    flaw.clear();
    while (true) {
      if (cells.size() == kMaxColumns) {
        return fail(
            fmt::format("line {} has more than {} columns; remove the ones that are not "
                        "needed",
                        line_, kMaxColumns));
      }
      std::string cell;
      if (auto read = this->cell(cell, flaw); !read) return read;
      cells.emplace_back(std::move(cell));
      if (at_end()) return {};
      if (text_[at_] == ',') {
        ++at_;
        continue;
      }
      end_line();
      return {};
    }
  }

 private:
  bool at_line_end() const {
    if (at_end() || text_[at_] == '\n') return true;
    return text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n');
  }

  void end_line() {
    if (!at_end() && text_[at_] == '\r') ++at_;
    if (!at_end() && text_[at_] == '\n') ++at_;
    ++line_;
  }

  Result<> cell(std::string& out, std::string& flaw) {
    const Line first = line_;
    const bool is_quoted = !at_end() && text_[at_] == '"';
    if (is_quoted) {
      ++at_;
      if (auto read = quoted_part(out, first); !read) return read;
    }
    const std::size_t from = at_;
    while (!at_line_end() && text_[at_] != ',')
      ++at_;
    const std::string_view rest = text_.substr(from, at_ - from);
    if (rest.size() > kMaxCellBytes) return too_large(first);
    if (is_quoted && !rest.empty()) {
      flaw = "text follows the closing quote of a cell";
    } else if (rest.contains('"')) {
      flaw = "a quote stands inside an unquoted cell; quote the whole cell and double the quote";
    }
    out += rest;
    if (out.contains('\0')) flaw = "a cell holds a NUL byte";
    return {};
  }

  Result<> quoted_part(std::string& out, Line first) {
    while (true) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        return fail(
            fmt::format("the quote opened on line {} is never closed; close it or double "
                        "the quotes inside the cell",
                        first));
      }
      const std::string_view piece = text_.substr(at_, quote - at_);
      for (const char c : piece)
        line_ += c == '\n' ? 1 : 0;
      out += piece;
      if (out.size() > kMaxCellBytes) return too_large(first);
      at_ = quote + 1;
      if (at_end() || text_[at_] != '"') return {};
      out += '"';
      ++at_;
    }
  }

  static Result<> too_large(Line first) {
    return fail(
        fmt::format("the cell that begins on line {} is above {} bytes; is a quote missing "
                    "there?",
                    first, kMaxCellBytes));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Line line_ = 1;
};

bool blank(const std::vector<Cell>& cells) {
  return cells.size() == 1 && cells.front()->empty();
}

}  // namespace

Result<> read_csv(std::string_view text, Sink& sink) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());

  CsvReader reader(text);
  std::vector<Cell> cells;
  std::string flaw;
  std::size_t width = 0;
  std::size_t rows = 0;
  while (!reader.at_end()) {
    const Line line = reader.line();
    if (auto read = reader.record(cells, flaw); !read) return read;
    if (flaw.empty() && blank(cells)) continue;
    if (width == 0) {
      if (!flaw.empty()) return fail(fmt::format("line {}, the header: {}", line, flaw));
      std::vector<std::string> names;
      names.reserve(cells.size());
      for (Cell& cell : cells)
        names.push_back(std::move(*cell));
      width = names.size();
      sink.columns(line, names);
      continue;
    }
    if (++rows > kMaxRows) {
      return fail(fmt::format("there are more than {} rows; split the file", kMaxRows));
    }
    if (flaw.empty() && cells.size() != width) {
      flaw = fmt::format("it has {} cells where the header has {}", cells.size(), width);
    }
    if (flaw.empty()) {
      sink.row(line, cells);
    } else {
      sink.left_out(line, flaw);
    }
  }
  if (width == 0) return fail("there is no header row; name the columns in the first line");
  return {};
}

}  // namespace sluice::importing
