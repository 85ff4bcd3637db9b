// What an operator may write into sales and items: the checks behind the invalid_… outcomes.
#pragma once

#include <string_view>

#include "sale/catalog.h"
#include "sale/commands.h"

namespace sluice::sale {

/// Not empty, at most kMaxTitleBytes of UTF-8 without control characters.
bool valid_title(std::string_view text);
/// Empty, http(s)://… or a path of this server: /…, but not //….
bool has_image_url_form(std::string_view text);
/// Of that form, and at most kMaxUrlBytes of UTF-8 without control characters.
bool valid_image_url(std::string_view text);
/// May be empty and may hold line feeds and tabs; at most kMaxDescriptionBytes.
bool valid_description(std::string_view text);
/// ends_at after starts_at, both within 1970 to 9999.
bool valid_window(Instant starts_at, Instant ends_at);
bool valid_hold(Span hold);
bool valid_prices(Money price, Money list_price);
bool valid_stock(Quantity stock);
bool valid_limit(Quantity per_user_limit);

// The same for the parts of a draft; an empty id will be assigned.
bool valid_id(const ItemDraft& draft);
bool valid_texts(const ItemDraft& draft);
bool valid_prices(const ItemDraft& draft);
bool valid_stock(const ItemDraft& draft);
bool valid_limit(const ItemDraft& draft);

}  // namespace sluice::sale
