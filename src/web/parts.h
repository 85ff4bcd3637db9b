// What several pages show alike: times, money, stock, pictures, marks of state.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "sale/catalog.h"
#include "web/html.h"
#include "web/visitor.h"
#include "web/words.h"

namespace sluice::web {

/// "¥99.00"; a currency without a sign of its own is named: "CHF 12.00".
std::string money_text(Money amount, Currency currency);
/// "2 min", "1 h 30 min"; below a minute "45 s".
std::string span_text(Span length, Language language);
/// "00:15", "1:02:03", "2 d 03:04:05"; what is over reads "00:00".
std::string clock_text(Span left, Language language);

/// A moment: where no script puts it into local time, UTC, or Beijing time on Chinese pages.
void write_time(Html& html, Instant at, Language language);

/// A label and a clock, which script keeps running.
void write_countdown(Html& html, Word label, Instant until, const Visitor& visitor);

/// Price, and what it was before.
void write_price(Html& html, const sale::Item& item, Language language);

/// Units left, held and sold as a level, and in words.
void write_level(Html& html, const sale::Counters& units, Language language);

/// The item's picture; without one, a drawing that its id decides.
void write_picture(Html& html, const sale::Item& item);

void write_phase(Html& html, sale::Phase phase, Language language);
Word word_of(sale::Phase phase);

/// "/items/…".
std::string item_path(std::string_view id);
/// "/orders/No…".
std::string order_path(OrderId id);

/// Hidden fields that prove where a form comes from.
void write_seal(Html& html, const Visitor& visitor);

}  // namespace sluice::web
