// Merging of the cells and the text that Prometheus reads.
#include "api/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <ranges>
#include <string_view>
#include <utility>

#include "api/payments.h"
#include "api/routes.h"
#include "bus/bus.h"
#include "webhook/office.h"

namespace sluice::api {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// Items with gauges of their own; a catalog may hold 100,000, a scrape should not.
constexpr std::size_t kMaxItemGauges = 200;

constexpr std::array<std::string_view, kGrabResults> kGrabNames{
    "replayed",       "key_mismatch",  "unknown_item", "invalid", "not_started", "ended",  "paused",
    "already_queued", "limit_reached", "sold_out",     "granted", "overloaded",  "storage"};

constexpr std::array<std::string_view, kPaymentResults> kPaymentNames{
    "begun",   "unknown_order", "not_awaiting", "past_deadline",
    "refused", "unavailable",   "overloaded",   "storage"};

using Labels = std::vector<ClientMetric::Label>;

class Page {
 public:
  MetricFamily& family(std::string name, std::string help, MetricType type) {
    families_.push_back(MetricFamily{std::move(name), std::move(help), type, {}});
    return families_.back();
  }
  static void add(MetricFamily& to, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (to.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    to.metric.push_back(std::move(metric));
  }
  void counter(std::string name, std::string help, double value) {
    add(family(std::move(name), std::move(help), MetricType::Counter), value);
  }
  void gauge(std::string name, std::string help, double value) {
    add(family(std::move(name), std::move(help), MetricType::Gauge), value);
  }
  std::string text() const {
    return prometheus::TextSerializer().Serialize({families_.begin(), families_.end()});
  }

 private:
  std::deque<MetricFamily> families_;  ///< references to earlier ones stay valid
};

template <class Number>
double real(Number number) {
  return static_cast<double>(number);
}

void add_engine(Page& page, const engine::Engine& engine) {
  const engine::Counts& counts = engine.counts();
  const engine::Health health = engine.health();
  page.counter("sluice_commits_total", "Transactions committed with a full sync.",
               real(counts.commits.load()));
  page.counter("sluice_commands_total", "Commands applied by the writer.",
               real(counts.commands.load()));
  page.counter("sluice_commit_seconds_total", "Time spent committing.",
               real(counts.commit_nanoseconds.load()) / 1e9);
  page.gauge("sluice_log_bytes", "Size of the record's write-ahead log.",
             real(counts.log_bytes.load()));
  page.gauge("sluice_queue_depth", "Commands waiting for the writer.", real(health.queue_depth));
  page.gauge("sluice_queue_bound", "Commands that may wait before grabs are refused.",
             real(health.queue_bound));
  page.gauge("sluice_orders", "Orders in memory.", real(counts.orders.load()));
  page.gauge("sluice_users", "Shoppers in memory.", real(counts.users.load()));
  page.counter("sluice_alarms_total", "Alarms raised; the log says which.",
               real(counts.alarms.load()));
  page.gauge("sluice_ready", "1 while admissions are open.", health.ready ? 1 : 0);
  page.gauge("sluice_storage_ok", "1 while the record can be written.", health.storage_ok ? 1 : 0);
  page.gauge("sluice_conserved", "1 while every item's counters add up to its stock.",
             health.conserved ? 1 : 0);
}

void add_items(Page& page, const engine::Engine& engine) {
  MetricFamily units{
      "sluice_item_units", "Units of an item by where they are.", MetricType::Gauge, {}};
  const auto catalog = engine.catalogs().current();
  const Instant now = engine.now();
  std::size_t shown = 0;
  std::size_t left_out = 0;
  // The newest first: those are what people look at.
  for (const auto& item : std::views::reverse(catalog->items)) {
    if (item->sale->sale.phase(now) == sale::Phase::ended || shown == kMaxItemGauges) {
      ++left_out;
      continue;
    }
    ++shown;
    const sale::Counters counters = item->live->read();
    const auto add = [&](std::string_view state, Quantity quantity) {
      Page::add(units, real(quantity.units),
                {{"item", item->item.id}, {"state", std::string(state)}});
    };
    add("stock", counters.stock);
    add("available", counters.available);
    add("held", counters.held);
    add("sold", counters.sold);
  }
  auto& family = page.family(units.name, units.help, units.type);
  family.metric = std::move(units.metric);
  page.gauge("sluice_items_without_gauge", "Items left out above: ended, or beyond the bound.",
             real(left_out));
}

void add_payments(Page& page, const Payments& payments) {
  const payment::Gateway::Health gateway = payments.gateway->health();
  page.counter("sluice_payment_gateway_calls_total", "Calls to the payment provider.",
               real(gateway.calls));
  page.counter("sluice_payment_gateway_failures_total", "Calls that the provider did not answer.",
               real(gateway.failures));
  page.gauge("sluice_payment_gateway_breaker_open", "1 while calls are held back after failures.",
             gateway.breaker_open ? 1 : 0);
  const settlement::DeskCounts desk = payments.desk->counts();
  page.counter("sluice_payment_settlements_total", "Notifications of sale orders dealt with.",
               real(desk.notifications));
  page.gauge("sluice_payment_parked", "Notifications of sale orders that wait for a person.",
             real(desk.parked));
  const payment::NotificationCounts counts = payments.service->counts();
  auto& told =
      page.family("sluice_payment_notifications_total",
                  "Notifications of the provider, by what became of them.", MetricType::Counter);
  Page::add(told, real(counts.routed), {{"verdict", "routed"}});
  Page::add(told, real(counts.repeated), {{"verdict", "repeated"}});
  Page::add(told, real(counts.refused), {{"verdict", "refused"}});
  Page::add(told, real(counts.not_stored), {{"verdict", "not_stored"}});
  auto& waiting = page.family("sluice_payment_waiting",
                              "Orders that wait for the provider, by why.", MetricType::Gauge);
  Page::add(waiting, real(desk.closings_waiting), {{"why", "close"}});
  Page::add(waiting, real(desk.refunds_waiting), {{"why", "refund"}});
  Page::add(waiting, real(desk.reconciling), {{"why", "reconcile"}});
  auto& queues = page.family("sluice_payment_queue_messages",
                             "Messages of the bus by where they are; parked ones need a person.",
                             MetricType::Gauge);
  for (const bus::Bus::QueueState& state : payments.bus->queues()) {
    Page::add(queues, real(state.ready), {{"queue", state.queue}, {"state", "ready"}});
    Page::add(queues, real(state.unacknowledged),
              {{"queue", state.queue}, {"state", "unacknowledged"}});
    Page::add(queues, real(state.parked), {{"queue", state.queue}, {"state", "parked"}});
  }
  page.gauge("sluice_payment_ledger_healthy", "1 while payments can be recorded.",
             payments.service->healthy() ? 1 : 0);
  page.gauge("sluice_payment_bus_healthy", "1 while messages can be stored.",
             payments.bus->healthy() ? 1 : 0);
}

void add_webhooks(Page& page, const webhook::Counts& counts) {
  page.counter("sluice_webhook_events_total", "Events that webhooks are told of.",
               real(counts.events));
  auto& attempts = page.family("sluice_webhook_attempts_total",
                               "Requests to webhooks, by how they ended.", MetricType::Counter);
  Page::add(attempts, real(counts.attempts_ok), {{"outcome", "delivered"}});
  Page::add(attempts, real(counts.attempts_refused), {{"outcome", "refused"}});
  Page::add(attempts, real(counts.attempts_failed), {{"outcome", "failed"}});
  page.counter("sluice_webhook_given_up_total", "Deliveries given up after 24 hours.",
               real(counts.given_up));
  auto& deliveries =
      page.family("sluice_webhook_deliveries", "Deliveries that are not done, by where they stand.",
                  MetricType::Gauge);
  Page::add(deliveries, real(counts.pending), {{"state", "pending"}});
  Page::add(deliveries, real(counts.in_flight), {{"state", "in_flight"}});
  Page::add(deliveries, real(counts.failed), {{"state", "failed"}});
  page.gauge("sluice_webhook_endpoints", "Webhooks that are registered.", real(counts.endpoints));
  page.gauge("sluice_webhook_endpoints_held", "Webhooks paused, or held back after failures.",
             real(counts.endpoints_held));
  page.gauge("sluice_webhook_history_behind", "Rows of the history not looked at for events yet.",
             real(counts.behind));
  page.gauge("sluice_webhook_healthy", "1 while events and deliveries can be stored.",
             counts.healthy ? 1 : 0);
}

void add_servers(Page& page, const std::vector<std::function<http::ServerCounts()>>& servers) {
  http::ServerCounts total;
  for (const auto& counts_of : servers) {
    const http::ServerCounts counts = counts_of();
    total.connections_open += counts.connections_open;
    total.connections_total += counts.connections_total;
    total.requests += counts.requests;
    total.refused_requests += counts.refused_requests;
  }
  page.gauge("sluice_connections", "Open connections.", real(total.connections_open));
  page.counter("sluice_connections_total", "Connections accepted.", real(total.connections_total));
  page.counter("sluice_server_requests_total", "Requests read by the servers.",
               real(total.requests));
  page.counter("sluice_refused_requests_total", "Requests refused as malformed, too large or slow.",
               real(total.refused_requests));
}

}  // namespace

void MetricsCell::observe_latency(std::uint64_t microseconds) {
  const auto* bound = std::ranges::lower_bound(kLatencyBounds, microseconds);
  latency[static_cast<std::size_t>(bound - kLatencyBounds.begin())].add();
  latency_microseconds.add(microseconds);
}

MetricsCell& Metrics::new_cell() {
  const std::lock_guard lock(mutex_);
  return *cells_.emplace_back(std::make_unique<MetricsCell>());
}

void Metrics::observe(std::function<http::ServerCounts()> counts) {
  const std::lock_guard lock(mutex_);
  servers_.push_back(std::move(counts));
}

Metrics::Totals Metrics::totals() {
  const std::lock_guard lock(mutex_);
  Totals totals;
  for (const auto& cell : cells_) {
    for (std::size_t i = 0; i < totals.grabs.size(); ++i)
      totals.grabs[i] += cell->grabs[i].read();
    for (std::size_t i = 0; i < totals.latency.size(); ++i)
      totals.latency[i] += cell->latency[i].read();
  }
  for (const auto& observed : servers_) {
    const http::ServerCounts counts = observed();
    totals.requests += counts.requests;
    totals.connections += counts.connections_open;
  }
  return totals;
}

std::string Metrics::expose(const engine::Engine& engine, const Payments* payments,
                            const webhook::Office* webhooks, const std::vector<RouteName>& routes,
                            const std::string& version, std::int64_t streams_open) {
  const std::lock_guard lock(mutex_);
  Page page;
  Page::add(page.family("sluice_build_info", "The running version.", MetricType::Gauge), 1,
            {{"version", version}});
  const auto sum = [&](auto&& of) {
    std::uint64_t total = 0;
    for (const auto& cell : cells_)
      total += of(*cell).read();
    return total;
  };

  auto& requests =
      page.family("sluice_http_requests_total", "Requests answered, by route and class of status.",
                  MetricType::Counter);
  for (std::size_t row = 0; row < routes.size(); ++row) {
    for (std::size_t status = 1; status < kStatusClasses; ++status) {
      const std::uint64_t count = sum(
          [&](const MetricsCell& cell) -> const Counter& { return cell.requests[row][status]; });
      if (count == 0) continue;
      Page::add(requests, real(count),
                {{"method", routes[row].method},
                 {"route", routes[row].pattern},
                 {"status", std::to_string(status) + "xx"}});
    }
  }

  auto& grabs = page.family("sluice_grabs_total", "Grabs, by how they ended.", MetricType::Counter);
  for (std::size_t result = 0; result < kGrabResults; ++result) {
    Page::add(
        grabs,
        real(sum([&](const MetricsCell& cell) -> const Counter& { return cell.grabs[result]; })),
        {{"outcome", std::string(kGrabNames[result])}});
  }

  auto& latency = page.family("sluice_grab_seconds",
                              "From a grab's arrival to its durable answer, queue included.",
                              MetricType::Histogram);
  ClientMetric histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= kLatencyBounds.size(); ++i) {
    cumulative += sum([&](const MetricsCell& cell) -> const Counter& { return cell.latency[i]; });
    const double bound = i < kLatencyBounds.size() ? real(kLatencyBounds[i]) / 1e6
                                                   : std::numeric_limits<double>::infinity();
    histogram.histogram.bucket.push_back({cumulative, bound});
  }
  histogram.histogram.sample_count = cumulative;
  histogram.histogram.sample_sum = real(sum([](const MetricsCell& cell) -> const Counter& {
                                     return cell.latency_microseconds;
                                   })) /
                                   1e6;
  latency.metric.push_back(std::move(histogram));

