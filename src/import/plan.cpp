// From rows to sales: columns, windows, grouping, and what is told of the rest.
// complete.
#include "import/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "import/plan_text.h"
#include "sale/catalog.h"

namespace sluice::importing {

namespace {

/// Longest notice that is remembered to be said only once.
constexpr std::size_t kMaxNoted = 1000;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

/// "20171012T102418Z", with milliseconds only where there are any.
std::string compact(Instant at) {
  std::string text = to_rfc3339(at);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  if (text.ends_with(".000Z")) text.replace(text.size() - 5, 5, "Z");
  return text;
}

std::string subject_of(const ListedItem& item) {
  std::string text = item.id ? fmt::format("id {}", quote(trim(*item.id))) : "no id";
  if (item.title) text += fmt::format(" {}", quote(trim(*item.title)));
  return text;
}

}  // namespace

Result<Instant> parse_start(std::string_view text, Instant now, Span utc_offset) {
  if (text == "now") return Instant{now.ms - now.ms % 1000};
  if (auto absolute = parse_rfc3339(text)) return *absolute;
  if (auto local = parse_local(text, utc_offset)) return *local;
  return fail(
      fmt::format("the start {} is not a time; write now, 2026-11-22T10:00:00Z, or "
                  "\"2026-11-22 10:00:00\" as local time",
                  quote(text)));
}

Result<Span> parse_utc_offset(std::string_view text) {
  if (text == "Z" || text == "z") return Span{};
  const bool has_form = text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
  const auto digits = [&](std::size_t at) -> int {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!has_form || !is_digit(text[at]) || !is_digit(text[at + 1])) return -1;
    return (text[at] - '0') * 10 + (text[at + 1] - '0');
  };
  const int hours = digits(1);
  const int minutes = digits(4);
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59) {
    return fail(fmt::format("the UTC offset {} is not known; write it like +08:00, up to 14 hours",
                            quote(text)));
  }
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  return Span::seconds(text[0] == '-' ? -seconds : seconds);
}

void Planner::Reasons::add(const std::string& reason) {
  if (reason.empty()) return;
  if (!text.empty()) text += "; ";
  text += reason;
}

Planner::Planner(PlanOptions options) : options_(std::move(options)) {}

// ---- columns -----------------------------------------------------------------------------------

std::optional<Planner::Field> Planner::field_of(std::string_view column, bool has_cost_price) {
  struct Name {
    std::string_view column;
    Field field;
  };
  // The names of the operator API, then those of tb_seckill_goods.
  static constexpr std::array<Name, 26> names = {{
      {"id", Field::id},
      {"title", Field::title},
      {"image_url", Field::image_url},
      {"description", Field::description},
      {"list_price", Field::list_price},
      {"currency", Field::currency},
      {"stock", Field::stock},
      {"per_user_limit", Field::per_user_limit},
      {"status", Field::status},
      {"starts_at", Field::starts_at},
      {"ends_at", Field::ends_at},
      {"price", Field::price},
      {"name", Field::title},
      {"small_pic", Field::image_url},
      {"introduction", Field::description},
      {"cost_price", Field::price},
      {"stock_count", Field::stock},
      {"start_time", Field::starts_at},
      {"end_time", Field::ends_at},
      {"goods_id", Field::unused},
      {"item_id", Field::unused},
      {"seller_id", Field::unused},
      {"create_time", Field::unused},
      {"check_time", Field::unused},
      {"num", Field::unused},
      {"sale_id", Field::unused},
  }};
  // Beside the flash price (cost_price) a column "price" is the price before the sale.
  if (column == "price" && has_cost_price) return Field::list_price;
  const auto* const found = std::ranges::find(names, column, &Name::column);
  if (found == names.end()) return std::nullopt;
  return found->field;
}

void Planner::columns(Line line, const std::vector<std::string>& names) {
  static constexpr std::array<std::string_view, 20> suggestions = {
      "id",         "title",       "image_url",      "description", "list_price",
      "currency",   "stock",       "per_user_limit", "status",      "starts_at",
      "ends_at",    "price",       "name",           "small_pic",   "introduction",
      "cost_price", "stock_count", "start_time",     "end_time",    "num"};
  std::vector<std::string> plain;
  plain.reserve(names.size());
  for (const std::string& name : names)
    plain.push_back(lower(trim(name)));
  const bool has_cost_price = std::ranges::find(plain, "cost_price") != plain.end();

  std::array<bool, kFields> taken{};
  fields_.assign(plain.size(), Field::unused);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const auto field = field_of(plain[i], has_cost_price);
    if (!field) {
      const auto meant = nearest(plain[i], suggestions);
      note(line, fmt::format("the column {} is not known and is ignored{}", quote(plain[i]),
                             meant ? fmt::format("; did you mean {}?", *meant) : ""));
    } else if (*field != Field::unused &&
               std::exchange(taken[static_cast<std::size_t>(*field)], true)) {
      note(line, fmt::format("the column {} says what a column before it says and is ignored",
                             quote(plain[i])));
    } else {
      fields_[i] = *field;
    }
  }
}

