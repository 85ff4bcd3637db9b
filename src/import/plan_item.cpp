// The rules of one item: each field is checked by itself so that a row's report is complete.
#include <fmt/format.h>

#include "base/text.h"
#include "import/plan.h"
#include "import/plan_text.h"
#include "sale/catalog.h"
#include "sale/drafts.h"

namespace sluice::importing {

namespace {

/// A stable name for an item without one: FNV-1a over its title.
std::string id_from_title(std::string_view title) {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325ULL;
  for (const char c : title) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x0000'0100'0000'01b3ULL;
  }
  return fmt::format("item-{:016x}", hash);
}

}  // namespace

std::string Planner::item_id(const ListedItem& item, Reasons& reasons) const {
  const std::string_view id = said(item.id);
  if (!id.empty() && valid_catalog_id(id)) return std::string(id);
  reasons.add(id.empty() ? "no id"
                         : "the id is not 1 to 64 letters, digits, . _ and - (not starting with a "
                           "dot)");
  return {};
}

bool Planner::claim(const std::string& id, Line line, Reasons& reasons) {
  const auto [known, is_new] = line_by_item_.emplace(id, line);
  if (is_new && line_by_item_.size() > sale::kMaxItems) {
    reasons.add(fmt::format("more than {} items; split the file", sale::kMaxItems));
  } else if (!is_new) {
    reasons.add(
        fmt::format("duplicate id: it is there before, on {} {}", options_.place, known->second));
  }
  return reasons.empty();
}

void Planner::fill(ListedItem&& item, bool minor_units, sale::ItemDraft& draft, Reasons& reasons) {
  draft.title = one_line(said(item.title));
  if (draft.title.empty()) reasons.add("no title");
  reasons.add(check_text(draft.title, sale::kMaxTitleBytes, "title"));
  // In the API's shape the id is optional; a made-up one must be the same at the next import.
  draft.id =
      minor_units && said(item.id).empty() ? id_from_title(draft.title) : item_id(item, reasons);
  draft.image_url = said(item.image_url);
  reasons.add(check_text(draft.image_url, sale::kMaxUrlBytes, "image address"));
  if (has_control(draft.image_url)) reasons.add("the image address has control characters");
  if (!sale::has_image_url_form(draft.image_url)) {
    reasons.add("the image address does not start with https://, http:// or / (a path, not //)");
  }
  draft.description = one_line(said(item.description));
  reasons.add(check_text(draft.description, sale::kMaxDescriptionBytes, "description"));

  draft.currency = options_.currency;
  if (!said(item.currency).empty()) {
    const auto currency = Currency::parse(said(item.currency));
    if (currency) {
      draft.currency = *currency;
    } else {
      reasons.add(fmt::format("the currency {} is not an ISO 4217 code known here",
                              quote(said(item.currency))));
    }
  }
  fill_prices(item, minor_units, draft, reasons);

  const auto stock = parse_uint(said(item.stock), kMaxStock.units);
  if (!stock) {
    reasons.add(fmt::format("the stock {} is not a whole number from 0 to {}",
                            item.stock ? quote(*item.stock) : "NULL", kMaxStock.units));
  } else if (*stock == 0) {
    reasons.add("no stock");
  }
  draft.stock = Quantity{stock.value_or(0)};

  draft.per_user_limit = Quantity{options_.per_user_limit};
  if (!said(item.per_user_limit).empty()) {
    const auto limit = parse_uint(said(item.per_user_limit), kMaxStock.units);
    if (limit && *limit > 0) {
      draft.per_user_limit = Quantity{*limit};
    } else {
      reasons.add(fmt::format("the per-user limit {} is not a whole number from 1 to {}",
                              quote(said(item.per_user_limit)), kMaxStock.units));
    }
  }
}

void Planner::fill_prices(const ListedItem& item, bool minor_units, sale::ItemDraft& draft,
                          Reasons& reasons) const {
  const auto amount = [&](std::string_view text) -> Result<Money> {
    if (!minor_units) return parse_decimal(text, draft.currency);
    if (const auto minor = parse_uint(text, kMaxPrice.minor)) return Money{*minor};
    return fail(fmt::format("{} is not a whole number of minor units up to {}", quote(text),
                            kMaxPrice.minor));
  };
  if (said(item.price).empty()) {
    reasons.add("bad price: there is none");
    return;
  }
  const auto price = amount(said(item.price));
  if (!price) {
    reasons.add("bad price: " + price.error().message);
    return;
  }
  if (price->minor < 1) reasons.add("bad price: it is zero");
  draft.price = *price;
  draft.list_price = *price;
  if (said(item.list_price).empty()) return;
  const auto list_price = amount(said(item.list_price));
  if (list_price) {
    draft.list_price = *list_price;
  } else {
    reasons.add("bad list price: " + list_price.error().message);
  }
}

}  // namespace sluice::importing
