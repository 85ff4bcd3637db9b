// The HTML form of a report: one file, readable without a network, in light and dark.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/html.h"
#include "rush/report.h"
#include "rush/svg_chart.h"

namespace sluice::rush {
namespace {

constexpr std::size_t kMostColumns = 240;
constexpr std::size_t kMostItems = 200;

constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5b6675;--line:#e2e6ec;
--granted:#0b8a63;--dup:#d9822b;--soldout:#7b89a6;--busy:#8e5bd0;--error:#d13438;--ok:#2f6fdb;
--p50:#0b8a63;--p90:#2f6fdb;--p99:#d9822b;--p999:#d13438}
@media(prefers-color-scheme:dark){:root{--bg:#12161d;--card:#1a2029;--ink:#e7ebf1;--soft:#9aa6b6;
--line:#2b3440;--granted:#3ccf9a;--dup:#f0a54a;--soldout:#8796b5;--busy:#b68cf0;--error:#ff6b6b;
--ok:#6fa3ff;--p50:#3ccf9a;--p90:#6fa3ff;--p99:#f0a54a;--p999:#ff6b6b}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","Noto Sans CJK SC",sans-serif}
main{max-width:980px;margin:0 auto;padding:28px 18px 60px}
h1{font-size:1.05rem;font-weight:600;color:var(--soft);margin:0 0 14px;letter-spacing:.02em}
h2{font-size:1.05rem;margin:0 0 4px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;
margin:16px 0}
.verdict{display:flex;gap:18px;align-items:center;flex-wrap:wrap}
.badge{font-size:2rem;font-weight:750;padding:6px 22px;border-radius:10px;color:#fff;line-height:1.3}
.pass .badge{background:#0b8a63}.fail .badge{background:#c42b30}.plain .badge{background:#2f6fdb}
.verdict p{margin:0;flex:1 1 320px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(116px,1fr));gap:10px;margin:16px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px 14px}
.tile b{display:block;white-space:nowrap;font-size:1.25rem;font-weight:650;font-variant-numeric:tabular-nums;
line-height:1.25}
.tile span,.note{color:var(--soft);font-size:.88rem}
.note{margin:0 0 8px}
svg{display:block;width:100%;height:auto}
.grid{stroke:var(--line);stroke-width:1}
.tick{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
.hover{fill:transparent}.hover:hover{fill:var(--ink);fill-opacity:.06}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:6px 0 10px;padding:0;list-style:none;
font-size:.9rem;color:var(--soft)}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:7px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.94rem}
th,td{text-align:right;padding:6px 10px;border-top:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:500;border-top:0}
th:first-child,td:first-child{text-align:left}
.wide{overflow-x:auto}
.checks{list-style:none;margin:8px 0 0;padding:0}
.checks li{display:grid;grid-template-columns:1.6em 1fr;padding:6px 0;border-top:1px solid var(--line)}
.checks li:first-child{border-top:0}
.checks .mark{font-weight:700;color:var(--granted)}.checks .no .mark{color:var(--error)}
.checks small{color:var(--soft);font-size:.9rem}
.bar{display:flex;height:10px;width:160px;border-radius:5px;overflow:hidden;background:var(--line);
margin:7px 0 0 auto}
.bar i{display:block;height:100%}
code{font-family:ui-monospace,"Cascadia Mono","DejaVu Sans Mono",monospace;font-size:.88em;
overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:8px 0 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
)css";

/// Outcomes that are drawn as one colour.
struct Group {
  const char* name;
  const char* colour;  ///< also its CSS class, "s-" before it
  std::vector<Outcome> outcomes;
};

const std::vector<Group>& groups() {
  static const std::vector<Group> kGroups{
      {"granted", "granted", {Outcome::granted, Outcome::queued, Outcome::replayed}},
      {"ok", "ok", {Outcome::ok}},
      {"duplicate refused", "dup", {Outcome::already_queued, Outcome::limit_reached}},
      {"sold out", "soldout", {Outcome::sold_out}},
      {"not now",
       "busy",
       {Outcome::not_started, Outcome::ended, Outcome::paused, Outcome::rate_limited,
        Outcome::overloaded}},
      {"error",
       "error",
       {Outcome::refused, Outcome::server_error, Outcome::connection_error, Outcome::timed_out}}};
  return kGroups;
}

/// The timeline in at most kMostColumns columns of `width` seconds each.
struct Columns {
  std::size_t width = 1;
  std::vector<Second> parts;
  std::vector<std::string> labels;
};

Columns fold(const std::vector<Second>& timeline) {
  Columns columns;
  columns.width = std::max<std::size_t>(1, (timeline.size() + kMostColumns - 1) / kMostColumns);
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    if (i % columns.width == 0) {
      columns.parts.emplace_back();
      columns.labels.push_back(fmt::format("{} s", i));
    }
    Second& part = columns.parts.back();
    for (std::size_t k = 0; k < kOutcomes; ++k)
      part.outcomes[k] += timeline[i].outcomes[k];
    part.latency.merge(timeline[i].latency);
  }
  return columns;
}

std::string legend(const std::vector<Series>& series) {
  std::string out = "<ul class=\"legend\">";
  for (const Series& one : series) {
    out += fmt::format("<li><i style=\"background:var(--{})\"></i>{}</li>", one.css.substr(2),
                       escape_html(one.name));
  }
  return out + "</ul>\n";
}

std::string throughput_section(const Columns& columns) {
  std::vector<Series> series;
  for (const Group& group : groups()) {
    Series one{group.name, fmt::format("s-{}", group.colour), {}};
    double sum = 0;
    for (const Second& part : columns.parts) {
      std::uint64_t count = 0;
      for (const Outcome outcome : group.outcomes)
        count += count_of(part.outcomes, outcome);
      sum += static_cast<double>(count);
      one.values.push_back(static_cast<double>(count) / static_cast<double>(columns.width));
    }
    if (sum > 0) series.push_back(std::move(one));
  }
  return fmt::format(
      "<section><h2>Throughput</h2><p class=\"note\">Answers per second, by what they said; the "
      "first and the last column may be partial.</p>{}{}</section>\n",
      legend(series),
      stacked_bars("answers per second over time, by outcome", "per second", columns.labels,
                   series));
}

std::string latency_section(const Columns& columns, bool open) {
  constexpr double kFractions[] = {0.5, 0.9, 0.99, 0.999};
  std::vector<Series> series{
      {"p50", "s-p50", {}}, {"p90", "s-p90", {}}, {"p99", "s-p99", {}}, {"p99.9", "s-p999", {}}};
  for (const Second& part : columns.parts) {
    for (std::size_t k = 0; k < series.size(); ++k) {
      series[k].values.push_back(to_ms(part.latency.percentile_ns(kFractions[k])));
    }
  }
  return fmt::format(
      "<section><h2>Latency over time</h2><p class=\"note\">{}</p>{}{}</section>\n",
      open
          ? "Counted from the moment at which the shopper meant to act, so that waiting for a slow "
            "server is not left out."
          : "Counted from sending; a closed loop slows down with the server.",
      legend(series), log_lines("latency percentiles over time", "ms", columns.labels, series));
}

std::string distribution_section(const Tally& tally) {
  // Even steps in the number of nines: from the median to one in a hundred thousand.
  constexpr int kSteps = 50;
  std::vector<std::string> labels;
  const auto curve = [](const char* name, const char* css, const Histogram& histogram) {
    Series one{name, css, {}};
    for (int i = 0; i <= kSteps; ++i) {
      const double nines = 5.0 * i / kSteps;
      const double fraction = 1 - std::pow(10.0, -nines);
      const bool known = static_cast<double>(histogram.count()) * (1 - fraction) >= 1;
      one.values.push_back(known ? to_ms(histogram.percentile_ns(fraction)) : 0);
    }
    return one;
  };
  for (int i = 0; i <= kSteps; ++i) {
    const double nines = 5.0 * i / kSteps;
    labels.push_back(fmt::format("{:.6g} %", 100 * (1 - std::pow(10.0, -nines))));
  }
  std::vector<Series> series{curve("all answers", "s-ok", tally.latency)};
  if (tally.granted.count() > 0) series.push_back(curve("granted", "s-granted", tally.granted));
  if (tally.refused.count() > 0) series.push_back(curve("refused", "s-soldout", tally.refused));
  return fmt::format(
      "<section><h2>Latency distribution</h2><p class=\"note\">The share of answers that took at "
      "most so long; from each label to the next, what is beyond is ten times rarer.</p>"
      "{}{}</section>\n",
      legend(series), log_lines("latency by percentile", "ms", labels, series, kSteps / 5));
}

std::string tile(const std::string& value, const char* label) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>", escape_html(value),
                     label);
}

std::string tiles(const Report& report) {
  const Histogram& latency = report.tally.latency;
  std::string out = "<div class=\"tiles\">";
  out += tile(grouped(static_cast<std::uint64_t>(report.median_per_second())),
              report.rounds.size() > 1 ? "answers per second, median" : "answers per second");
  out += tile(fmt::format("{:.3g} ms", to_ms(latency.percentile_ns(0.5))), "median");
  out += tile(fmt::format("{:.3g} ms", to_ms(latency.percentile_ns(0.99))), "99th percentile");
  if (report.evidence) {
    std::uint64_t granted = 0;
    for (const ItemEvidence& item : report.evidence->items)
      granted += item.granted;
    out += tile(grouped(granted), "orders granted");
    out += tile(grouped(count_of(report.tally.outcomes, Outcome::sold_out)), "told sold out");
    out += tile(grouped(count_of(report.tally.outcomes, Outcome::already_queued)),
                "duplicates refused");
  }
  out += tile(fmt::format("{:.1f} s", report.seconds), "first to last");
  return out + "</div>\n";
}

std::string verdict_section(const Report& report) {
  if (!report.verdict) {
    return fmt::format(
        "<section class=\"verdict plain\"><div class=\"badge\">RAW</div><p>{}</p></section>\n",
        escape_html(report.headline()));
  }
  const bool passed = report.passed();
  return fmt::format(
      "<section class=\"verdict {}\"><div class=\"badge\">{}</div><p><strong>{}</strong><br>{}</p>"
      "</section>\n",
      passed ? "pass" : "fail", passed ? "PASS" : "FAIL",
      passed ? "Every promise was kept." : "A promise was broken: see the checks below.",
      escape_html(report.headline()));
}

std::string checks_section(const Verdict& verdict) {
  std::string out = "<section><h2>Checks</h2><ul class=\"checks\">";
  for (const Check& check : verdict.checks) {
    out += fmt::format(
        "<li class=\"{}\"><span class=\"mark\" aria-hidden=\"true\">{}</span><span>{}{}<br>"
        "<small>{}</small></span></li>",
        check.passed ? "yes" : "no", check.passed ? "✓" : "✗", escape_html(check.name),
        check.passed ? "" : " — failed", escape_html(check.detail));
  }
  return out + "</ul></section>\n";
}

std::string outcomes_section(const Tally& tally) {
  std::string out =
      "<section><h2>Outcomes</h2><div class=\"wide\"><table><thead><tr><th>outcome</th>"
      "<th>answers</th><th>share</th></tr></thead><tbody>";
  const double all = static_cast<double>(std::max<std::uint64_t>(1, tally.sent));
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (tally.outcomes[i] == 0) continue;
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.3f} %</td></tr>",
                       to_label(static_cast<Outcome>(i)), grouped(tally.outcomes[i]),
                       100.0 * static_cast<double>(tally.outcomes[i]) / all);
  }
  out +=
      "</tbody></table></div></section>\n<section><h2>Latency</h2><div class=\"wide\"><table>"
      "<thead><tr><th>ms</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th>"
      "<th>answers</th></tr></thead><tbody>";
  const std::pair<const char*, const Histogram*> rows[] = {
      {"all, from the intended moment", &tally.latency},
      {"granted", &tally.granted},
      {"refused", &tally.refused},
      {"all, from sending", &tally.service}};
  for (const auto& [name, histogram] : rows) {
    if (histogram->count() == 0) continue;
    out += fmt::format("<tr><td>{}</td>", name);
    for (const double fraction : {0.5, 0.9, 0.99, 0.999, 1.0}) {
      out += fmt::format("<td>{:.3f}</td>", to_ms(histogram->percentile_ns(fraction)));
    }
    out += fmt::format("<td>{}</td></tr>", grouped(histogram->count()));
  }
  return out + "</tbody></table></div></section>\n";
}

