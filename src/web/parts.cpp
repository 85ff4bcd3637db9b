// Times, money and stock as people read them.
#include "web/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace sluice::web {

namespace {

constexpr Span kBeijing = Span::seconds(8L * 3600);
constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;

std::tm parts_of(Instant at) {
  const auto seconds = static_cast<std::time_t>(at.ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

std::string time_text(Instant at, Language language) {
  if (language == Language::zh) {
    const std::tm t = parts_of(at + kBeijing);
    return fmt::format("{}年{}月{}日 {:02}:{:02}（北京时间）", t.tm_year + 1900, t.tm_mon + 1,
                       t.tm_mday, t.tm_hour, t.tm_min);
  }
  static constexpr std::array<std::string_view, 12> kMonths{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm t = parts_of(at);
  return fmt::format("{} {} {}, {:02}:{:02} UTC", t.tm_mday,
                     kMonths[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour,
                     t.tm_min);
}

std::string_view sign_of(Currency currency) {
  const std::string_view code = currency.code();
  if (code == "CNY" || code == "JPY") return "¥";
  if (code == "USD") return "$";
  if (code == "EUR") return "€";
  if (code == "GBP") return "£";
  return {};
}

std::uint32_t fingerprint(std::string_view text) {  // FNV-1a, 32 bits
  std::uint32_t hash = 2166136261U;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  // Its low bits follow the last letters too closely for names that are alike.
  hash ^= hash >> 16U;
  hash *= 0x7feb352dU;
  hash ^= hash >> 15U;
  return hash;
}

/// Three waves and a disc, in one of six tones.
void write_drawing(Html& html, std::string_view id) {
  std::uint32_t seed = fingerprint(id);
  const auto next = [&seed](std::uint32_t below) {
    seed = seed * 1664525U + 1013904223U;
    return static_cast<int>((seed >> 8U) % below);
  };
  const std::string tone = fmt::format("picture drawing tone-{}", next(6));
  html.open("svg", {{"class", tone},
                    {"viewBox", "0 0 400 300"},
                    {"preserveAspectRatio", "xMidYMid slice"},
                    {"aria-hidden", "true"},
                    {"focusable", "false"}});
  html.leaf("rect", {{"class", "sky"}, {"width", "400"}, {"height", "300"}}, "");
  const std::string cx = fmt::format("{}", 90 + next(220));
  const std::string cy = fmt::format("{}", 70 + next(60));
  const std::string r = fmt::format("{}", 26 + next(34));
  html.leaf("circle", {{"class", "disc"}, {"cx", cx}, {"cy", cy}, {"r", r}}, "");
  for (int layer = 0; layer < 3; ++layer) {
    const int y = 140 + layer * 52 + next(14);
    const int swing = 18 + next(34);
    const int turn = 110 + next(90);
    const std::string path =
        fmt::format("M0 {0}C{1} {2} {1} {3} {4} {0}S{5} {2} 400 {6}V300H0Z", y, turn / 2, y - swing,
                    y + swing, turn, (turn + 400) / 2, y - swing / 2);
    const std::string name = fmt::format("wave wave-{}", layer);
    html.leaf("path", {{"class", name}, {"d", path}}, "");
  }
  html.close();
}

}  // namespace

std::string money_text(Money amount, Currency currency) {
  const std::string_view sign = sign_of(currency);
  if (!sign.empty()) return fmt::format("{}{}", sign, to_decimal(amount, currency));
  return fmt::format("{} {}", currency.code(), to_decimal(amount, currency));
}

std::string span_text(Span length, Language language) {
  const bool zh = language == Language::zh;
  const std::int64_t seconds = std::max<std::int64_t>(0, length.ms / 1000);
  const std::int64_t hours = seconds / kHour;
  const std::int64_t minutes = seconds % kHour / kMinute;
  if (seconds < kMinute) return fmt::format("{}{}", seconds, zh ? " 秒" : " s");
  if (hours == 0) return fmt::format("{}{}", minutes, zh ? " 分钟" : " min");
  std::string text = fmt::format("{}{}", hours, zh ? " 小时" : " h");
  if (minutes > 0) text += fmt::format(" {}{}", minutes, zh ? " 分钟" : " min");
  return text;
}

std::string clock_text(Span left, Language language) {
  // Rounded up, so that "00:00" means over.
  const std::int64_t seconds = std::max<std::int64_t>(0, (left.ms + 999) / 1000);
  const std::int64_t days = seconds / kDay;
  const std::int64_t h = seconds % kDay / kHour;
  const std::int64_t m = seconds % kHour / kMinute;
  const std::int64_t s = seconds % kMinute;
  if (days > 0) {
    return fmt::format("{}{}{:02}:{:02}:{:02}", days, language == Language::zh ? " 天 " : " d ", h,
                       m, s);
  }
  if (h > 0) return fmt::format("{}:{:02}:{:02}", h, m, s);
  return fmt::format("{:02}:{:02}", m, s);
}

void write_time(Html& html, Instant at, Language language) {
  html.leaf("time", {{"datetime", to_rfc3339(at)}}, time_text(at, language));
}

void write_countdown(Html& html, Word label, Instant until, const Visitor& visitor) {
  const std::string target = fmt::format("{}", until.ms);
  html.open("p", {{"class", "countdown"}});
  html.leaf("span", {{"class", "countdown-label"}}, say(label, visitor.language));
  html.text(" ");
  html.leaf("span", {{"class", "clock"}, {"role", "timer"}, {"data-until", target}},
            clock_text(until - visitor.now, visitor.language));
  html.close();
}

void write_price(Html& html, const sale::Item& item, Language language) {
  html.open("p", {{"class", "price"}});
  html.leaf("span", {{"class", "told"}}, say(Word::price, language)).text(" ");
  html.leaf("strong", {{"class", "price-now"}}, money_text(item.price, item.currency));
  if (item.list_price > item.price) {
    html.text(" ").leaf("span", {{"class", "told"}}, say(Word::list_price, language)).text(" ");
    html.leaf("s", {{"class", "price-before"}}, money_text(item.list_price, item.currency));
    const std::int64_t off =
        (item.list_price.minor - item.price.minor) * 100 / item.list_price.minor;
    if (off > 0) {
      html.text(" ").leaf("span", {{"class", "price-off"}}, say(Word::percent_off, language, off));
    }
  }
  html.close();
}

void write_level(Html& html, const sale::Counters& units, Language language) {
  constexpr std::int64_t kWidth = 1000;
  const std::int64_t stock = std::max<std::int64_t>(1, units.stock.units);
  const auto share = [stock](std::int64_t part) {
    return static_cast<std::int64_t>(static_cast<double>(part) / static_cast<double>(stock) *
                                     static_cast<double>(kWidth));
  };
  const std::int64_t left = share(units.available.units);
  const std::int64_t held = share(units.held.units);
  const std::string told =
      say(Word::stock_told, language, units.available.units, units.held.units, units.sold.units);
  html.open("svg", {{"class", "level"},
                    {"viewBox", "0 0 1000 10"},
                    {"preserveAspectRatio", "none"},
                    {"role", "img"},
                    {"aria-label", told}});
  const std::string left_width = fmt::format("{}", left);
  const std::string held_at = fmt::format("{}", left);
  const std::string held_width = fmt::format("{}", held);
  html.leaf("rect", {{"class", "level-bed"}, {"width", "1000"}, {"height", "10"}}, "");
  html.leaf("rect", {{"class", "level-left"}, {"width", left_width}, {"height", "10"}}, "");
  html.leaf("rect",
            {{"class", "level-held"}, {"x", held_at}, {"width", held_width}, {"height", "10"}}, "");
  html.close();
  html.open("p", {{"class", "stock"}, {"aria-hidden", "true"}});
  if (units.available.units == 0) {
    html.leaf("strong", {}, say(Word::sold_out_label, language));
  } else {
    html.leaf("strong", {}, say(Word::left_of, language, units.available.units, units.stock.units));
  }
  if (units.held.units > 0) {
    html.leaf("span", {{"class", "stock-held"}}, say(Word::held_note, language, units.held.units));
  }
  html.close();
}

void write_picture(Html& html, const sale::Item& item) {
  const Url image = Url::image(item.image_url);
  if (image.empty()) return write_drawing(html, item.id);
  html.single("img", {{"class", "picture"},
                      {"src", image},
                      {"alt", ""},
                      {"width", "400"},
                      {"height", "300"},
                      {"loading", "lazy"},
                      {"decoding", "async"},
                      {"referrerpolicy", "no-referrer"}});
}

Word word_of(sale::Phase phase) {
  switch (phase) {
    case sale::Phase::upcoming:
      return Word::phase_upcoming;
    case sale::Phase::open:
      return Word::phase_open;
    case sale::Phase::paused:
      return Word::phase_paused;
    case sale::Phase::ended:
      break;
  }
  return Word::phase_ended;
}

void write_phase(Html& html, sale::Phase phase, Language language) {
  const std::string name = fmt::format("chip chip-{}", to_text(phase));
  html.leaf("p", {{"class", name}}, say(word_of(phase), language));
}

std::string item_path(std::string_view id) {
  return fmt::format("/items/{}", id);
}

std::string order_path(OrderId id) {
  return fmt::format("/orders/{}", to_text(id));
}

void write_seal(Html& html, const Visitor& visitor) {
  html.single("input", {{"type", "hidden"}, {"name", "seal"}, {"value", visitor.seal}});
}

}  // namespace sluice::web
