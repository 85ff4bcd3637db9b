// Writing the page, and telling whether a kept one is still true.
#include "api/sales_page.h"

#include <algorithm>
#include <limits>

#include "api/catalog_json.h"
#include "api/lookup.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

/// One answer holds at most this many sales and (but for a single larger sale) items.
constexpr std::size_t kMaxListedSales = 100;
constexpr std::size_t kMaxListedItems = 1000;

std::vector<const engine::CatalogSale*> in_order(const engine::Catalog& catalog, Instant now) {
  std::vector<const engine::CatalogSale*> sales;
  sales.reserve(catalog.sales.size());
  for (const auto& sale : catalog.sales)
    sales.push_back(sale.get());
  std::ranges::sort(sales, [now](const auto* a, const auto* b) {
    const bool a_over = a->sale.phase(now) == sale::Phase::ended;
    const bool b_over = b->sale.phase(now) == sale::Phase::ended;
    if (a_over != b_over) return b_over;
    const Instant a_key = a_over ? b->sale.ends_at : a->sale.starts_at;
    const Instant b_key = a_over ? a->sale.ends_at : b->sale.starts_at;
    return a_key != b_key ? a_key < b_key : a->sale.no < b->sale.no;
  });
  return sales;
}

/// When a sale begins or ends next.
Instant next_boundary(const engine::Catalog& catalog, Instant now) {
  Instant next{std::numeric_limits<std::int64_t>::max()};
  for (const auto& entry : catalog.sales) {
    for (const Instant at : {entry->sale.starts_at, entry->sale.ends_at}) {
      if (at > now) next = std::min(next, at);
    }
  }
  return next;
}

}  // namespace

SalesListing list_sales_from(const engine::Catalog& catalog, std::size_t first, Instant now) {
  const auto sales = in_order(catalog, now);
  SalesListing listing;
  std::size_t at = std::min(first, sales.size());
  std::size_t items = 0;
  const std::size_t end = std::min(at + kMaxListedSales, sales.size());
  for (; at < end; ++at) {
    if (items > 0 && items + sales[at]->items.size() > kMaxListedItems) break;
    items += sales[at]->items.size();
    listing.sales.push_back(sales[at]);
  }
  if (at < sales.size()) listing.next = static_cast<std::int64_t>(at);
  return listing;
}

std::string sales_members(const SalesListing& listing, Instant now) {
  std::string members;
  http::JsonWriter json(members);
  json.key("sales").begin_array();
  for (const engine::CatalogSale* sale : listing.sales)
    write_shopper_sale(json, *sale, now);
  json.end_array();
  if (listing.next) json.member("next_page_token", page_token(*listing.next));
  return members;
}

std::uint32_t SalesPage::revisions() const {
  // None of them ever goes back, so the sum is the same only while each is.
  std::uint32_t sum = 0;
  for (const engine::CatalogSale* sale : listing_.sales) {
    for (const engine::CatalogItem* item : sale->items)
      sum += item->live->revision();
  }
  return sum;
}

std::string_view SalesPage::members(const engine::Catalog& catalog, Instant now) {
  const bool is_true = catalog_version_ == catalog.version && now >= from_ && now < until_ &&
                       revisions() == revisions_;
  if (is_true) return members_;
  listing_ = list_sales_from(catalog, 0, now);
  // Read before the counters: what changes while the page is written shows at the next call.
  revisions_ = revisions();
  members_ = sales_members(listing_, now);
  catalog_version_ = catalog.version;
  from_ = now;
  until_ = next_boundary(catalog, now);
  return members_;
}

}  // namespace sluice::api
