// Trimming and checking.
#include "import/plan_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace sluice::importing {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

std::string_view said(const Cell& cell) {
  return cell ? trim(*cell) : std::string_view{};
}

std::string one_line(std::string_view text) {
  std::string out(trim(text));
  std::ranges::replace_if(
      out, [](char c) { return has_control(std::string_view(&c, 1)); }, ' ');
  return out;
}

std::string check_text(std::string_view text, std::size_t limit, const char* name) {
  if (text.size() > limit) {
    return fmt::format("the {} has {} bytes, above the limit of {}", name, text.size(), limit);
  }
  if (!valid_utf8(text)) {
    return fmt::format(
        "the {} is not UTF-8; convert the file first, for example with iconv -f "
        "GB18030 -t UTF-8",
        name);
  }
  return {};
}

}  // namespace sluice::importing
