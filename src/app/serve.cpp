// `sluice serve`: the composition root. It starts the rooms in order, waits, and stops them in the
// opposite order.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "api/api.h"
#include "app/banner.h"
#include "app/cashier.h"
#include "app/cli.h"
#include "app/demo.h"
#include "app/keys.h"
#include "app/logging.h"
#include "app/server_file.h"
#include "app/support.h"
#include "app/system.h"
#include "app/version.h"
#include "engine/embedded.h"
#include "http/server.h"

namespace sluice::app {

namespace {

/// How often the health of the storage is looked at; also the longest a signal waits.
constexpr int kWatchMs = 200;
/// Descriptors that are not connections: the record, logs, timers, wake-ups.
constexpr std::uint64_t kSpareFiles = 128;

struct ServeFlags {
  ConfigFlags config;
  bool demo = false;
};

/// All rooms of one process. Members are in order of start, so destruction stops what still runs.
class House {
 public:
  House(const Config& config, bool demo, std::size_t max_connections)
      : config_(config), demo_wanted_(demo), max_connections_(max_connections) {}
  House(const House&) = delete;
  House& operator=(const House&) = delete;
  ~House() {
    // A start that failed halfway: who waits for the engine must be gone after it, not before.
    if (server_ && !stopped_) {
      server_->stop(Span{});
      if (cashier_) cashier_->stop_desk();
      engine_->stop();
      if (cashier_) cashier_->stop_rooms();
    }
    if (announced_) remove_server_file(config_.text("server.data"));
  }

