// The text and JSON forms of a report.
#include "rush/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace sluice::rush {
namespace {

namespace json = boost::json;

constexpr double kPercentiles[] = {0.50, 0.90, 0.99, 0.999, 1.0};
constexpr const char* kPercentileNames[] = {"p50", "p90", "p99", "p99.9", "max"};

void text_latency(std::string& out, const char* name, const Histogram& histogram) {
  if (histogram.count() == 0) return;
  out += fmt::format("  {:<24}", name);
  for (const double fraction : kPercentiles) {
    out += fmt::format("{:>11.3f}", to_ms(histogram.percentile_ns(fraction)));
  }
  out += fmt::format("{:>13}\n", grouped(histogram.count()));
}

void text_outcomes(std::string& out, const Report& report) {
  out += "outcome                        answers        share\n";
  const std::uint64_t all = std::max<std::uint64_t>(1, report.tally.sent);
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const std::uint64_t count = report.tally.outcomes[i];
    if (count == 0) continue;
    out +=
        fmt::format("  {:<22}{:>14}{:>12.3f}%\n", to_label(static_cast<Outcome>(i)), grouped(count),
                    100.0 * static_cast<double>(count) / static_cast<double>(all));
  }
}

void text_items(std::string& out, const Evidence& evidence) {
  constexpr std::size_t kShown = 20;
  out += "item                       stock  available       held       sold    granted\n";
  for (std::size_t i = 0; i < std::min(kShown, evidence.items.size()); ++i) {
    const ItemEvidence& item = evidence.items[i];
    const ItemStats stats = item.after.value_or(ItemStats{});
    out += fmt::format("  {:<20}{:>10}{:>11}{:>11}{:>11}{:>11}\n", item.id.substr(0, 20),
                       stats.stock, stats.available, stats.held, stats.sold, item.granted);
  }
  if (evidence.items.size() > kShown) {
    out += fmt::format("  … and {} more\n", evidence.items.size() - kShown);
  }
}

json::object json_latency(const Histogram& histogram) {
  json::object out;
  out["count"] = histogram.count();
  out["mean_ms"] = histogram.mean_ns() / 1e6;
  for (std::size_t i = 0; i < std::size(kPercentiles); ++i) {
    out[fmt::format("{}_ms", kPercentileNames[i])] =
        to_ms(histogram.percentile_ns(kPercentiles[i]));
  }
  return out;
}

json::object json_outcomes(const OutcomeCounts& counts) {
  json::object out;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (counts[i] > 0) out[to_text(static_cast<Outcome>(i))] = counts[i];
  }
  return out;
}

json::object json_run(const Report& report) {
  const Options& options = report.options;
  json::object run;
  run["url"] = report.url;
  run["started_at"] = to_rfc3339(report.started_at);
  run["mode"] = options.mode == Mode::open ? "open" : "closed";
  if (!options.raw_method.empty()) {
    run["raw"] = options.raw_method + " " + options.raw_path;
  }
  run["shoppers"] = options.shoppers;
  if (options.mode == Mode::open) {
    run["rate_per_second"] = options.rate;
    run["ramp_ms"] = options.ramp.ms;
    run["impatient"] = options.impatient;
    run["double_click"] = options.double_click;
    run["two_tabs"] = options.two_tabs;
  }
  run["connections"] = options.connections;
  run["threads"] = options.threads;
  run["seed"] = report.seed;
  run["user_prefix"] = report.prefix;
  run["interrupted"] = report.interrupted;
  return run;
}

json::array json_items(const Evidence& evidence) {
  json::array items;
  for (const ItemEvidence& item : evidence.items) {
    json::object one{{"item_id", item.id},
                     {"title", item.title},
                     {"granted", item.granted},
                     {"sold_out_refusals", item.sold_out_refusals}};
    if (item.after) {
      one["stock"] = item.after->stock;
      one["available"] = item.after->available;
      one["held"] = item.after->held;
      one["sold"] = item.after->sold;
    }
    items.push_back(std::move(one));
  }
  return items;
}

json::object json_duplicates(const Duplicates& books) {
  return {{"sent", books.sent},
          {"refused_100", books.refused_100},
          {"replayed", books.replayed},
          {"limit_reached", books.limit_reached},
          {"not_decided", books.excused},
          {"wrong", books.wrong},
          {"raced_refused_100", books.raced_refused_100}};
}

json::array json_timeline(const std::vector<Second>& timeline) {
  json::array seconds;
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    seconds.push_back({{"second", i},
                       {"outcomes", json_outcomes(timeline[i].outcomes)},
                       {"p50_ms", to_ms(timeline[i].latency.percentile_ns(0.5))},
                       {"p99_ms", to_ms(timeline[i].latency.percentile_ns(0.99))},
                       {"max_ms", to_ms(timeline[i].latency.max_ns())}});
  }
  return seconds;
}

}  // namespace

