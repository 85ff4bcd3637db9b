// The HTML of the payment page.
#include "sandbox/page.h"

#include <fmt/format.h>

#include <tuple>

#include "base/html.h"
#include "sandbox/page_text.h"

namespace sluice::sandbox {

namespace {

constexpr Span kChinaTime = Span::seconds(8 * 3600);

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#eef2f1;--card:#fff;--ink:#16211f;--soft:#5c6b68;--line:#dde5e3;
--accent:#0b6e5f;--on-accent:#fff;--good:#0b6e5f;--bad:#a3312a;--note:#fff4d6;--on-note:#6a4b00}
@media(prefers-color-scheme:dark){:root{--bg:#0e1413;--card:#182120;--ink:#e8efed;--soft:#9db0ac;
--line:#2a3735;--accent:#5fd0bb;--on-accent:#06231e;--good:#5fd0bb;--bad:#ff9a90;--note:#3a2f12;
--on-note:#ffe2a0}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--bg);
color:var(--ink);
font:1rem/1.5 system-ui,"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif}
main{width:100%;max-width:26rem;background:var(--card);border-radius:1.25rem;padding:1.5rem;
box-shadow:0 .5rem 2rem rgb(0 0 0/.08)}
header{display:flex;justify-content:space-between;align-items:center;gap:1rem}
h1{font-size:1.05rem;margin:0}
header a{color:var(--accent);padding:.5rem;margin:-.5rem}
.note{margin:1rem 0;padding:.5rem .75rem;border-radius:.6rem;background:var(--note);
color:var(--on-note);font-size:.875rem}
.sum{font-size:2.6rem;font-weight:700;line-height:1.1;margin:1.25rem 0 .25rem;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.state{font-weight:600;margin:0 0 1rem}
.good{color:var(--good)}.bad{color:var(--bad)}
dl{margin:0;border-top:1px solid var(--line)}
dl div{display:flex;justify-content:space-between;gap:1rem;padding:.6rem 0;
border-bottom:1px solid var(--line)}
dt{color:var(--soft);flex:none}dd{margin:0;text-align:right;overflow-wrap:anywhere;min-width:0}
.hint{color:var(--soft);font-size:.9rem;margin:1rem 0}
form{display:grid;gap:.75rem;margin-top:1rem}
button{font:inherit;font-weight:600;min-height:3rem;border-radius:.8rem;
border:1px solid var(--line);background:none;color:var(--ink);cursor:pointer}
button.pay{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
a:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
)";

struct Visitor {
  Language language = Language::en;
  const PageText& text() const { return page_text(language); }
};

Visitor visitor_of(const http::Request& request) {
  const auto lang = http::query_value(request.query, "lang");
  return {choose_language(lang.value_or(""), request.accept_language)};
}

http::Response page(const Visitor& visitor, int status, std::string_view title,
                    std::string_view content) {
  const PageText& text = visitor.text();
  const Language other = visitor.language == Language::zh ? Language::en : Language::zh;
  http::Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = fmt::format(
      R"(<!doctype html>
<html lang="{0}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{1}</title>
<style>{2}</style></head><body><main>
<header><h1>{1}</h1><a href="?lang={3}" lang="{3}" hreflang="{3}">{4}</a></header>
<p class="note">{5}</p>
{6}</main></body></html>
)",
      tag(visitor.language), escape_html(title), kStyle, tag(other),
      escape_html(text.other_language), escape_html(text.test_only), content);
  response.add("Content-Language", tag(visitor.language));
  response.add("Vary", "Accept-Language");
  response.add("Cache-Control", "no-store");
  response.add("Referrer-Policy", "no-referrer");
  response.add("X-Content-Type-Options", "nosniff");
  response.add("Content-Security-Policy",
               "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
               "frame-ancestors 'none'; base-uri 'none'");
  return response;
}

http::Response unknown_page(const Visitor& visitor) {
  const PageText& text = visitor.text();
  return page(visitor, 404, text.unknown_title,
              fmt::format("<p class=\"hint\">{}</p>\n", escape_html(text.unknown_hint)));
}

/// "2026-11-22 22:05:09 UTC+8".
std::string shown_time(Instant at) {
  std::string text = to_rfc3339(at + kChinaTime).substr(0, 19);
  text[10] = ' ';
  return text + " UTC+8";
}

std::string time_element(Instant at) {
  return fmt::format("<time datetime=\"{}\">{}</time>", to_rfc3339(at), shown_time(at));
}

struct State {
  std::string_view word;
  std::string_view hint;
  std::string_view look;
};

State state_of(const Trade& trade, const PageText& text, bool expired) {
  switch (trade.state) {
    case TradeState::paid:
      return {text.paid, text.paid_hint, "good"};
    case TradeState::refunded:
      return {text.refunded, text.refunded_hint, "good"};
    case TradeState::closed:
      return {text.closed, text.closed_hint, "bad"};
    case TradeState::failed:
      return {text.failed, text.failed_hint, "bad"};
    case TradeState::not_paid:
      break;
  }
  if (expired) return {text.expired, text.expired_hint, "bad"};
  return {text.waiting, text.waiting_hint, "open"};
}

std::string row(std::string_view term, std::string_view description_html) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(term), description_html);
}

std::string sum_of(Money amount, Currency currency) {
  const std::string decimal = to_decimal(amount, currency);
  return currency.code() == "CNY" ? "¥" + decimal : fmt::format("{} {}", currency.code(), decimal);
}

std::string content_of(const Trade& trade, const Account& account, const Visitor& visitor,
                       bool expired) {
  const PageText& text = visitor.text();
  const State state = state_of(trade, text, expired);
  const Money amount = trade.was_paid() ? trade.paid : trade.asked.total;
  std::string out = fmt::format(
      "<p class=\"sum\">{}</p>\n<p class=\"state {}\" role=\"status\">{}</p>\n<dl>\n",
      escape_html(sum_of(amount, trade.asked.currency)), state.look, escape_html(state.word));
  out += row(text.merchant, escape_html(account.mch_id));
  out += row(text.item, escape_html(trade.asked.description));
  out += row(text.order, escape_html(trade.asked.out_trade_no));
  if (trade.was_paid()) {
    out += row(text.paid_at, time_element(trade.paid_at));
    out += row(text.number, escape_html(trade.transaction_id));
  } else {
    out += row(text.expires, trade.asked.time_expire ? time_element(*trade.asked.time_expire)
                                                     : escape_html(text.no_expiry));
  }
  out += fmt::format("</dl>\n<p class=\"hint\">{}</p>\n", escape_html(state.hint));
  if (trade.state != TradeState::not_paid || expired) return out;
  out += fmt::format(
      R"(<form method="post" action="?lang={}">
<button class="pay" name="action" value="pay">{} {}</button>
<button name="action" value="decline">{}</button>
</form>
)",
      tag(visitor.language), escape_html(text.pay),
      escape_html(sum_of(amount, trade.asked.currency)), escape_html(text.decline));
  return out;
}

}  // namespace

