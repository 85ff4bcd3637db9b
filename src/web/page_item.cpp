// One item, and how a grab for it ended.
#include <fmt/format.h>

#include <algorithm>

#include "api/catalog_json.h"
#include "web/frame.h"
#include "web/pages.h"
#include "web/parts.h"
#include "web/session.h"

namespace sluice::web {

namespace {

constexpr std::int64_t kMostChoices = 10;  ///< quantities offered; the limit may be higher
constexpr int kPollSeconds = 3;
constexpr int kPollEmptySeconds = 15;  ///< nothing is held, so nothing can come back soon
constexpr int kRefreshSeconds = 10;

struct EndWords {
  Word title;
  Word hint;
};

EndWords words_of(GrabEnd end) {
  switch (end) {
    case GrabEnd::not_started:
      return {Word::end_not_started, Word::end_not_started_hint};
    case GrabEnd::ended:
      return {Word::end_ended, Word::end_ended_hint};
    case GrabEnd::paused:
      return {Word::end_paused, Word::end_paused_hint};
    case GrabEnd::already_queued:
      return {Word::end_already_queued, Word::end_already_queued_hint};
    case GrabEnd::limit_reached:
      return {Word::end_limit, Word::end_limit_hint};
    case GrabEnd::sold_out:
      return {Word::end_sold_out, Word::end_sold_out_gone};
    case GrabEnd::invalid_quantity:
      return {Word::end_quantity, Word::end_quantity_hint};
    case GrabEnd::too_often:
      return {Word::end_too_often, Word::end_too_often_hint};
    case GrabEnd::busy:
      return {Word::end_busy, Word::end_busy_hint};
    case GrabEnd::storage:
      break;
  }
  return {Word::end_storage, Word::end_storage_hint};
}

void write_verdict(Html& html, const GrabVerdict& verdict, const sale::Counters& units,
                   Language language) {
  const EndWords words = words_of(verdict.end);
  html.open("section",
            {{"class", "verdict"}, {"id", "verdict"}, {"aria-labelledby", "verdict-title"}});
  html.leaf("h2", {{"id", "verdict-title"}}, say(words.title, language));
  html.open("p");
  if (verdict.end == GrabEnd::sold_out && units.held.units > 0) {
    html.text(say(Word::end_sold_out_held, language, units.held.units));
  } else {
    html.text(say(words.hint, language));
  }
  html.close();
  if (verdict.order) {
    html.leaf("a", {{"class", "button"}, {"href", Url::local(order_path(*verdict.order))}},
              say(Word::to_that_order, language));
  } else if (verdict.end == GrabEnd::storage || verdict.end == GrabEnd::limit_reached) {
    html.leaf("a", {{"class", "button"}, {"href", Url::local("/orders")}},
              say(Word::my_orders, language));
  }
  html.close();
}

void write_quantity(Html& html, const sale::Item& item, Language language) {
  const std::int64_t most = std::min(item.per_user_limit.units, kMostChoices);
  if (most < 2) return;
  html.open("p", {{"class", "field field-row"}});
  html.leaf("label", {{"for", "quantity"}}, say(Word::quantity, language));
  html.open("select", {{"id", "quantity"}, {"name", "quantity"}});
  for (std::int64_t n = 1; n <= most; ++n) {
    const std::string text = fmt::format("{}", n);
    html.leaf("option", {{"value", text}}, text);
  }
  html.close().close();
}

void write_form(Html& html, const engine::CatalogItem& item, sale::Phase phase, bool is_gone,
                const Visitor& visitor) {
  const Language language = visitor.language;
  if (phase == sale::Phase::ended) return;
  if (!visitor.signed_in()) {
    html.leaf("a",
              {{"class", "button button-main"},
               {"href", Url::local(sign_in_path(item_path(item.item.id)))}},
              say(Word::sign_in_to_grab, language));
    return;
  }
  const std::string opens = phase == sale::Phase::upcoming
                                ? fmt::format("{}", item.sale->sale.starts_at.ms)
                                : std::string();
  const bool can_grab = phase == sale::Phase::open && !is_gone;
  const Word label = can_grab                                ? Word::grab
                     : phase == sale::Phase::upcoming        ? Word::grab_soon
                     : is_gone && phase == sale::Phase::open ? Word::sold_out_label
                                                             : Word::grab_unavailable;
  html.open("form", {{"class", "grab"},
                     {"method", "post"},
                     {"action", Url::local(item_path(item.item.id) + "/grab")},
                     {"data-grab", true}});
  write_seal(html, visitor);
  write_quantity(html, item.item, language);
  html.leaf("button",
            {{"class", "button button-main"},
             {"id", "grab"},
             {"disabled", !can_grab},
             {"data-opens", opens},
             {"data-label", say(Word::grab, language)},
             {"data-busy", say(Word::grabbing, language)}},
            say(label, language));
  html.close();
}

void write_timing(Html& html, const sale::Sale& sale, sale::Phase phase, const Visitor& visitor) {
  const Language language = visitor.language;
  const bool upcoming = phase == sale::Phase::upcoming;
  html.open("div", {{"class", upcoming ? "timing timing-main" : "timing"}});
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
  html.close();
  if (upcoming) html.leaf("p", {{"class", "moment"}}, say(Word::countdown_note, language));
  html.close();
}

void write_terms(Html& html, const engine::CatalogItem& item, Language language) {
  const std::int64_t limit = item.item.per_user_limit.units;
  html.open("ul", {{"class", "terms"}, {"role", "list"}});
  html.leaf("li", {},
            limit == 1 ? std::string(say(Word::limit_one, language))
                       : say(Word::limit_many, language, limit));
  html.leaf("li", {}, say(Word::hold_note, language, span_text(item.sale->sale.hold, language)));
  html.close();
}

Head head_of(const Visitor& visitor, const engine::CatalogItem& item, sale::Phase phase,
             const sale::Counters& units) {
  const bool is_gone = units.available.units == 0;
  Head head;
  head.title = item.item.title;
  head.kind = "item";
  head.state = is_gone && phase == sale::Phase::open ? "sold_out" : to_text(phase);
  head.told =
      say(head.state == "sold_out" ? Word::sold_out_label : word_of(phase), visitor.language);
  head.came_back = say(Word::came_back, visitor.language);
  if (phase == sale::Phase::ended) return head;
  // Before the start the script's own clock opens the button: nobody needs to ask.
  if (phase != sale::Phase::upcoming) {
    head.poll_seconds = is_gone && units.held.units == 0 ? kPollEmptySeconds : kPollSeconds;
  }
  head.refresh_seconds = kRefreshSeconds;
  if (phase == sale::Phase::upcoming) {
    const std::int64_t wait = (item.sale->sale.starts_at - visitor.now).ms / 1000 + 1;
    head.refresh_seconds = static_cast<int>(std::clamp<std::int64_t>(wait, 1, kRefreshSeconds));
  }
  return head;
}

}  // namespace

int status_of(GrabEnd end) {
  switch (end) {
    case GrabEnd::not_started:
      return 425;
    case GrabEnd::ended:
      return 410;
    case GrabEnd::paused:
      return 423;
    case GrabEnd::already_queued:
    case GrabEnd::limit_reached:
    case GrabEnd::sold_out:
      return 409;
    case GrabEnd::invalid_quantity:
      return 400;
    case GrabEnd::too_often:
      return 429;
    case GrabEnd::busy:
    case GrabEnd::storage:
      break;
  }
  return 503;
}

std::string item_page(const Visitor& visitor, const engine::CatalogItem& item,
                      const std::optional<GrabVerdict>& verdict) {
  const Language language = visitor.language;
  const sale::Phase phase = api::phase_of(item, visitor.now);
  const sale::Counters units = item.live->read();
  Head head = head_of(visitor, item, phase, units);
  const bool is_gone = units.available.units == 0 && phase == sale::Phase::open;
  const bool may_come_back = is_gone && units.held.units > 0;
  // What was answered must stay to be read: only script, which knows when it is old, replaces it,
  // except where waiting is what the answer asks for.
  const bool waits = may_come_back && (!verdict || verdict->end == GrabEnd::sold_out);
  if (verdict && !waits) head.refresh_seconds = 0;
  return page(visitor, head, [&](Html& html) {
    html.open("p", {{"class", "back"}});
    html.leaf("a", {{"href", Url::local("/")}}, say(Word::back_to_sales, language)).close();
    if (verdict) write_verdict(html, *verdict, units, language);
    html.open("article", {{"class", "product"}});
    write_picture(html, item.item);
    html.open("div", {{"class", "product-text"}});
    html.open("header", {{"class", "product-head"}});
    write_phase(html, phase, language);
    html.leaf("h1", {}, item.item.title);
    html.leaf("p", {{"class", "of-sale"}}, item.sale->sale.title).close();
    write_price(html, item.item, language);
    write_timing(html, item.sale->sale, phase, visitor);
    write_level(html, units, language);
    write_form(html, item, phase, units.available.units == 0, visitor);
    if (may_come_back && !verdict) {
      html.leaf("p", {{"class", "aside"}}, say(Word::may_come_back, language));
    }
    write_terms(html, item, language);
    if (!item.item.description.empty()) {
      html.open("section", {{"class", "about"}, {"aria-labelledby", "about"}});
      html.leaf("h2", {{"id", "about"}}, say(Word::description, language));
      html.leaf("p", {}, item.item.description).close();
    }
    html.close().close();
  });
}

}  // namespace sluice::web