Cell Planner::take(std::vector<Cell>& cells, Field field) const {
  const auto found = std::ranges::find(fields_, field);
  if (found == fields_.end()) return std::nullopt;
  return std::move(cells[static_cast<std::size_t>(found - fields_.begin())]);
}

// ---- rows --------------------------------------------------------------------------------------

void Planner::row(Line line, std::vector<Cell>& cells) {
  ++plan_.rows;
  ListedItem item{line,
                  take(cells, Field::id),
                  take(cells, Field::title),
                  take(cells, Field::image_url),
                  take(cells, Field::description),
                  take(cells, Field::price),
                  take(cells, Field::list_price),
                  take(cells, Field::currency),
                  take(cells, Field::stock),
                  take(cells, Field::per_user_limit)};
  const std::string subject = subject_of(item);
  Reasons reasons;
  if (std::ranges::find(fields_, Field::status) != fields_.end()) {
    const Cell status = take(cells, Field::status);
    if (said(status) != "1") {
      reasons.add(fmt::format("not approved (status {}, 1 is approved)",
                              status ? quote(trim(*status)) : "NULL"));
    }
  }
  const auto when = window(take(cells, Field::starts_at), take(cells, Field::ends_at), reasons);
  PlannedItem planned{line, {}};
  fill(std::move(item), false, planned.draft, reasons);
  if (reasons.empty()) claim(planned.draft.id, line, reasons);
  if (!reasons.empty() || !when) return leave_out(line, subject, reasons.text);
  sale_of_rows(*when).items.push_back(std::move(planned));
}

void Planner::sale(ListedSale&& listed) {
  const std::string subject =
      listed.title ? fmt::format("sale {}", quote(*listed.title)) : std::string("sale");
  PlannedSale sale;
  Reasons reasons;
  const auto when = window(listed.starts_at, listed.ends_at, reasons);
  sale.title = one_line(said(listed.title));
  reasons.add(check_text(sale.title, sale::kMaxTitleBytes, "title"));
  sale.hold = options_.hold;
  if (!said(listed.hold_seconds).empty()) {
    const auto seconds = parse_uint(said(listed.hold_seconds), sale::kMaxHold.ms / 1000);
    if (seconds && Span::seconds(*seconds) >= sale::kMinHold) {
      sale.hold = Span::seconds(*seconds);
    } else {
      reasons.add(fmt::format("hold_seconds is {}, not a whole number from 1 to {}",
                              quote(said(listed.hold_seconds)), sale::kMaxHold.ms / 1000));
    }
  }
  if (!said(listed.id).empty()) {
    sale.id = said(listed.id);
    sale.named = true;
    if (!valid_catalog_id(sale.id)) {
      reasons.add("the id of the sale has other characters than letters, digits, . _ and -");
    } else if (!sale_ids_.insert(sale.id).second) {
      reasons.add("the id of the sale is there before");
    }
  }
  if (!reasons.empty() || !when) {
    for (const ListedItem& item : listed.items) {
      ++plan_.rows;
      leave_out(item.line, subject_of(item), "its sale is left out: " + reasons.text);
    }
    if (listed.items.empty()) leave_out(listed.line, subject, reasons.text);
    return;
  }
  sale.starts_at = when->starts_at;
  sale.ends_at = when->ends_at;
  if (sale.title.empty()) sale.title = default_title(sale.starts_at);
  for (ListedItem& item : listed.items) {
    ++plan_.rows;
    const Line line = item.line;
    const std::string item_subject = subject_of(item);
    PlannedItem planned{line, {}};
    Reasons flaws;
    fill(std::move(item), true, planned.draft, flaws);
    if (sale.items.size() >= sale::kMaxItemsPerSale) {
      flaws.add(fmt::format("a sale holds at most {} items", sale::kMaxItemsPerSale));
    }
    if (flaws.empty()) claim(planned.draft.id, line, flaws);
    if (!flaws.empty()) {
      leave_out(line, item_subject, flaws.text);
    } else {
      sale.items.push_back(std::move(planned));
    }
  }
  if (sale.items.empty()) return note(listed.line, subject + " has nothing that can be sold");
  if (!sale.named) sale.id = new_sale_id(*when);
  plan_.sales.push_back(std::move(sale));
}

