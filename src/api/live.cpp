// GET /api/v1/admin/live, its stream, and the history behind the charts.
#include "api/live.h"

#include <fmt/core.h>

#include <chrono>
#include <ranges>
#include <utility>
#include <vector>

#include "api/catalog_json.h"
#include "api/health.h"
#include "api/lookup.h"
#include "api/operator_session.h"
#include "api/query.h"
#include "api/routes.h"
#include "console/door.h"
#include "http/browser.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

constexpr Span kTick = Span::seconds(1);

Instant steady_now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return Instant{std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

void write_units(http::JsonWriter& json, const Units& units) {
  const sale::Counters& all = units.counters;
  json.member("stock", all.stock.units).member("available", all.available.units);
  json.member("held", all.held.units).member("sold", all.sold.units);
  json.member("refunded", all.refunded.units).member("conserved", units.conserved);
}

Units units_of(const engine::CatalogSale& sale) {
  Units units;
  for (const engine::CatalogItem* item : sale.items) {
    const sale::Counters counters = item->live->read();
    units.add(counters, counters.conserved() && !item->live->frozen());
  }
  return units;
}

/// The sales that are not over, the newest first, and all their units together.
void write_sales(http::JsonWriter& json, const engine::Catalog& catalog, Instant now) {
  Units all;
  std::size_t count = 0;
  json.key("sales").begin_array();
  for (const auto& sale : std::views::reverse(catalog.sales)) {
    const sale::Phase phase = sale->sale.phase(now);
    if (phase == sale::Phase::ended) continue;
    const Units units = units_of(*sale);
    all.add(units.counters, units.conserved);
    if (++count > kMaxLiveSales) continue;
    json.begin_object().member("id", sale->sale.id).member("title", sale->sale.title);
    json.member("phase", to_text(phase)).member("starts_at", sale->sale.starts_at);
    json.member("ends_at", sale->sale.ends_at);
    write_units(json, units);
    json.end_object();
  }
  json.end_array().member("sale_count", count);
  json.key("units").begin_object();
  write_units(json, all);
  json.end_object();
}

void write_services(http::JsonWriter& json, const ServiceHealth& services, Language language) {
  json.key("services").begin_array();
  for (const ServiceCheck& check : services.checks) {
    json.begin_object().member("name", check.name).member("ok", check.good);
    json.member("detail", check.good ? std::string_view() : check.why.in(language)).end_object();
  }
  json.end_array();
}

std::string live_json(Context& context, Language language) {
  const Api::Shared& shared = *context.shared;
  const Monitor::Look look = context.shared->monitor.last();
  const engine::Health health = context.engine.health();
  const ServiceHealth services = service_health(shared);
  const Instant now = context.engine.now();
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("now", now).member("version", shared.options.version);
  json.member("ready", services.ready).member("conserved", health.conserved);
  json.member("granted_per_second", look.pace.granted);
  json.member("refused_per_second", look.pace.refused);
  json.member("turned_away_per_second", look.pace.turned_away);
  json.member("requests_per_second", look.pace.requests);
  json.key("p99_ms");
  if (look.pace.p99_ms) {
    json.value(*look.pace.p99_ms);
  } else {
    json.null();
  }
  json.member("queue_depth", health.queue_depth).member("queue_bound", health.queue_bound);
  json.member("orders", context.engine.counts().orders.load());
  json.member("connections", look.totals.connections);
  json.member("streams", shared.streams.load() + shared.live_streams.load());
  json.member("alarms", context.engine.counts().alarms.load());
  write_sales(json, context.catalog.get(), now);
  write_services(json, services, language);
  json.end_object();
  return body;
}

/// The items of one sale, as an event of its own beside the numbers of all.
std::string sale_json(Context& context, SaleNo no) {
  const engine::CatalogSale& sale = *context.catalog.get().sales[no.value];
  const Instant now = context.engine.now();
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("now", now).member("sale_id", sale.sale.id);
  json.member("phase", to_text(sale.sale.phase(now))).key("items").begin_array();
  for (const engine::CatalogItem* item : sale.items)
    write_stats(json, *item, item->live->read());
  json.end_array().key("total").begin_object();
  write_units(json, units_of(sale));
  json.end_object().end_object();
  return body;
}

/// The sale that the query names; with a fault or an unknown sale, the exchange has been answered.
bool find_named_sale(Context& context, QueryReader& query, Exchange& exchange,
                     std::optional<SaleNo>& no) {
  const auto named = query.text("sale");
  if (query.fault()) {
    exchange.fail(Code::invalid_request, *query.fault());
    return false;
  }
  if (!named) return true;
  const engine::CatalogSale* sale = context.catalog.get().find_sale(*named);
  if (sale == nullptr) {
    exchange.fail(Code::unknown_sale);
    return false;
  }
  no = sale->sale.no;
  return true;
}

}  // namespace

