// Small things that many handlers need to read from a request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/context.h"
#include "api/language.h"

namespace sluice::api {

/// The item or sale that a captured path segment names; null where there is none.
const engine::CatalogItem* find_item(Context& context, std::string_view segment);
const engine::CatalogSale* find_sale(Context& context, std::string_view segment);

/// Whether Content-Type is absent or application/json.
bool is_json(const http::Request& request);

/// A page token carries a number; it is opaque to clients so that it may carry more one day.
std::string page_token(std::int64_t key);
std::optional<std::int64_t> parse_page_token(std::string_view token);

}  // namespace sluice::api