  auto& begun = page.family("sluice_payments_total", "Payments asked for by shoppers, by answer.",
                            MetricType::Counter);
  for (std::size_t result = 0; result < kPaymentResults; ++result) {
    Page::add(
        begun,
        real(sum([&](const MetricsCell& cell) -> const Counter& { return cell.payments[result]; })),
        {{"outcome", std::string(kPaymentNames[result])}});
  }

  page.gauge("sluice_event_streams", "Open streams of server-sent events.", real(streams_open));
  add_engine(page, engine);
  add_items(page, engine);
  if (payments != nullptr) add_payments(page, *payments);
  if (webhooks != nullptr) add_webhooks(page, webhooks->counts());
  add_servers(page, servers_);
  return page.text();
}

void metrics(Context& context, const Request&, const Captures&, Exchange&& exchange) {
  std::vector<Metrics::RouteName> names;
  for (const Route& route : all_routes())
    names.push_back({std::string(wire_name(route.method)), std::string(route.pattern)});
  Api::Shared& shared = *context.shared;
  http::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = shared.metrics.expose(context.engine, payments_of(context),
                                        shared.webhooks.load(std::memory_order_acquire), names,
                                        shared.options.version, shared.streams);
  exchange.send(std::move(response));
}

}  // namespace sluice::api