std::string rounds_section(const Report& report) {
  if (report.rounds.size() < 2) return {};
  std::string out =
      "<section><h2>Rounds</h2><div class=\"wide\"><table><thead><tr><th>round</th>"
      "<th>answers per second</th><th>p50 ms</th><th>p99 "
      "ms</th><th>verdict</th></tr></thead><tbody>";
  for (std::size_t i = 0; i < report.rounds.size(); ++i) {
    const Round& one = report.rounds[i];
    const char* verdict = !report.verdict ? "" : one.passed ? "PASS" : "FAIL";
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.3f}</td><td>{:.3f}</td><td>{}</td></tr>",
                       i + 1, grouped(static_cast<std::uint64_t>(one.per_second())),
                       to_ms(one.p50_ns), to_ms(one.p99_ns), verdict);
  }
  return out + "</tbody></table></div></section>\n";
}

std::string items_section(const Evidence& evidence) {
  std::string out =
      "<section><h2>Items</h2><div class=\"wide\"><table><thead><tr><th>item</th><th>stock</th>"
      "<th>available</th><th>held</th><th>sold</th><th>granted here</th><th>taken</th></tr></thead>"
      "<tbody>";
  for (std::size_t i = 0; i < std::min(kMostItems, evidence.items.size()); ++i) {
    const ItemEvidence& item = evidence.items[i];
    const ItemStats stats = item.after.value_or(ItemStats{});
    const double stock = static_cast<double>(std::max<std::int64_t>(1, stats.stock));
    out += fmt::format(
        "<tr><td>{}<br><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td><div class=\"bar\" title=\"held {:.1f} %, sold {:.1f} %\">"
        "<i style=\"width:{:.2f}%;background:var(--dup)\"></i>"
        "<i style=\"width:{:.2f}%;background:var(--granted)\"></i></div></td></tr>",
        escape_html(item.title), escape_html(item.id), stats.stock, stats.available, stats.held,
        stats.sold, item.granted, 100.0 * static_cast<double>(stats.held) / stock,
        100.0 * static_cast<double>(stats.sold) / stock,
        100.0 * static_cast<double>(stats.held) / stock,
        100.0 * static_cast<double>(stats.sold) / stock);
  }
  out += "</tbody></table></div>";
  if (evidence.items.size() > kMostItems) {
    out += fmt::format("<p class=\"note\">and {} more</p>", evidence.items.size() - kMostItems);
  }
  return out + "</section>\n";
}

