// A shopper's orders: the list, one of them, and how it is paid.
#include <fmt/format.h>

#include "api/lookup.h"
#include "api/qr.h"
#include "web/frame.h"
#include "web/pages.h"
#include "web/parts.h"

namespace sluice::web {

namespace {

using sale::EndReason;
using sale::OrderStatus;

constexpr int kRefreshSeconds = 5;
constexpr int kPaymentRefreshSeconds = 3;

struct StatusWords {
  Word name;
  Word hint;
};

Word cancelled_hint(EndReason reason) {
  switch (reason) {
    case EndReason::sale_cancelled:
      return Word::status_sale_cancelled_hint;
    case EndReason::payment_failed:
      return Word::status_payment_failed_hint;
    case EndReason::operator_release:
      return Word::status_released_hint;
    default:
      return Word::status_cancelled_hint;
  }
}

StatusWords words_of(const sale::OrderView& order) {
  switch (order.status) {
    case OrderStatus::queued:
      return {Word::status_queued, Word::status_queued_hint};
    case OrderStatus::awaiting_payment:
      return {Word::status_awaiting, Word::status_awaiting_hint};
    case OrderStatus::closing:
      return {Word::status_closing, Word::status_closing_hint};
    case OrderStatus::needs_person:
      return {Word::status_needs_person, Word::status_needs_person_hint};
    case OrderStatus::paid:
      return {Word::status_paid, Word::status_paid_hint};
    case OrderStatus::refunding:
      return {Word::status_refunding, Word::status_refunding_hint};
    case OrderStatus::refunded:
      return {Word::status_refunded, Word::status_refunded_hint};
    case OrderStatus::expired:
      return {Word::status_expired, Word::status_expired_hint};
    case OrderStatus::cancelled:
      return {Word::status_cancelled, cancelled_hint(order.reason)};
    case OrderStatus::failed:
      break;
  }
  return {Word::status_failed, Word::status_failed_hint};
}

/// The colour of a status: what is good, what waits, what is over.
std::string_view tone_of(OrderStatus status) {
  if (status == OrderStatus::paid) return "good";
  return is_pending(status) ? "waiting" : "over";
}

void write_status(Html& html, const sale::OrderView& order, Language language) {
  const std::string name = fmt::format("chip chip-{}", tone_of(order.status));
  html.leaf("p", {{"class", name}}, say(words_of(order).name, language));
}

void write_fact(Html& html, Word name, std::string_view value, Language language) {
  html.open("div").leaf("dt", {}, say(name, language)).leaf("dd", {}, value).close();
}

void write_moment(Html& html, Word name, Instant at, Language language) {
  html.open("div").leaf("dt", {}, say(name, language)).open("dd");
  write_time(html, at, language);
  html.close().close();
}

void write_facts(Html& html, const sale::OrderView& order, Language language) {
  html.open("dl", {{"class", "facts"}});
  write_fact(html, Word::order_number, to_text(order.id), language);
  html.open("div").leaf("dt", {}, say(Word::order_item, language)).open("dd");
  html.leaf("a", {{"href", Url::local(item_path(order.item_id))}}, order.title).close().close();
  write_fact(html, Word::order_quantity, fmt::format("{}", order.quantity), language);
  write_fact(html, Word::order_amount, money_text(order.amount, order.currency), language);
  write_moment(html, Word::order_made, order.created_at, language);
  if (order.paid_at) write_moment(html, Word::order_paid_at, *order.paid_at, language);
  if (!order.transaction_id.empty()) {
    write_fact(html, Word::order_transaction, order.transaction_id, language);
  }
  html.close();
}

void write_cancel(Html& html, const sale::OrderView& order, const Visitor& visitor) {
  const Language language = visitor.language;
  html.open("details", {{"class", "cancel"}, {"id", "cancel"}});
  html.leaf("summary", {}, say(Word::cancel, language));
  html.open("form", {{"method", "post"}, {"action", Url::local(order_path(order.id) + "/cancel")}});
  write_seal(html, visitor);
  html.leaf("p", {}, say(Word::cancel_hint, language));
  html.leaf("button", {{"class", "button button-quiet"}}, say(Word::cancel_confirm, language));
  html.close().close();
}

void write_pay(Html& html, const sale::OrderView& order, Word word, const Visitor& visitor) {
  html.open("form",
            {{"method", "post"}, {"action", Url::local(order_path(order.id) + "/payment")}});
  write_seal(html, visitor);
  html.leaf("button", {{"class", "button button-main"}}, say(word, visitor.language)).close();
}

void write_actions(Html& html, const sale::OrderView& order, const Visitor& visitor) {
  const Language language = visitor.language;
  if (order.status != OrderStatus::awaiting_payment) return;
  write_countdown(html, Word::time_left, order.expires_at, visitor);
  if (visitor.payments) {
    write_pay(html, order, Word::pay, visitor);
  } else {
    html.leaf("p", {{"class", "aside"}}, say(Word::no_payment_here, language));
  }
  write_cancel(html, order, visitor);
}

Head head_of(const Visitor& visitor, const sale::OrderView& order, std::string title,
             int refresh_seconds) {
  Head head;
  head.title = std::move(title);
  head.kind = "order";
  head.state = to_text(order.status);
  head.told = fmt::format("{}. {}", say(words_of(order).name, visitor.language),
                          say(words_of(order).hint, visitor.language));
  if (is_pending(order.status)) {
    head.live = order_path(order.id);
    head.refresh_seconds = refresh_seconds;
  }
  return head;
}

/// Always dark on white, whatever the theme; nothing where the link is too long for a code.
void write_qr(Html& html, std::string_view link, std::string_view told) {
  const auto code = api::qr_outline(link);
  if (!code) return;
  const std::string side = fmt::format("{}", code->side);
  const std::string box = fmt::format("0 0 {0} {0}", side);
  html.open("svg", {{"class", "qr"},
                    {"viewBox", box},
                    {"role", "img"},
                    {"aria-label", told},
                    {"shape-rendering", "crispEdges"}});
  html.leaf("rect", {{"width", side}, {"height", side}, {"fill", "#fff"}}, "");
  html.leaf("path", {{"d", code->path}, {"fill", "#000"}}, "");
  html.close();
}

void write_back(Html& html, std::string_view words, const std::string& path) {
  html.open("p", {{"class", "back"}});
  html.leaf("a", {{"href", Url::local(path)}}, words).close();
}

}  // namespace

bool is_pending(OrderStatus status) {
  return sale::blocks_queueing(status) || status == OrderStatus::refunding;
}

std::string orders_page(const Visitor& visitor, const sale::Page<sale::OrderView>& orders) {
  const Language language = visitor.language;
  Head head;
  head.title = say(Word::my_orders, language);
  head.kind = "orders";
  return page(visitor, head, [&](Html& html) {
    html.leaf("h1", {}, say(Word::my_orders, language));
    if (orders.entries.empty()) {
      html.open("section", {{"class", "empty"}});
      html.leaf("h2", {}, say(Word::no_orders, language));
      html.leaf("p", {}, say(Word::no_orders_hint, language));
      html.leaf("a", {{"class", "button"}, {"href", Url::local("/")}},
                say(Word::back_to_sales, language));
      html.close();
      return;
    }
    html.open("ul", {{"class", "slips"}, {"role", "list"}});
    for (const sale::OrderView& order : orders.entries) {
      html.open("li").open("a", {{"class", "slip"}, {"href", Url::local(order_path(order.id))}});
      html.open("span", {{"class", "slip-text"}});
      html.leaf("strong", {}, order.title).leaf("span", {{"class", "number"}}, to_text(order.id));
      html.close();
      html.leaf("span", {{"class", "slip-amount"}}, money_text(order.amount, order.currency));
      write_status(html, order, language);
      html.close().close();
    }
    html.close();
    if (orders.next) {
      html.open("p", {{"class", "more"}});
      html.leaf("a",
                {{"class", "button button-quiet"},
                 {"href", Url::local("/orders?page_token=" + api::page_token(*orders.next))}},
                say(Word::older_orders, language));
      html.close();
    }
  });
}

std::string order_page(const Visitor& visitor, const sale::OrderView& order) {
  const Language language = visitor.language;
  const Head head =
      head_of(visitor, order, say(Word::order_title, language, to_text(order.id)), kRefreshSeconds);
  return page(visitor, head, [&](Html& html) {
    write_back(html, say(Word::back_to_orders, language), "/orders");
    const std::string name = fmt::format("ticket ticket-{}", tone_of(order.status));
    html.open("article", {{"class", name}});
    html.open("header", {{"class", "ticket-head"}});
    html.leaf("p", {{"class", "eyebrow"}}, order.title);
    html.leaf("h1", {}, say(words_of(order).name, language));
    html.leaf("p", {}, say(words_of(order).hint, language)).close();
    write_actions(html, order, visitor);
    write_facts(html, order, language);
    html.close();
  });
}

std::string payment_page(const Visitor& visitor, const sale::OrderView& order,
                         const PaymentCode& code) {
  const Language language = visitor.language;
  const Head head = head_of(visitor, order, std::string(say(Word::payment_title, language)),
                            kPaymentRefreshSeconds);
  return page(visitor, head, [&](Html& html) {
    write_back(html, say(Word::order_title, language, to_text(order.id)), order_path(order.id));
    html.open("article", {{"class", "ticket ticket-waiting pay"}});
    html.open("header", {{"class", "ticket-head"}});
    html.leaf("p", {{"class", "eyebrow"}}, order.title);
    html.leaf("h1", {}, say(Word::payment_title, language));
    html.leaf("p", {{"class", "amount"}}, money_text(order.amount, order.currency)).close();
    write_qr(html, code.code_url, say(Word::payment_qr_told, language, to_text(order.id)));
    html.leaf("p", {{"class", "pay-how"}}, say(Word::payment_scan, language));
    write_countdown(html, Word::time_left, code.expires_at, visitor);
    html.open("p", {{"class", "pay-ways"}});
    if (const Url app = Url::payment(code.code_url); !app.empty()) {
      html.leaf("a", {{"class", "button"}, {"href", app}, {"rel", "noreferrer"}},
                say(Word::payment_open_app, language));
      html.text(" ");
    }
    html.leaf("a", {{"class", "button button-quiet"}, {"href", Url::local(order_path(order.id))}},
              say(Word::payment_done, language));
    html.close();
    write_facts(html, order, language);
    write_cancel(html, order, visitor);
    html.close();
  });
}

std::string payment_trouble_page(const Visitor& visitor, const sale::OrderView& order,
                                 PaymentTrouble trouble) {
  const Language language = visitor.language;
  const bool refused = trouble == PaymentTrouble::refused;
  Head head;
  head.title = say(refused ? Word::payment_refused : Word::payment_unavailable, language);
  head.kind = "order";
  return page(visitor, head, [&](Html& html) {
    write_back(html, say(Word::order_title, language, to_text(order.id)), order_path(order.id));
    html.open("article", {{"class", "ticket ticket-over"}});
    html.open("header", {{"class", "ticket-head"}});
    html.leaf("p", {{"class", "eyebrow"}}, order.title);
    html.leaf("h1", {}, head.title);
    html.leaf("p", {},
              say(refused ? Word::payment_refused_hint : Word::payment_unavailable_hint, language));
    html.close();
    if (!refused) {
      write_pay(html, order, Word::try_again, visitor);
    }
    write_facts(html, order, language);
    write_cancel(html, order, visitor);
    html.close();
  });
}

}  // namespace sluice::web
