// The lexical rules of MySQL that dumps make use of.
#include "import/sql_lexer.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::importing {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/// Letters of bare identifiers and of numbers; bytes of UTF-8 sequences are letters in MySQL too.
bool is_word_letter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z') || byte == '_' || byte == '$' || byte >= 0x80;
}

char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// What stands after a backslash (manual, table 9.1); \% and \_ keep their backslash.
void append_escaped(std::string& out, char c) {
  switch (c) {
    case '0':
      out += '\0';
      return;
    case 'b':
      out += '\b';
      return;
    case 'n':
      out += '\n';
      return;
    case 'r':
      out += '\r';
      return;
    case 't':
      out += '\t';
      return;
    case 'Z':
      out += '\x1A';
      return;
    case '%':
    case '_':
      out += '\\';
      out += c;
      return;
    default:
      out += c;
  }
}

}  // namespace

bool SqlToken::is_word(std::string_view keyword) const {
  return kind == Kind::word && raw.size() == keyword.size() &&
         std::equal(raw.begin(), raw.end(), keyword.begin(),
                    [](char a, char b) { return to_upper(a) == b; });
}

void SqlLexer::count_lines(std::size_t from, std::size_t to) {
  line_ += static_cast<Line>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(from),
                                        source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
}

void SqlLexer::skip_line() {
  at_ = std::min(source_.find('\n', at_), source_.size());
}

Result<> SqlLexer::skip_block_comment() {
  const std::size_t end = source_.find("*/", at_ + 2);
  if (end == std::string_view::npos) {
    return fail(
        fmt::format("the comment that begins on line {} is never closed; the dump is cut "
                    "off or damaged",
                    line_));
  }
  count_lines(at_, end);
  at_ = end + 2;
  return {};
}

Result<> SqlLexer::skip_blanks() {
  while (at_ < source_.size()) {
    const char c = source_[at_];
    if (is_blank(c)) {
      line_ += c == '\n' ? 1 : 0;
      ++at_;
    } else if (c == '#' ||
               (c == '-' && peek(1) == '-' && (at_ + 2 >= source_.size() || is_blank(peek(2))))) {
      skip_line();
    } else if (c == '/' && peek(1) == '*') {
      if (auto skipped = skip_block_comment(); !skipped) return skipped;
    } else {
      break;
    }
  }
  return {};
}

Result<> SqlLexer::quoted(SqlToken& token, char quote, bool keep) {
  ++at_;
  const bool has_escapes = quote != '`';
  while (true) {
    const std::size_t from = at_;
    while (at_ < source_.size() && source_[at_] != quote && (!has_escapes || source_[at_] != '\\'))
      ++at_;
    count_lines(from, at_);
    const bool escaped = at_ < source_.size() && source_[at_] == '\\' && has_escapes;
    if (at_ >= source_.size() || (escaped && at_ + 1 >= source_.size())) {
      return fail(
          fmt::format("the {} opened on line {} is never closed; the dump is cut off or "
                      "damaged",
                      quote == '`' ? "name" : "string", token.line));
    }
    if (keep) {
      token.text += source_.substr(from, at_ - from);
      if (token.text.size() > kMaxCellBytes) {
        return fail(
            fmt::format("the string that begins on line {} is above {} bytes; is a quote "
                        "missing there?",
                        token.line, kMaxCellBytes));
      }
    }
    if (escaped) {
      const char c = source_[at_ + 1];
      line_ += c == '\n' ? 1 : 0;
      if (keep) append_escaped(token.text, c);
      at_ += 2;
    } else if (peek(1) == quote) {
      if (keep) token.text += quote;
      at_ += 2;
    } else {
      ++at_;
      return {};
    }
  }
}

Result<> SqlLexer::next(SqlToken& token, bool keep) {
  token.text.clear();
  if (auto skipped = skip_blanks(); !skipped) return skipped;
  token.line = line_;
  if (at_ >= source_.size()) {
    token.kind = SqlToken::Kind::end;
    token.raw = {};
    return {};
  }
  const char c = source_[at_];
  if (c == '`') {
    token.kind = SqlToken::Kind::quoted_name;
    return quoted(token, c, true);
  }
  if (c == '\'' || c == '"') {
    token.kind = SqlToken::Kind::string;
    return quoted(token, c, keep);
  }
  const std::size_t from = at_;
  if (is_word_letter(c)) {
    token.kind = SqlToken::Kind::word;
    while (at_ < source_.size() && is_word_letter(source_[at_]))
      ++at_;
    // A number keeps its fraction: "19.99" is one word, "db.name" is three tokens.
    const bool is_number = c >= '0' && c <= '9';
    if (is_number && peek(0) == '.') {
      ++at_;
      while (at_ < source_.size() && is_word_letter(source_[at_]))
        ++at_;
    }
  } else {
    token.kind = SqlToken::Kind::punctuation;
    ++at_;
  }
  token.raw = source_.substr(from, at_ - from);
  return {};
}

}  // namespace sluice::importing
