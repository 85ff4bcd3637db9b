// What everyone may look at: the sales, an item, the files that pages are made with.
#include <algorithm>

#include "api/catalog_json.h"
#include "api/lookup.h"
#include "base/text.h"
#include "web/assets.h"
#include "web/parts.h"
#include "web/visit.h"

namespace sluice::web {

namespace {

constexpr std::size_t kTagBytes = 12;

/// What a page depends on besides what it shows. Not the time: the clocks in a page run by
/// themselves, which is why the tags are weak.
std::string tag_basis(const Visitor& visitor) {
  std::string basis{static_cast<char>(visitor.language), static_cast<char>(visitor.theme),
                    visitor.session_is_over ? '1' : '0'};
  return basis.append(visitor.seal).append(1, '\n').append(visitor.path).append(1, '\n');
}

void append_number(std::string& basis, std::uint64_t number) {
  basis.append(std::to_string(number)).append(1, ' ');
}

void append_item(std::string& basis, const engine::CatalogItem& item, Instant now) {
  append_number(basis, item.item.no.value);
  append_number(basis, item.live->revision());
  append_number(basis, static_cast<std::uint64_t>(api::phase_of(item, now)));
}

std::string tag_of(const Desk& desk, std::string_view basis) {
  const http::Sha256Digest digest = desk.shared.tags(basis);
  const std::string text = to_base64url({reinterpret_cast<const char*>(digest.data()), kTagBytes});
  return "W/\"" + text + "\"";
}

/// A page of the public part: kept by caches where nobody is signed in, and answered with 304 where
/// the client has it.
template <class Make>
void send_kept(Visit&& visit, const Request& request, const std::string& tag, Make make) {
  const Keep keep = visit.visitor.signed_in() ? Keep::own : Keep::anyone;
  if (request.field("if-none-match").value_or("").contains(tag)) {
    return send_page(std::move(visit), {}, 304, keep, tag);
  }
  std::string html = make(visit.visitor);
  send_page(std::move(visit), std::move(html), 200, keep, tag);
}

}  // namespace

void show_sales(Desk& desk, const Request& request, const Captures&, Visit&& visit) {
  const auto token = http::query_value(request.query, "page_token");
  const auto first = token ? api::parse_page_token(*token) : 0;
  if (!first) return send_trouble(std::move(visit), Trouble::not_found);
  const engine::Catalog& catalog = desk.api.catalog.get();
  const Instant now = visit.visitor.now;
  const auto listing = api::list_sales_from(catalog, static_cast<std::size_t>(*first), now);
  std::string basis = tag_basis(visit.visitor);
  append_number(basis, catalog.version);
  for (const engine::CatalogSale* sale : listing.sales) {
    append_number(basis, static_cast<std::uint64_t>(sale->sale.phase(now)));
    for (const engine::CatalogItem* item : sale->items)
      append_item(basis, *item, now);
  }
  send_kept(std::move(visit), request, tag_of(desk, basis),
            [&](const Visitor& visitor) { return sales_page(visitor, listing, *first == 0); });
}

void show_item(Desk& desk, const Request& request, const Captures& captures, Visit&& visit) {
  const engine::CatalogItem* item = api::find_item(desk.api, captures[0]);
  if (item == nullptr) return send_trouble(std::move(visit), Trouble::not_found);
  std::string basis = tag_basis(visit.visitor);
  append_number(basis, desk.api.catalog.get().version);
  append_item(basis, *item, visit.visitor.now);
  send_kept(std::move(visit), request, tag_of(desk, basis),
            [&](const Visitor& visitor) { return item_page(visitor, *item); });
}

void send_asset(Desk&, const Request& request, const Captures&, Visit&& visit) {
  const auto all = assets();
  const auto asset = std::ranges::find(all, request.path, &Asset::path);
  if (asset == all.end()) return send_trouble(std::move(visit), Trouble::not_found);
  http::Response response;
  response.content_type = asset->content_type;
  switch (negotiate_coding(request.field("accept-encoding").value_or(""))) {
    case Coding::brotli:
      response.body = asset->brotli;
      response.add("Content-Encoding", "br");
      break;
    case Coding::gzip:
      response.body = asset->gzip;
      response.add("Content-Encoding", "gzip");
      break;
    case Coding::identity:
      response.body = asset->identity;
      break;
  }
  response.add("Vary", "Accept-Encoding");
  response.add("Cache-Control", "public, max-age=31536000, immutable");
  visit.exchange.send(std::move(response));
}

}  // namespace sluice::web
