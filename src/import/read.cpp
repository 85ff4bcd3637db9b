// File access and the choice of the parser.
#include "import/read.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/text.h"
#include "import/csv.h"
#include "import/json.h"
#include "import/sql.h"

namespace sluice::importing {

const char* to_text(Format format) {
  switch (format) {
    case Format::csv:
      return "csv";
    case Format::json:
      return "json";
    case Format::sql:
      return "sql";
  }
  return "";
}

std::optional<Format> parse_format(std::string_view word) {
  for (const Format format : {Format::csv, Format::json, Format::sql}) {
    if (word == to_text(format)) return format;
  }
  return std::nullopt;
}

Format detect_format(std::string_view path, std::string_view text) {
  const std::size_t dot = path.rfind('.');
  if (dot != std::string_view::npos) {
    if (const auto format = parse_format(path.substr(dot + 1))) return *format;
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string_view::npos) return Format::csv;
  if (text[first] == '{' || text[first] == '[') return Format::json;
  const std::string_view head = text.substr(first, 4096);
  const bool is_dump = head.starts_with("--") || head.starts_with("/*") ||
                       head.contains("CREATE TABLE") || head.contains("INSERT INTO");
  return is_dump ? Format::sql : Format::csv;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(fmt::format("{} cannot be opened: {}", path, std::strerror(errno)));
  std::string text;
  std::string piece(1024UL * 1024, '\0');
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece, 0, static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxFileBytes) {
      return fail(fmt::format("{} is above {} MiB; split it", path, kMaxFileBytes / 1024 / 1024));
    }
  }
  if (file.bad()) return fail(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  return text;
}

Result<> read_source(std::string_view text, Format format, std::string_view table, Sink& sink) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return fail("the text is UTF-16; save it as UTF-8");
  }
  switch (format) {
    case Format::csv:
      return read_csv(text, sink);
    case Format::json:
      return read_json(text, sink);
    case Format::sql:
      return read_sql(text, table, sink);
  }
  return fail("the format is not known");
}

}  // namespace sluice::importing
