// The checks of texts, windows and numbers that operators give.
#include "sale/drafts.h"

#include <algorithm>

#include "base/text.h"

namespace sluice::sale {

bool valid_title(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTitleBytes && !has_control(text) && valid_utf8(text);
}

bool has_image_url_form(std::string_view text) {
  // Browsers take "//host/x" and "/\\host/x" for addresses of another host.
  const bool is_path = text.starts_with("/") && !text.starts_with("//") && !text.starts_with("/\\");
  return text.empty() || text.starts_with("http://") || text.starts_with("https://") || is_path;
}

bool valid_image_url(std::string_view text) {
  return has_image_url_form(text) && text.size() <= kMaxUrlBytes && !has_control(text) &&
         valid_utf8(text);
}

bool valid_description(std::string_view text) {
  const bool has_forbidden = std::any_of(text.begin(), text.end(), [](char c) {
    return c != '\n' && c != '\t' && has_control({&c, 1});
  });
  return text.size() <= kMaxDescriptionBytes && !has_forbidden && valid_utf8(text);
}

bool valid_window(Instant starts_at, Instant ends_at) {
  return starts_at >= Instant{} && starts_at < ends_at && ends_at <= kLastInstant;
}

bool valid_hold(Span hold) {
  return hold >= kMinHold && hold <= kMaxHold;
}

bool valid_prices(Money price, Money list_price) {
  return price >= Money{1} && price <= kMaxPrice && list_price >= Money{} &&
         list_price <= kMaxPrice;
}

bool valid_stock(Quantity stock) {
  return stock >= Quantity{} && stock <= kMaxStock;
}

bool valid_limit(Quantity limit) {
  return limit >= Quantity{1} && limit <= kMaxStock;
}

bool valid_id(const ItemDraft& draft) {
  return draft.id.empty() || valid_catalog_id(draft.id);
}

bool valid_texts(const ItemDraft& draft) {
  return valid_title(draft.title) && valid_image_url(draft.image_url) &&
         valid_description(draft.description);
}

bool valid_prices(const ItemDraft& draft) {
  return valid_prices(draft.price, draft.list_price);
}
bool valid_stock(const ItemDraft& draft) {
  return valid_stock(draft.stock);
}
bool valid_limit(const ItemDraft& draft) {
  return valid_limit(draft.per_user_limit);
}

}  // namespace sluice::sale