std::optional<Instant> Planner::time(const Cell& cell, const char* name, Reasons& reasons) const {
  if (said(cell).empty()) {
    reasons.add(fmt::format("no {}", name));
    return std::nullopt;
  }
  if (auto absolute = parse_rfc3339(said(cell))) return *absolute;
  if (auto local = parse_local(said(cell), options_.utc_offset)) return *local;
  reasons.add(fmt::format("the {} {} is not a time; write \"2026-11-22 10:00:00\" or RFC 3339",
                          name, quote(said(cell))));
  return std::nullopt;
}

std::optional<Planner::Window> Planner::window(const Cell& starts_at, const Cell& ends_at,
                                               Reasons& reasons) const {
  Window window;
  if (options_.starts_at && options_.duration) {
    window.starts_at = *options_.starts_at;
    window.ends_at = window.starts_at + *options_.duration;
  } else {
    const auto start = time(starts_at, "start", reasons);
    if (!start) return std::nullopt;
    window.starts_at = options_.starts_at.value_or(*start);
    if (options_.duration) {
      window.ends_at = window.starts_at + *options_.duration;
    } else {
      const auto end = time(ends_at, "end", reasons);
      if (!end) return std::nullopt;
      window.ends_at = window.starts_at + (*end - *start);
    }
  }
  if (window.ends_at <= window.starts_at) {
    reasons.add("bad window: the end is not after the start");
    return std::nullopt;
  }
  if (window.starts_at < Instant{} || window.ends_at > kLastInstant) {
    reasons.add("bad window: only the years 1970 to 9999 are known");
    return std::nullopt;
  }
  if (window.ends_at <= options_.now) {
    reasons.add(fmt::format("bad window: it ended at {}; move it with --starts-at and --duration",
                            to_rfc3339(window.ends_at)));
    return std::nullopt;
  }
  return window;
}

// ---- sales and notices -------------------------------------------------------------------------

PlannedSale& Planner::sale_of_rows(const Window& window) {
  const auto [found, is_new] = sale_by_window_.emplace(window, plan_.sales.size());
  if (!is_new && plan_.sales[found->second].items.size() < sale::kMaxItemsPerSale) {
    return plan_.sales[found->second];
  }
  found->second = plan_.sales.size();
  PlannedSale sale;
  sale.id = new_sale_id(window);
  sale.title = options_.title.empty() ? default_title(window.starts_at) : options_.title;
  sale.starts_at = window.starts_at;
  sale.ends_at = window.ends_at;
  sale.hold = options_.hold;
  return plan_.sales.emplace_back(std::move(sale));
}

std::string Planner::new_sale_id(const Window& window) {
  const std::string base =
      fmt::format("sale-{}-{}", compact(window.starts_at), compact(window.ends_at));
  std::string id = base;
  for (std::size_t next = 2; !sale_ids_.insert(id).second; ++next) {
    id = fmt::format("{}-{}", base, next);
  }
  return id;
}

std::string Planner::default_title(Instant starts_at) const {
  const std::int64_t local_ms =
      std::clamp<std::int64_t>((starts_at + options_.utc_offset).ms, 0, kLastInstant.ms);
  std::string local = to_rfc3339(Instant{local_ms}).substr(0, 16);
  local[10] = ' ';
  return "Flash sale " + local;
}

void Planner::left_out(Line line, std::string why) {
  ++plan_.rows;
  leave_out(line, {}, std::move(why));
}

void Planner::leave_out(Line line, std::string subject, std::string why) {
  ++plan_.left_out_count;
  if (plan_.left_out.size() < kMaxNotices) {
    plan_.left_out.push_back({line, std::move(subject), std::move(why)});
  }
}

void Planner::note(Line line, std::string text) {
  if (noted_.size() >= kMaxNoted || !noted_.insert(text).second) return;
  plan_.notes.push_back({line, {}, std::move(text)});
}

Plan Planner::finish() {
  return std::move(plan_);
}

}  // namespace sluice::importing
