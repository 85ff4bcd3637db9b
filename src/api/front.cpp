// GET /: the sales as plain HTML, until there are pages.
#include <fmt/core.h>

#include <ranges>
#include <string>

#include "api/catalog_json.h"
#include "api/routes.h"
#include "base/html.h"

namespace sluice::api {

namespace {

constexpr std::size_t kMaxShownSales = 50;
constexpr std::size_t kMaxShownItems = 200;

struct Captions {
  std::string_view title, none, item, price, left, from, until, phase, rest;
};
constexpr Captions kEnglish{
    "Sales", "Nothing is on sale yet.", "Item", "Price", "Left", "from", "until",
    "state", "More: GET /api/v1/sales"};
constexpr Captions kChinese{"活动", "暂无活动。", "商品",
                            "价格", "剩余",       "开始",
                            "结束", "状态",       "更多：GET /api/v1/sales"};

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc}td.n{text-align:right}pre{background:#f4f4f4;padding:1rem;"
    "overflow:auto}";

void append_sale(std::string& html, const engine::CatalogSale& sale, const Captions& words,
                 Instant now, std::size_t& items_left) {
  html += fmt::format("<h2>{}</h2><p>{} {} {} {} — {}: <strong>{}</strong></p>",
                      escape_html(sale.sale.title), words.from, to_rfc3339(sale.sale.starts_at),
                      words.until, to_rfc3339(sale.sale.ends_at), words.phase,
                      to_text(sale.sale.phase(now)));
  html += fmt::format("<table><tr><th>{}</th><th>{}</th><th>{}</th></tr>", words.item, words.price,
                      words.left);
  for (const engine::CatalogItem* item : sale.items) {
    if (items_left == 0) break;
    --items_left;
    const sale::Counters counters = item->live->read();
    html += fmt::format(
        "<tr><td>{} <code>{}</code></td><td class=n>{} {}</td><td class=n>{} / {}</td></tr>",
        escape_html(item->item.title), escape_html(item->item.id),
        to_decimal(item->item.price, item->item.currency), item->item.currency.code(),
        counters.available.units, counters.stock.units);
  }
  html += "</table>";
}

constexpr std::string_view kDemoHints =
    "<h2>curl</h2><pre>HERE=http://127.0.0.1:8080   # this page's address\n"
    "TOKEN=$(curl -s -X POST $HERE/api/v1/demo/token | sed 's/.*\"token\":\"\\([^\"]*\\).*/\\1/')\n"
    "curl $HERE/api/v1/sales\n"
    "curl -X POST -H \"Authorization: Bearer $TOKEN\" $HERE/api/v1/items/ITEM/orders\n"
    "curl -H \"Authorization: Bearer $TOKEN\" $HERE/api/v1/orders\n"
    "curl -X POST -d '{\"method\":\"wechat\"}' -H \"Authorization: Bearer $TOKEN\" \\\n"
    "  $HERE/api/v1/orders/ORDER/payment   # open its code_url to pay</pre>";

}  // namespace

void front_page(Context& context, const Request&, const Captures&, Exchange&& exchange) {
  const Captions& words = exchange.language() == Language::zh ? kChinese : kEnglish;
  const Instant now = context.engine.now();
  std::string html = fmt::format(
      "<!doctype html><html lang=\"{}\"><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width\"><title>Sluice</title>"
      "<style>{}</style><h1>Sluice: {}</h1>",
      tag(exchange.language()), kStyle, words.title);
  const engine::Catalog& catalog = context.catalog.get();
  std::size_t shown = 0;
  std::size_t items_left = kMaxShownItems;
  for (const auto& sale : std::views::reverse(catalog.sales)) {
    if (sale->sale.phase(now) == sale::Phase::ended) continue;
    if (++shown > kMaxShownSales || items_left == 0) {
      html += fmt::format("<p>{}</p>", words.rest);
      break;
    }
    append_sale(html, *sale, words, now, items_left);
  }
  if (shown == 0) html += fmt::format("<p>{}</p>", words.none);
  if (context.shared->options.demo) html += kDemoHints;
  http::Response response;
  response.content_type = "text/html; charset=utf-8";
  response.body = std::move(html);
  response.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  response.add("X-Content-Type-Options", "nosniff").add("Referrer-Policy", "no-referrer");
  response.add("Cache-Control", "no-cache").add("Content-Language", tag(exchange.language()));
  exchange.send(std::move(response));
}

}  // namespace sluice::api