LiveHub::LiveHub(Context& context) : context_(context) {
  context.thread.every(kTick, [this] { tick(); });
}

LiveHub::~LiveHub() {
  context_.shared->live_streams -= static_cast<std::int64_t>(listeners_.size());
}

bool LiveHub::reserve() {
  if (context_.shared->live_streams.fetch_add(1) < kMaxLiveStreams) return true;
  --context_.shared->live_streams;
  return false;
}

void LiveHub::open(Listener listener) {
  const Key key = next_key_++;
  listener.stream->on_closed([this, key] { close(key); });
  listeners_.emplace(key, std::move(listener));
  tell(key);
}

void LiveHub::tick() {
  Api::Shared& shared = *context_.shared;
  shared.monitor.tick(context_.engine, shared.metrics, steady_now());
  std::vector<Key> keys;  // writing may close streams and so change the map
  keys.reserve(listeners_.size());
  for (const auto& [key, listener] : listeners_)
    keys.push_back(key);
  for (const Key key : keys)
    tell(key);
}

void LiveHub::tell(Key key) {
  const auto found = listeners_.find(key);
  if (found == listeners_.end()) return;
  const Listener& listener = found->second;
  const auto stream = listener.stream;
  const Instant now = context_.engine.now();
  console::Door* door = context_.shared->options.door;
  const bool over = now >= listener.expires_at ||
                    (!listener.session.empty() &&
                     !door->sessions().find(listener.session, now, false).has_value());
  if (over) {
    close(key);
    return stream->finish();
  }
  std::string event =
      fmt::format("event: live\ndata: {}\n\n", live_json(context_, listener.language));
  if (listener.sale) {
    event += fmt::format("event: sale\ndata: {}\n\n", sale_json(context_, *listener.sale));
  }
  if (!stream->write(std::move(event))) close(key);
}

void LiveHub::close(Key key) {
  if (listeners_.erase(key) > 0) --context_.shared->live_streams;
}

void admin_live(Context& context, const Request&, const Captures&, Exchange&& exchange) {
  exchange.send_personal(live_json(context, exchange.language()));
}

void admin_live_events(Context& context, const Request& request, const Captures&,
                       Exchange&& exchange) {
  QueryReader query(request.query, {"sale"});
  LiveHub::Listener listener;
  if (!find_named_sale(context, query, exchange, listener.sale)) return;
  if (!context.live->reserve()) return exchange.fail(Code::too_many_streams);
  listener.expires_at = context.claims.expires_at;
  listener.language = exchange.language();
  if (!context.csrf.empty()) listener.session = console_cookie(context, request);
  http::Response head;
  head.content_type = "text/event-stream";
  head.add("Cache-Control", "no-store").add("X-Accel-Buffering", "no");
  listener.stream = exchange.stream(std::move(head));
  listener.stream->write("retry: 3000\n\n");
  context.live->open(std::move(listener));
}

void admin_history(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  QueryReader query(request.query, {"sale", "window"});
  const std::string window = query.text("window").value_or("15m");
  if (window != "15m" && window != "24h") {
    query.refuse(fmt::format("window is \"{}\"; it must be 15m or 24h.", window),
                 fmt::format("window 的值 \"{}\" 不正确，应为 15m 或 24h。", window));
  }
  std::optional<SaleNo> sale;
  if (!find_named_sale(context, query, exchange, sale)) return;
  std::optional<std::uint32_t> number;
  if (sale) number = sale->value;
  exchange.send_personal(context.shared->monitor.history_json(
      window == "15m" ? Monitor::Window::fine : Monitor::Window::coarse, number));
}

}  // namespace sluice::api