http::Response Page::front(const http::Request& request) const {
  const Visitor visitor = visitor_of(request);
  const PageText& text = visitor.text();
  return page(visitor, 200, text.front_title,
              fmt::format("<p>{}</p>\n<p><a href=\"/_sandbox/orders\">{}</a></p>\n",
                          escape_html(text.front_hint), escape_html(text.front_orders)));
}

http::Response Page::show(const http::Request& request, std::string_view code) const {
  const Visitor visitor = visitor_of(request);
  const auto trade = emulator_.find_code(code);
  if (!trade) return unknown_page(visitor);
  const bool expired = trade->expired(emulator_.now());
  return page(visitor, 200, visitor.text().title, content_of(*trade, account_, visitor, expired));
}

http::Response Page::act(const http::Request& request, std::string_view code) const {
  const Visitor visitor = visitor_of(request);
  const auto trade = emulator_.find_code(code);
  if (!trade) return unknown_page(visitor);
  const auto action = http::query_value(request.body, "action");
  // A refusal needs no answer of its own: the page that follows shows what the order has become.
  if (action == "pay") {
    std::ignore = emulator_.pay(trade->asked.out_trade_no, std::nullopt, false);
  } else if (action == "decline") {
    std::ignore = emulator_.decline(trade->asked.out_trade_no);
  }
  http::Response response;
  response.status = 303;
  response.content_type = "";
  response.add("Location", fmt::format("/pay/{}?lang={}", trade->code, tag(visitor.language)));
  response.add("Cache-Control", "no-store");
  return response;
}

}  // namespace sluice::sandbox