  Result<> start() {
    if (auto opened = start_engine(); !opened) return opened;
    if (auto keyed = prepare_keys(); !keyed) return keyed;
    if (auto listening = start_servers(); !listening) return listening;
    if (auto opened = open_cashier(); !opened) return opened;
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

  /// Waits for a signal (true) or for the storage to break (false).
  bool wait(StopSignals& signals) {
    while (!signals.wait(kWatchMs)) {
      if (engine_->health().storage_lost) return false;
    }
    return true;
  }

  /// Not ready, drained, committed, reconciled.
  void stop(bool in_peace) {
    spdlog::info("stopping: admissions are closed, /readyz answers 503");
    api_->begin_shutdown();
    if (in_peace) {
      std::this_thread::sleep_for(std::chrono::milliseconds(config_.span("server.drain").ms));
    }
    if (admin_server_) admin_server_->stop(config_.span("server.grace"));
    server_->stop(config_.span("server.grace"));
    if (cashier_) cashier_->stop_desk();
    engine_->stop();
    if (cashier_) cashier_->stop_rooms();
    stopped_ = true;
    reconcile();
  }

 private:
  Result<> start_engine() {
    engine::EmbeddedOptions options;
    options.directory = config_.text("server.data");
    options.queue_bound = static_cast<std::size_t>(config_.integer("engine.queue"));
    options.settings.has_gateway = takes_payments(config_, demo_wanted_);
    options.progress = [](std::uint64_t orders) {
      if (orders > 0) spdlog::info("recovering: {} orders so far", orders);
    };
    auto engine = engine::start_embedded(options);
    if (!engine) return std::unexpected(engine.error());
    engine_ = std::move(*engine);
    return {};
  }

  /// The configured keys, or for loopback use a generated one.
  Result<> prepare_keys() {
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

  Result<> start_servers() {
    api::ApiOptions options;
    options.tokens = tokens_;
    options.user_per_second = static_cast<std::uint32_t>(config_.integer("limits.user_per_second"));
    options.address_per_second =
        static_cast<std::uint32_t>(config_.integer("limits.address_per_second"));
    options.trust_forwarded_for = config_.truth("limits.trust_forwarded_for");
    options.has_gateway = takes_payments(config_, demo_wanted_);
    options.pay_role = has_role(config_, "pay");
    options.demo = demo_wanted_;
    options.version = version();
    options.seed = random_seed();
    auto api = api::Api::create(*engine_, options);
    if (!api) return std::unexpected(api.error());
    api_ = std::move(*api);

    const bool operators = has_role(config_, "console");
    const std::string& admin_listen = config_.text("server.admin_listen");
    auto server =
        listen(config_.text("server.listen"), threads(), operators && admin_listen.empty());
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

  /// After the servers, because the demo's gateway is told their port; /readyz waits for it.
  Result<> open_cashier() {
    if (!takes_payments(config_, demo_wanted_)) return {};
    auto cashier =
        Cashier::open(config_, url_of(config_.text("server.listen"), *server_), *engine_);
    if (!cashier) return std::unexpected(cashier.error());
    cashier_ = std::move(*cashier);
    api_->open_payments(cashier_->rooms());
    return {};
  }

  std::size_t threads() const {
    const auto configured = static_cast<std::size_t>(config_.integer("server.threads"));
    if (configured > 0) return configured;
    return std::max(1U, std::thread::hardware_concurrency());
  }

  Result<std::unique_ptr<http::Server>> listen(const std::string& where, std::size_t threads,
                                               bool operators) {
    const auto endpoint = parse_endpoint(where);
    if (!endpoint) return std::unexpected(endpoint.error());
    http::ServerOptions options;
    options.listen = {endpoint->host, endpoint->port, config_.text("server.tls_certificate"),
                      config_.text("server.tls_private_key")};
    options.threads = threads;
    options.max_connections = max_connections_;
    return http::Server::start(options, api_->services(operators));
  }

  http::ServerCounts counts() const {
    http::ServerCounts sum = server_->counts();
    if (!admin_server_) return sum;
    const http::ServerCounts more = admin_server_->counts();
    sum.connections_open += more.connections_open;
    sum.connections_total += more.connections_total;
    sum.requests += more.requests;
    sum.refused_requests += more.refused_requests;
    return sum;
  }

  /// The address that this machine reaches a listener by.
  std::string url_of(const std::string& where, const http::Server& server) const {
    Endpoint endpoint = *parse_endpoint(where);
    endpoint.port = server.port();
    if (endpoint.is_any()) endpoint.host = endpoint.host == "::" ? "::1" : "127.0.0.1";
    const bool is_tls = !config_.text("server.tls_certificate").empty();
    return fmt::format("{}://{}", is_tls ? "https" : "http", endpoint.text());
  }

  Result<> announce() {
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

  /// Off is right for a trial on one machine; a shop that others reach should have chosen it.
  void warn_without_limits() const {
    const bool user = config_.integer("limits.user_per_second") > 0;
    const bool address = config_.integer("limits.address_per_second") > 0;
    const std::string& where = config_.text("server.listen");
    if ((user && address) || parse_endpoint(where)->is_loopback()) return;
    spdlog::warn("{} can be reached by other machines, and {} off; 0 turns a limit off", where,
                 user      ? "limits.address_per_second is"
                 : address ? "limits.user_per_second is"
                           : "limits.user_per_second and limits.address_per_second are");
  }

  Banner banner() const {
    Banner banner;
    banner.server = file_;
    banner.data = config_.text("server.data");
    banner.threads = threads();
    banner.new_key = new_key_;
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

  void reconcile() const {
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

  const Config& config_;
  bool demo_wanted_;
  std::size_t max_connections_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Cashier> cashier_;
  http::TokenOptions tokens_;
  std::string new_key_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> admin_server_;
  std::optional<DemoSale> demo_;
  ServerFile file_;
  bool announced_ = false;
  bool stopped_ = false;
};

/// server.max_connections, or fewer where the system does not allow that many open files.
std::size_t affordable_connections(const Config& config) {
  const auto wanted = static_cast<std::uint64_t>(config.integer("server.max_connections"));
  const std::uint64_t files = raise_open_files();
  if (files >= wanted + kSpareFiles) return wanted;
  const std::uint64_t affordable = files > 2 * kSpareFiles ? files - kSpareFiles : kSpareFiles;
  // Nobody asked for the default: running with a little less is no reason for a warning.
  const auto level =
      config.is_default("server.max_connections") ? spdlog::level::info : spdlog::level::warn;
  spdlog::log(level,
              "at most {} connections, not {}: only {} files may be open; raise it with ulimit -Hn "
              "{} or LimitNOFILE={}",
              affordable, wanted, files, wanted + kSpareFiles, wanted + kSpareFiles);
  return affordable;
}

int serve(const ServeFlags& flags) {
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kWrongUsage);
  if (auto supported = check_supported(*config); !supported) {
    return complain(supported.error().message, kWrongUsage);
  }
  if (auto logging = start_logging(*config); !logging) {
    return complain(logging.error().message, kJobFailed);
  }
  for (const std::string& remark : unused_settings(*config, flags.demo))
    spdlog::warn("{}", remark);
  StopSignals signals;
  House house(*config, flags.demo, affordable_connections(*config));
  if (auto started = house.start(); !started) {
    return complain(started.error().message, kJobFailed);
  }
  const bool in_peace = house.wait(signals);
  signals.insist();
  if (!in_peace) {
    spdlog::critical(
        "the record cannot be written any more; stopping. What was acknowledged is on "
        "disk: check the disk (sluice doctor) and start again");
  }
  house.stop(in_peace);
  return in_peace ? kSuccess : kJobFailed;
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "run the server");
  flags->config.add_to(*command);
  flags->config.add_key(*command, "--listen", "server.listen", "address to serve at, HOST:PORT");
  flags->config.add_key(*command, "--roles", "server.roles",
                        "sale, pay, console (comma-separated)");
  flags->config.add_key(*command, "--threads", "server.threads", "I/O threads; 0: by hardware");
  flags->config.add_key(*command, "--log-format", "log.format", "text or json");
  flags->config.add_key(*command, "--log-level", "log.level", "debug, info, warn, error, …");
  command->add_flag(
      "--demo", flags->demo,
      "add a sale that starts in 15 s, a sandbox gateway and a sign-in without account");
  command->footer(
      "Example:\n  sluice serve --demo\n  sluice serve --config sluice.toml --listen "
      "0.0.0.0:8080\n\nWithout configuration: the embedded engine on 127.0.0.1:8080, "
      "data in ./sluice-data.");
  command->callback([flags, &status] { status = serve(*flags); });
}

}  // namespace sluice::app
