// Opening the payment rooms in order, and stopping them in the opposite one.
#include "app/cashier.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "app/keys.h"
#include "app/rabbit.h"
#include "app/support.h"
#include "app/wechat.h"

namespace sluice::app {

namespace {

Result<std::unique_ptr<bus::Bus>> open_bus(const Config& config,
                                           const std::vector<bus::Binding>& places) {
  if (!rabbit_configured(config)) return bus::open_local(config.text("server.data"), places);
  auto bus = open_rabbit(config, places);
  if (!bus) return std::unexpected(bus.error());
  return std::unique_ptr<bus::Bus>(std::move(*bus));
}

}  // namespace

bool takes_payments(const Config& config, bool demo) {
  return has_role(config, "pay") && (demo || wechat_configured(config));
}

Result<std::unique_ptr<Cashier>> Cashier::open(const Config& config, const std::string& own_url,
                                               engine::Engine& engine, bus::Bus* shared) {
  std::unique_ptr<Cashier> cashier(new Cashier(config));
  cashier->bus_ = shared;
  if (auto started = cashier->start_gateway(own_url); !started) {
    return std::unexpected(started.error());
  }
  if (auto opened = cashier->open_rooms(engine); !opened) return std::unexpected(opened.error());
  return cashier;
}

Cashier::~Cashier() {
  stop_desk();
  stop_rooms();
}

Result<> Cashier::start_gateway(const std::string& own_url) {
  if (wechat_configured(config_)) {
    auto gateway = start_wechat(config_);
    if (!gateway) return std::unexpected(gateway.error());
    gateway_ = std::move(*gateway);
    gateway_name_ = wechat_name(config_);
    if (const auto remark = refund_remark(config_)) spdlog::warn("{}", *remark);
    return {};
  }
  sandbox::SandboxOptions options;
  options.keys_directory = config_.text("server.data") + "/sandbox";
  options.notify_url = own_url + "/weixin/pay/notify/url";
  auto sandbox = sandbox::Sandbox::start(options);
  if (!sandbox) return fail("the demo's gateway: " + sandbox.error().message);
  sandbox_ = std::move(*sandbox);
  const auto settings = Config::load({{}, {}, sandbox_->settings_file()});
  if (!settings) return fail("the demo's gateway: " + settings.error().message);
  auto gateway = start_wechat(*settings);
  if (!gateway) return fail("the demo's gateway: " + gateway.error().message);
  gateway_ = std::move(*gateway);
  gateway_name_ = "sandbox, " + wechat_name(*settings) + "; no money moves";
  return {};
}

Result<> Cashier::open_rooms(engine::Engine& engine) {
  const std::string& data = config_.text("server.data");
  const auto places = destinations(config_);
  if (!places) return std::unexpected(places.error());
  if (bus_ == nullptr) {
    auto bus = open_bus(config_, *places);
    if (!bus) return std::unexpected(bus.error());
    own_bus_ = std::move(*bus);
    bus_ = own_bus_.get();
  }
  payment::ServiceOptions options;
  options.directory = data;
  options.allowed = *places;
  // Signatures carry the provider's wall clock, so it is compared with this machine's.
  options.now = [] { return wall_now(); };
  auto service = payment::open_service(std::move(options), *gateway_, *bus_);
  if (!service) return std::unexpected(service.error());
  service_ = std::move(*service);
  settlement::DeskOptions desk_options;
  desk_options.exchange = config_.text("payment.exchange");
  desk_options.queue = config_.text("payment.sale_queue");
  desk_options.first_reconcile = std::max(config_.span("payment.reconcile_after"), Span{1});
  desk_options.last_reconcile = std::max(desk_options.first_reconcile, desk_options.last_reconcile);
  auto desk = settlement::open_desk(desk_options, engine, *service_, *gateway_, *bus_);
  if (!desk) return std::unexpected(desk.error());
  desk_ = std::move(*desk);
  return {};
}

api::Payments Cashier::rooms() const {
  api::Payments rooms;
  rooms.gateway = gateway_.get();
  rooms.bus = bus_;
  rooms.service = service_.get();
  rooms.desk = desk_.get();
  rooms.exchange = config_.text("payment.exchange");
  rooms.sale_queue = config_.text("payment.sale_queue");
  rooms.lifetime = config_.span("payment.lifetime");
  return rooms;
}

std::string Cashier::sandbox_url() const {
  return sandbox_ ? sandbox_->base_url() : std::string{};
}

void Cashier::stop_desk() {
  if (std::exchange(desk_stopped_, true)) return;
  if (desk_) desk_->stop();
}

void Cashier::stop_rooms() {
  if (std::exchange(rooms_stopped_, true)) return;
  if (service_) service_->stop();
  if (gateway_) gateway_->stop();
  if (own_bus_) own_bus_->stop();
  if (sandbox_) sandbox_->stop();
}

}  // namespace sluice::app