double to_ms(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::uint64_t count_of(const OutcomeCounts& counts, Outcome outcome) {
  return counts[static_cast<std::size_t>(outcome)];
}

bool Report::passed() const {
  return std::all_of(rounds.begin(), rounds.end(), [](const Round& one) { return one.passed; });
}

double Report::answered_per_second() const {
  return rounds.empty() ? 0 : rounds.back().per_second();
}

double Report::median_per_second() const {
  std::vector<double> rates;
  rates.reserve(rounds.size());
  for (const Round& one : rounds)
    rates.push_back(one.per_second());
  if (rates.empty()) return 0;
  std::sort(rates.begin(), rates.end());
  const std::size_t middle = rates.size() / 2;
  return rates.size() % 2 == 1 ? rates[middle] : (rates[middle - 1] + rates[middle]) / 2;
}

std::string Report::headline() const {
  const std::string where =
      options.raw_method.empty() ? "" : fmt::format(" {} {}", options.raw_method, options.raw_path);
  if (options.mode == Mode::closed) {
    return fmt::format(
        "closed loop{} at {}: {} connections, {} requests{}", where, url, options.connections,
        grouped(tally.sent),
        rounds.size() > 1 ? fmt::format(" in each of {} rounds", rounds.size()) : "");
  }
  return fmt::format("{} shoppers at {}/s after a ramp of {:g} s, over {} connections to {}",
                     grouped(options.shoppers), grouped(static_cast<std::uint64_t>(options.rate)),
                     static_cast<double>(options.ramp.ms) / 1e3, options.connections, url);
}

std::string render_text(const Report& report) {
  std::string out = report.headline() + "\n";
  out += fmt::format("{} answers in {:.2f} s: {} per second; generator CPU {:.0f} %\n",
                     grouped(report.tally.answered()), report.seconds,
                     grouped(static_cast<std::uint64_t>(report.answered_per_second())),
                     report.cpu() * 100);
  if (report.cpu() > kBusyGenerator) {
    out +=
        "note: the generator was busy all the time; the server may be faster than shown "
        "(try --threads 2)\n";
  }
  if (report.interrupted) out += "note: interrupted; not every shopper came\n";
  out += "\n";
  text_outcomes(out, report);
  out += fmt::format("\nlatency, ms            {:>13}{:>11}{:>11}{:>11}{:>11}{:>13}\n", "p50",
                     "p90", "p99", "p99.9", "max", "answers");
  const bool open = report.options.mode == Mode::open;
  text_latency(out, open ? "from intended moment" : "all", report.tally.latency);
  if (report.evidence) {
    text_latency(out, "  granted", report.tally.granted);
    text_latency(out, "  refused", report.tally.refused);
  }
  if (open) text_latency(out, "from sending", report.tally.service);
  if (report.rounds.size() > 1) {
    out += "\nround     per second   p50 ms   p99 ms\n";
    for (std::size_t i = 0; i < report.rounds.size(); ++i) {
      const Round& one = report.rounds[i];
      out += fmt::format("  {:<4}{:>14}{:>9.3f}{:>9.3f}{}\n", i + 1,
                         grouped(static_cast<std::uint64_t>(one.per_second())), to_ms(one.p50_ns),
                         to_ms(one.p99_ns), one.passed ? "" : "  FAIL");
    }
    out += fmt::format("  median {:>11}\n",
                       grouped(static_cast<std::uint64_t>(report.median_per_second())));
  }
  if (report.evidence) {
    out += "\n";
    text_items(out, *report.evidence);
  }
  if (report.verdict) {
    out += "\n";
    for (const Check& check : report.verdict->checks) {
      out += fmt::format("  {} {}: {}\n", check.passed ? "ok  " : "FAIL", check.name, check.detail);
    }
  }
  for (const std::string& sample : report.tally.samples)
    out += fmt::format("  seen: {}\n", sample);
  if (report.verdict) out += fmt::format("\nverdict: {}\n", report.passed() ? "PASS" : "FAIL");
  return out;
}

std::string render_json(const Report& report) {
  json::object out;
  out["run"] = json_run(report);
  out["seconds"] = report.seconds;
  out["sent"] = report.tally.sent;
  out["answered"] = report.tally.answered();
  out["answered_per_second"] = report.answered_per_second();
  out["median_per_second"] = report.median_per_second();
  out["generator_cpu"] = report.cpu();
  out["outcomes"] = json_outcomes(report.tally.outcomes);
  out["latency"] = {{"intended", json_latency(report.tally.latency)},
                    {"granted", json_latency(report.tally.granted)},
                    {"refused", json_latency(report.tally.refused)},
                    {"sent", json_latency(report.tally.service)}};
  json::array rounds;
  for (const Round& one : report.rounds) {
    rounds.push_back({{"seconds", one.seconds},
                      {"answered", one.answered},
                      {"per_second", one.per_second()},
                      {"p50_ms", to_ms(one.p50_ns)},
                      {"p99_ms", to_ms(one.p99_ns)},
                      {"generator_cpu", one.cpu},
                      {"passed", one.passed}});
  }
  out["rounds"] = std::move(rounds);
  out["timeline"] = json_timeline(report.timeline);
  if (report.evidence) {
    out["items"] = json_items(*report.evidence);
    out["duplicates"] = json_duplicates(report.evidence->duplicates);
  }
  if (report.verdict) {
    json::array checks;
    for (const Check& check : report.verdict->checks) {
      checks.push_back({{"name", check.name}, {"passed", check.passed}, {"detail", check.detail}});
    }
    out["verdict"] = report.passed() ? "PASS" : "FAIL";
    out["checks"] = std::move(checks);
  }
  json::array samples;
  for (const std::string& sample : report.tally.samples)
    samples.emplace_back(sample);
  out["samples"] = std::move(samples);
  return json::serialize(out) + "\n";
}

}  // namespace sluice::rush
