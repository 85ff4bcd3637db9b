// The tokens of a MySQL dump: names, strings with MySQL's escapes, numbers, punctuation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "import/source.h"

namespace sluice::importing {

struct SqlToken {
  enum class Kind : std::uint8_t {
    word,         ///< a bare identifier, keyword or number, as written
    quoted_name,  ///< `name`, decoded
    string,       ///< 'text' or "text", decoded
    punctuation,  ///< one character
    end,
  };
  Kind kind = Kind::end;
  Line line = 1;
  std::string_view raw;  ///< word and punctuation: into the source
  std::string text;      ///< quoted_name and string: decoded, if wanted

  bool is(char c) const { return kind == Kind::punctuation && raw.front() == c; }
  /// Whether it is this keyword, in any case. `keyword` is in upper case.
  bool is_word(std::string_view keyword) const;
};

/// Walks over a dump. Comments (--, #, /* */, and the version comments /*! */ of mysqldump, which
/// carry no rows) are skipped. Lexical rules: MySQL 8.0 reference manual, chapter 9.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view source) : source_(source) {}

  /// The next token. Errors: an unclosed string or comment, a string above kMaxCellBytes. With
  /// `keep` false strings are not decoded and not bounded: their text stays empty.
  Result<> next(SqlToken& token, bool keep = true);

 private:
  Result<> skip_blanks();
  Result<> skip_block_comment();
  void skip_line();
  Result<> quoted(SqlToken& token, char quote, bool keep);
  void count_lines(std::size_t from, std::size_t to);
  char peek(std::size_t ahead) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  std::string_view source_;
  std::size_t at_ = 0;
  Line line_ = 1;
};

}  // namespace sluice::importing