std::string run_section(const Report& report) {
  const Options& options = report.options;
  std::string out = "<section><h2>This run</h2><dl>";
  const auto row = [&out](const char* name, const std::string& value) {
    out += fmt::format("<dt>{}</dt><dd>{}</dd>", name, escape_html(value));
  };
  row("started", to_rfc3339(report.started_at));
  row("target", report.url);
  row("connections", std::to_string(options.connections));
  row("threads", std::to_string(options.threads));
  row("seed", std::to_string(report.seed));
  row("shoppers named", report.prefix + "…");
  if (options.mode == Mode::open) {
    row("impatient, double-click, two tabs",
        fmt::format("{:g}, {:g}, {:g}", options.impatient, options.double_click, options.two_tabs));
  }
  row("connections made", grouped(report.tally.connects));
  row("generator CPU", fmt::format("{:.0f} %", report.cpu() * 100));
  out += "</dl>";
  if (report.cpu() > kBusyGenerator) {
    out +=
        "<p class=\"note\">The generator was busy all the time: the server may be faster than "
        "shown.</p>";
  }
  out += "</section>\n";
  if (report.tally.samples.empty()) return out;
  out += "<section><h2>Oddities seen</h2>";
  for (const std::string& sample : report.tally.samples) {
    out += fmt::format("<p><code>{}</code></p>", escape_html(sample));
  }
  return out + "</section>\n";
}

