// Path segments, content types and page tokens.
#include "api/lookup.h"

#include <array>
#include <limits>

#include "base/text.h"
#include "http/ascii.h"

namespace sluice::api {

namespace {

/// Ids need no percent-encoding, but a client may encode all the same.
template <class Find>
auto find_decoded(std::string_view segment, Find find) -> decltype(find(segment)) {
  if (!segment.contains('%')) return find(segment);
  const auto decoded = http::decode_segment(segment);
  return decoded ? find(*decoded) : nullptr;
}

}  // namespace

const engine::CatalogItem* find_item(Context& context, std::string_view segment) {
  return find_decoded(segment,
                      [&](std::string_view id) { return context.catalog.get().find_item(id); });
}

const engine::CatalogSale* find_sale(Context& context, std::string_view segment) {
  return find_decoded(segment,
                      [&](std::string_view id) { return context.catalog.get().find_sale(id); });
}

bool is_json(const http::Request& request) {
  std::string_view type = request.content_type;
  if (type.empty()) return true;
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
    type.remove_suffix(1);
  return http::equal_ignoring_case(type, "application/json");
}

std::string page_token(std::int64_t key) {
  return to_base64url(std::to_string(key));
}

std::optional<std::int64_t> parse_page_token(std::string_view token) {
  std::array<char, 20> digits;
  const auto length = from_base64url(token, digits.data(), digits.size());
  if (!length) return std::nullopt;
  return parse_uint({digits.data(), *length}, std::numeric_limits<std::int64_t>::max());
}

}  // namespace sluice::api
