// Text forms of identifiers, and what may be an identifier at all.
#include "base/ids.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.h"

namespace sluice {

namespace {

constexpr std::string_view kOrderPrefix = "No";
constexpr std::size_t kMaxCatalogIdBytes = 64;

bool is_catalog_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

/// U+0080 to U+009F: control characters that UTF-8 writes as two bytes.
bool has_wide_control(std::string_view utf8) {
  for (std::size_t i = 0; i + 1 < utf8.size(); ++i) {
    if (utf8[i] == '\xC2' && static_cast<unsigned char>(utf8[i + 1]) < 0xA0) return true;
  }
  return false;
}

}  // namespace

std::string to_text(OrderId id) {
  char text[2 + std::numeric_limits<std::int64_t>::digits10 + 2];
  text[0] = kOrderPrefix[0];
  text[1] = kOrderPrefix[1];
  const char* const end = std::to_chars(text + 2, text + sizeof text, id.value).ptr;
  return {text, static_cast<std::size_t>(end - text)};
}

std::optional<OrderId> parse_order_id(std::string_view text) {
  if (!text.starts_with(kOrderPrefix)) return std::nullopt;
  const auto number =
      parse_uint(text.substr(kOrderPrefix.size()), std::numeric_limits<std::int64_t>::max());
  if (!number || *number == 0) return std::nullopt;  // zero means "no order"
  return OrderId{*number};
}

bool valid_catalog_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCatalogIdBytes && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), is_catalog_character);
}

bool valid_user(std::string_view user) {
  return !user.empty() && user.size() <= kMaxUserBytes && !has_control(user) && valid_utf8(user) &&
         !has_wide_control(user);
}

}  // namespace sluice