std::string series_classes() {
  std::string css;
  for (const char* name :
       {"granted", "ok", "dup", "soldout", "busy", "error", "p50", "p90", "p99", "p999"}) {
    css +=
        fmt::format(".s-{0}{{fill:var(--{0})}}.line.s-{0}{{fill:none;stroke:var(--{0})}}\n", name);
  }
  return css;
}

}  // namespace

std::string render_html(const Report& report) {
  const Columns columns = fold(report.timeline);
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>Sluice rush: {}</title><style>{}{}</style></head>\n<body><main>\n"
      "<h1>Sluice rush</h1>\n",
      !report.verdict   ? "raw"
      : report.passed() ? "PASS"
                        : "FAIL",
      kStyle, series_classes());
  out += verdict_section(report);
  out += tiles(report);
  if (report.verdict && !report.passed()) out += checks_section(*report.verdict);
  out += throughput_section(columns);
  out += latency_section(columns, report.options.mode == Mode::open);
  out += distribution_section(report.tally);
  if (report.verdict && report.passed()) out += checks_section(*report.verdict);
  out += rounds_section(report);
  if (report.evidence) out += items_section(*report.evidence);
  out += outcomes_section(report.tally);
  out += run_section(report);
  return out + "</main></body></html>\n";
}

}  // namespace sluice::rush
