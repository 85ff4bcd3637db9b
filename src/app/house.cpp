// Starting and stopping the rooms of `sluice serve`.
#include "app/house.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "app/cluster.h"
#include "app/keys.h"
#include "app/support.h"
#include "app/version.h"
#include "app/webhooks.h"
#include "app/wechat.h"
#include "app/write_back.h"
#include "engine/embedded.h"
#include "sqlite/files.h"
#include "web/storefront.h"

namespace sluice::app {

namespace {

/// How often the health of the storage is looked at; also the longest a signal waits.
constexpr int kWatchMs = 200;

}  // namespace

House::~House() {
  // A start that failed halfway: who waits for the engine must be gone after it, not before.
  if (server_ && !stopped_) {
    server_->stop(Span{});
    if (goods_watch_) goods_watch_->stop();
    if (cashier_) cashier_->stop_desk();
    engine_->stop();
    if (cashier_) cashier_->stop_rooms();
    if (webhooks_) webhooks_->stop();
  }
  if (bus_ && !stopped_) bus_->stop();
  if (announced_) remove_server_file(config_.text("server.data"));
}

Result<> House::start() {
  if (auto opened = start_engine(); !opened) return opened;
  if (auto keyed = prepare_keys(); !keyed) return keyed;
  if (auto prepared = prepare_console(); !prepared) return prepared;
  if (auto listening = start_servers(); !listening) return listening;
  if (auto opened = open_cashier(); !opened) return opened;
  if (auto started = start_webhooks(); !started) return started;
  if (auto started = start_copier(); !started) return started;
  if (auto started = start_goods_watch(); !started) return started;
  if (demo_wanted_) {
    auto demo = open_demo_sale(*engine_);
    if (!demo) return std::unexpected(demo.error());
    demo_ = std::move(*demo);
  }
  if (auto written = announce(); !written) return written;
  warn_without_limits();
  print_banner(banner());
  return {};
}

bool House::wait(StopSignals& signals) {
  while (!signals.wait(kWatchMs)) {
    if (engine_->health().storage_lost) return false;
  }
  return true;
}

void House::stop(bool in_peace) {
  spdlog::info("stopping: admissions are closed, /readyz answers 503");
  api_->begin_shutdown();
  if (in_peace) {
    std::this_thread::sleep_for(std::chrono::milliseconds(config_.span("server.drain").ms));
  }
  if (admin_server_) admin_server_->stop(config_.span("server.grace"));
  server_->stop(config_.span("server.grace"));
  if (goods_watch_) goods_watch_->stop();
  if (cashier_) cashier_->stop_desk();
  engine_->stop();
  if (cashier_) cashier_->stop_rooms();
  if (webhooks_) webhooks_->stop();
  if (copier_) copier_->stop();
  if (bus_) bus_->stop();
  stopped_ = true;
  reconcile();
}

Result<> House::start_engine() {
  engine::EmbeddedOptions options;
  options.directory = config_.text("server.data");
  options.queue_bound = static_cast<std::size_t>(config_.integer("engine.queue"));
  // In a cluster every node decides alike, whichever of them takes payments.
  options.settings.has_gateway =
      is_cluster(config_) ? wechat_configured(config_) : takes_payments(config_, demo_wanted_);
  options.settings.max_close_attempts =
      static_cast<std::uint8_t>(config_.integer("payment.close_attempts"));
  options.settings.first_close_retry = std::max(config_.span("payment.close_retry"), Span{1});
  options.settings.last_close_retry =
      std::max(options.settings.first_close_retry, options.settings.last_close_retry);
  options.progress = [](std::uint64_t orders) {
    if (orders > 0) spdlog::info("recovering: {} orders so far", orders);
  };
  if (is_cluster(config_)) return start_cluster(options.settings);
  auto engine = engine::start_embedded(options);
  if (!engine) return std::unexpected(engine.error());
  engine_ = std::move(*engine);
  return {};
}

Result<> House::start_cluster(const sale::Settings& settings) {
  if (demo_wanted_) {
    return fail(
        "--demo is a trial on one machine with the embedded engine; deploy/cluster starts a "
        "cluster "
        "to try");
  }
  // The record is elsewhere; what this node says of itself and its payments are here.
  if (auto made = sqlite::make_directory(config_.text("server.data")); !made) return made;
  auto bus = open_cluster_bus(config_);
  if (!bus) return std::unexpected(bus.error());
  bus_ = std::move(*bus);
  auto engine = start_cluster_engine(config_, settings, *bus_);
  if (!engine) return std::unexpected(engine.error());
  engine_ = std::move(*engine);
  return {};
}

Result<> House::prepare_keys() {
  const std::string& data = config_.text("server.data");
  const bool only_ed25519 = config_.text("auth.hs256_secret").empty() &&
                            !config_.text("auth.ed25519_public_key_file").empty();
  std::string secret;
  std::error_code ignored;
  if (only_ed25519 && demo_wanted_) {
    return fail(
        "--demo signs tokens with HS256, but only auth.ed25519_public_key_file is "
        "configured; add auth.hs256_secret_file or leave --demo out");
  }
  if (!only_ed25519) {
    const bool is_new = config_.text("auth.hs256_secret").empty() &&
                        !std::filesystem::exists(key_path(data), ignored);
    auto key = is_new ? create_key(data) : find_key(config_);
    if (!key) return std::unexpected(key.error());
    secret = std::move(*key);
    if (is_new) new_key_ = secret;
  }
  auto options = token_options(config_, std::move(secret));
  if (!options) return std::unexpected(options.error());
  tokens_ = std::move(*options);
  return {};
}

Result<> House::prepare_console() {
  if (!has_role(config_, "console")) return {};
  auto password =
      prepare_console_password(config_.text("server.data"), config_.text("auth.console_password"));
  if (!password) return std::unexpected(password.error());
  new_password_ = std::move(password->fresh);
  door_ = std::make_unique<console::Door>(std::move(password->hash),
                                          !config_.text("server.tls_certificate").empty());
  return {};
}

Result<> House::start_servers() {
  api::ApiOptions options;
  options.tokens = tokens_;
  options.user_per_second = static_cast<std::uint32_t>(config_.integer("limits.user_per_second"));
  options.address_per_second =
      static_cast<std::uint32_t>(config_.integer("limits.address_per_second"));
  options.trust_forwarded_for = config_.truth("limits.trust_forwarded_for");
  options.has_gateway = takes_payments(config_, demo_wanted_);
  options.has_webhooks = !is_cluster(config_);
  options.pay_role = has_role(config_, "pay");
  options.demo = demo_wanted_;
  options.door = door_.get();
  options.version = version();
  options.seed = random_seed();
  auto api = api::Api::create(*engine_, options);
  if (!api) return std::unexpected(api.error());
  api_ = std::move(*api);

  const bool operators = has_role(config_, "console");
  const std::string& admin_listen = config_.text("server.admin_listen");
  auto server = listen(config_.text("server.listen"), threads(), operators && admin_listen.empty());
  if (!server) return std::unexpected(server.error());
  server_ = std::move(*server);
  if (operators && !admin_listen.empty()) {
    auto admin = listen(admin_listen, 1, true);
    if (!admin) return std::unexpected(admin.error());
    admin_server_ = std::move(*admin);
  }
  api_->observe([this] { return counts(); });
  return {};
}

Result<> House::open_cashier() {
  if (!takes_payments(config_, demo_wanted_)) return {};
  auto cashier =
      Cashier::open(config_, url_of(config_.text("server.listen"), *server_), *engine_, bus_.get());
  if (!cashier) return std::unexpected(cashier.error());
  cashier_ = std::move(*cashier);
  api_->open_payments(cashier_->rooms());
  return {};
}

Result<> House::start_webhooks() {
  // They follow the record's file, which a cluster has not.
  if (is_cluster(config_)) return {};
  auto webhooks = open_webhooks(config_);
  if (!webhooks) return std::unexpected(webhooks.error());
  webhooks_ = std::move(*webhooks);
  api_->open_webhooks(*webhooks_);
  return {};
}

Result<> House::start_copier() {
  const bool copies = is_cluster(config_) && has_role(config_, "worker");
  if (!copies || !write_back_configured(config_)) return {};
  auto copier = Copier::start(config_);
  if (!copier) return std::unexpected(copier.error());
  copier_ = std::move(*copier);
  return {};
}

Result<> House::start_goods_watch() {
  const bool watches = !is_cluster(config_) || has_role(config_, "worker");
  if (!watches || !goods_source_configured(config_)) return {};
  auto watch = GoodsWatch::start(config_, *engine_);
  if (!watch) return std::unexpected(watch.error());
  goods_watch_ = std::move(*watch);
  return {};
}

std::size_t House::threads() const {
  const auto configured = static_cast<std::size_t>(config_.integer("server.threads"));
  if (configured > 0) return configured;
  return std::max(1U, std::thread::hardware_concurrency());
}

Result<std::unique_ptr<http::Server>> House::listen(const std::string& where, std::size_t threads,
                                                    bool operators) {
  const auto endpoint = parse_endpoint(where);
  if (!endpoint) return std::unexpected(endpoint.error());
  http::ServerOptions options;
  options.listen = {endpoint->host, endpoint->port, config_.text("server.tls_certificate"),
                    config_.text("server.tls_private_key")};
  options.threads = threads;
  options.max_connections = max_connections_;
  const web::StorefrontOptions pages{tokens_.hs256_secret,
                                     !config_.text("server.tls_certificate").empty()};
  return http::Server::start(options, web::storefront(*api_, operators, pages));
}

http::ServerCounts House::counts() const {
  http::ServerCounts sum = server_->counts();
  if (!admin_server_) return sum;
  const http::ServerCounts more = admin_server_->counts();
  sum.connections_open += more.connections_open;
  sum.connections_total += more.connections_total;
  sum.requests += more.requests;
  sum.refused_requests += more.refused_requests;
  return sum;
}

std::string House::url_of(const std::string& where, const http::Server& server) const {
  Endpoint endpoint = *parse_endpoint(where);
  endpoint.port = server.port();
  if (endpoint.is_any()) endpoint.host = endpoint.host == "::" ? "::1" : "127.0.0.1";
  const bool is_tls = !config_.text("server.tls_certificate").empty();
  return fmt::format("{}://{}", is_tls ? "https" : "http", endpoint.text());
}

Result<> House::announce() {
  file_.url = url_of(config_.text("server.listen"), *server_);
  file_.admin_url =
      admin_server_ ? url_of(config_.text("server.admin_listen"), *admin_server_) : file_.url;
  file_.pid = getpid();
  file_.version = version();
  file_.started_at = wall_now();
  if (const std::string& pem = config_.text("server.tls_certificate"); !pem.empty()) {
    std::error_code ignored;
    file_.certificate = std::filesystem::absolute(pem, ignored).string();
  }
  announced_ = true;
  return write_server_file(config_.text("server.data"), file_);
}

void House::warn_without_limits() const {
  const bool user = config_.integer("limits.user_per_second") > 0;
  const bool address = config_.integer("limits.address_per_second") > 0;
  const std::string& where = config_.text("server.listen");
  if ((user && address) || parse_endpoint(where)->is_loopback()) return;
  spdlog::warn("{} can be reached by other machines, and {} off; 0 turns a limit off", where,
               user      ? "limits.address_per_second is"
               : address ? "limits.user_per_second is"
                         : "limits.user_per_second and limits.address_per_second are");
}

Banner House::banner() const {
  Banner banner;
  banner.server = file_;
  banner.data = config_.text("server.data");
  if (is_cluster(config_)) banner.services = cluster_services(config_);
  banner.threads = threads();
  banner.new_key = new_key_;
  banner.has_console = door_ != nullptr;
  banner.new_password = new_password_;
  banner.demo = demo_;
  if (cashier_) {
    banner.gateway = cashier_->gateway_name();
    banner.sandbox_url = cashier_->sandbox_url();
  }
  const auto catalog = engine_->catalogs().current();
  banner.sales = catalog->sales.size();
  if (!catalog->items.empty()) banner.some_item = catalog->items.back()->item.id;
  banner.orders = engine_->counts().orders.load();
  return banner;
}

void House::reconcile() const {
  const auto catalog = engine_->catalogs().current();
  for (const auto& item : catalog->items) {
    const sale::Counters units = item->live->read();
    const auto level = units.conserved() ? spdlog::level::info : spdlog::level::critical;
    spdlog::log(level, "item {}: stock {} {} available {} + held {} + sold {}", item->item.id,
                units.stock.units, units.conserved() ? "=" : "IS NOT", units.available.units,
                units.held.units, units.sold.units);
  }
  spdlog::info("stopped: {} orders on record", engine_->counts().orders.load());
}

}  // namespace sluice::app
