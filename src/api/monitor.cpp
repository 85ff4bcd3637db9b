// Sampling.
#include "api/monitor.h"

#include <algorithm>
#include <numeric>
#include <ranges>
#include <span>
#include <string_view>

#include "http/json_writer.h"

namespace sluice::api {

namespace {

/// Threads tick on their own; the first of each second looks.
constexpr Span kLeastPause{900};
/// Refusals that say nothing of the server's strength.
constexpr std::array kByRule{GrabResult::already_queued, GrabResult::limit_reached,
                             GrabResult::sold_out,       GrabResult::not_started,
                             GrabResult::ended,          GrabResult::paused};
constexpr std::array kTurnedAway{GrabResult::overloaded, GrabResult::storage};

constexpr std::array<std::string_view, 6> kServerColumns{
    "granted_per_second",  "refused_per_second", "turned_away_per_second",
    "requests_per_second", "queue_depth",        "p99_ms"};
constexpr std::array<std::string_view, 5> kSaleColumns{"stock", "available", "held", "sold",
                                                       "refunded"};

double rate(std::uint64_t before, std::uint64_t after, Span time) {
  return static_cast<double>(after - before) * 1000 / static_cast<double>(time.ms);
}

std::uint64_t sum(const Metrics::Totals& totals, std::span<const GrabResult> results) {
  std::uint64_t all = 0;
  for (const GrabResult result : results)
    all += totals.grabs[static_cast<std::size_t>(result)];
  return all;
}

/// The upper bound of the bucket that the 99th of a hundred falls into.
std::optional<double> p99_of(const Metrics::Totals& before, const Metrics::Totals& after) {
  std::array<std::uint64_t, kLatencyBounds.size() + 1> fresh{};
  for (std::size_t i = 0; i < fresh.size(); ++i)
    fresh[i] = after.latency[i] - before.latency[i];
  const std::uint64_t all = std::reduce(fresh.begin(), fresh.end());
  if (all == 0) return std::nullopt;
  const std::uint64_t wanted = all - all / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kLatencyBounds.size(); ++i) {
    seen += fresh[i];
    if (seen >= wanted) return static_cast<double>(kLatencyBounds[i]) / 1000;
  }
  return static_cast<double>(kLatencyBounds.back()) / 1000;
}

void write_series(std::string& out, const std::deque<Series::Row>& rows, Span step,
                  std::span<const std::string_view> names) {
  http::JsonWriter json(out);
  json.begin_object().member("step_seconds", step.ms / 1000);
  json.key("at").begin_array();
  for (const Series::Row& row : rows)
    json.value(row.at);
  json.end_array().key("columns").begin_object();
  for (std::size_t column = 0; column < names.size(); ++column) {
    json.key(names[column]).begin_array();
    for (const Series::Row& row : rows) {
      // Half of all values are whole, and a chart needs no more than three digits of the rest.
      const double value = row.values[column];
      const auto whole = static_cast<std::int64_t>(value);
      if (static_cast<double>(whole) == value) {
        json.value(whole);
      } else {
        json.value(static_cast<double>(static_cast<std::int64_t>(value * 1000)) / 1000);
      }
    }
    json.end_array();
  }
  json.end_object().end_object();
}

}  // namespace

void Units::add(const sale::Counters& more, bool good) {
  counters.stock += more.stock;
  counters.available += more.available;
  counters.held += more.held;
  counters.sold += more.sold;
  counters.refunded += more.refunded;
  conserved = conserved && good;
}

Pace pace_between(const Metrics::Totals& before, const Metrics::Totals& after, Span time) {
  if (time.ms <= 0) return {};
  constexpr auto kGranted = static_cast<std::size_t>(GrabResult::granted);
  Pace pace;
  pace.granted = rate(before.grabs[kGranted], after.grabs[kGranted], time);
  pace.refused = rate(sum(before, kByRule), sum(after, kByRule), time);
  pace.turned_away = rate(sum(before, kTurnedAway), sum(after, kTurnedAway), time);
  pace.requests = rate(before.requests, after.requests, time);
  pace.p99_ms = p99_of(before, after);
  return pace;
}

void Monitor::tick(engine::Engine& engine, Metrics& metrics, Instant now) {
  const std::lock_guard lock(mutex_);
  const Span passed = now - ticked_at_;
  if (look_.number > 0 && passed < kLeastPause) return;
  ticked_at_ = now;
  const Metrics::Totals totals = metrics.totals();
  // The first look has nothing to compare with.
  const Pace pace = look_.number == 0 ? Pace{} : pace_between(look_.totals, totals, passed);
  look_ = {look_.number + 1, pace, totals};
  const Instant at = engine.now();
  const auto depth = static_cast<double>(engine.health().queue_depth);
  server_.add(at, {pace.granted, pace.refused, pace.turned_away, pace.requests, depth,
                   pace.p99_ms.value_or(0)});
  sample_sales(engine, at);
}

void Monitor::sample_sales(engine::Engine& engine, Instant at) {
  const auto catalog = engine.catalogs().current();
  std::size_t sampled = 0;
  for (const auto& sale : std::views::reverse(catalog->sales)) {
    const std::uint32_t no = sale->sale.no.value;
    const bool over = sale->sale.phase(at) == sale::Phase::ended;
    // What is over may still be paid for and refunded: it is followed on while there is room.
    if (over && !by_sale_.contains(no)) continue;
    if (++sampled > kMaxTrackedSales) break;
    auto found = by_sale_.find(no);
    if (found == by_sale_.end()) {
      if (by_sale_.size() >= kMaxTrackedSales) by_sale_.erase(by_sale_.begin());
      found =
          by_sale_.emplace(no, Series{Fold::last, Fold::last, Fold::last, Fold::last, Fold::last})
              .first;
    }
    Units units;
    for (const engine::CatalogItem* item : sale->items)
      units.add(item->live->read(), true);
    const auto real = [](Quantity quantity) { return static_cast<double>(quantity.units); };
    const sale::Counters& all = units.counters;
    found->second.add(at, {real(all.stock), real(all.available), real(all.held), real(all.sold),
                           real(all.refunded)});
  }
}

Monitor::Look Monitor::last() {
  const std::lock_guard lock(mutex_);
  return look_;
}

std::string Monitor::history_json(Window window, std::optional<std::uint32_t> sale) {
  const std::lock_guard lock(mutex_);
  static const Series nothing{};
  const Series* series = &server_;
  if (sale) {
    const auto found = by_sale_.find(*sale);
    series = found == by_sale_.end() ? &nothing : &found->second;
  }
  const bool fine = window == Window::fine;
  std::string body;
  write_series(body, fine ? series->fine() : series->coarse(), fine ? kFineStep : kCoarseStep,
               sale ? std::span<const std::string_view>(kSaleColumns)
                    : std::span<const std::string_view>(kServerColumns));
  return body;
}

}  // namespace sluice::api
