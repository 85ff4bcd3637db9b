// The list of sales: what is open, what comes, what is over.
#include <fmt/format.h>

#include "api/catalog_json.h"
#include "api/lookup.h"
#include "web/frame.h"
#include "web/pages.h"
#include "web/parts.h"

namespace sluice::web {

namespace {

constexpr int kPollSeconds = 10;
constexpr int kRefreshSeconds = 15;

void write_card(Html& html, const engine::CatalogItem& item, const Visitor& visitor) {
  const sale::Counters units = item.live->read();
  const bool is_gone = units.available.units == 0;
  html.open("li", {{"class", is_gone ? "card card-gone" : "card"}});
  html.open("a", {{"class", "card-in"}, {"href", Url::local(item_path(item.item.id))}});
  write_picture(html, item.item);
  html.open("div", {{"class", "card-text"}});
  html.leaf("h3", {}, item.item.title);
  write_price(html, item.item, visitor.language);
  write_level(html, units, visitor.language);
  html.close().close().close();
}

void write_timing(Html& html, const sale::Sale& sale, sale::Phase phase, const Visitor& visitor) {
  const Language language = visitor.language;
  html.open("div", {{"class", "timing"}});
  const bool upcoming = phase == sale::Phase::upcoming;
  if (phase == sale::Phase::ended) {
    html.open("p", {{"class", "moment"}}).text(say(Word::closed_at, language)).text(" ");
    write_time(html, std::min(sale.ends_at, visitor.now), language);
    html.close().close();
    return;
  }
  write_countdown(html, upcoming ? Word::opens_in : Word::closes_in,
                  upcoming ? sale.starts_at : sale.ends_at, visitor);
  html.open("p", {{"class", "moment"}});
  html.text(say(upcoming ? Word::opens_at : Word::closes_at, language)).text(" ");
  write_time(html, upcoming ? sale.starts_at : sale.ends_at, language);
  html.close().close();
}

void write_sale(Html& html, const engine::CatalogSale& sale, const Visitor& visitor) {
  const sale::Phase phase = sale.sale.phase(visitor.now);
  const std::string heading = fmt::format("sale-{}", sale.sale.no.value);
  const std::string name = fmt::format("sale sale-{}", to_text(phase));
  html.open("section", {{"class", name}, {"aria-labelledby", heading}});
  html.open("header", {{"class", "sale-head"}}).open("div", {{"class", "sale-name"}});
  write_phase(html, phase, visitor.language);
  html.leaf("h2", {{"id", heading}}, sale.sale.title).close();
  write_timing(html, sale.sale, phase, visitor);
  html.close();
  html.open("ul", {{"class", "shelf"}, {"role", "list"}});
  for (const engine::CatalogItem* item : sale.items)
    write_card(html, *item, visitor);
  html.close().close();
}

}  // namespace

std::string sales_page(const Visitor& visitor, const api::SalesListing& listing, bool is_first) {
  const Language language = visitor.language;
  Head head;
  head.title = say(Word::sales_title, language);
  head.kind = "sales";
  head.poll_seconds = kPollSeconds;
  head.refresh_seconds = kRefreshSeconds;
  for (const engine::CatalogSale* sale : listing.sales) {
    head.state += to_text(sale->sale.phase(visitor.now));
    if (head.told.empty()) {
      head.told = fmt::format("{}: {}", sale->sale.title,
                              say(word_of(sale->sale.phase(visitor.now)), language));
    }
  }
  return page(visitor, head, [&](Html& html) {
    html.open("header", {{"class", "lead"}});
    html.leaf("h1", {}, say(Word::sales_title, language));
    html.leaf("p", {}, say(Word::sales_lead, language)).close();
    if (listing.sales.empty() && is_first) {
      html.open("section", {{"class", "empty"}});
      html.leaf("h2", {}, say(Word::no_sales, language));
      html.leaf("p", {}, say(Word::no_sales_hint, language)).close();
    }
    for (const engine::CatalogSale* sale : listing.sales)
      write_sale(html, *sale, visitor);
    if (listing.next) {
      html.open("p", {{"class", "more"}});
      html.leaf("a",
                {{"class", "button button-quiet"},
                 {"href", Url::local("/?page_token=" + api::page_token(*listing.next))}},
                say(Word::more_sales, language));
      html.close();
    }
  });
}

}  // namespace sluice::web
