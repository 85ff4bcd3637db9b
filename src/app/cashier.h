// The payment rooms of one server: opened together, stopped in two steps around the engine.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/api.h"
#include "app/config.h"
#include "base/result.h"
#include "bus/bus.h"
#include "engine/engine.h"
#include "payment/gateway.h"
#include "payment/service.h"
#include "sandbox/sandbox.h"
#include "settlement/desk.h"

namespace sluice::app {

/// Whether this server takes payments: the role pay and a gateway, be it the demo's.
bool takes_payments(const Config& config, bool demo);

class Cashier {
 public:
  /// Opens gateway, service and desk, and a bus where `shared` is none: that one outlives
  /// stop_rooms(). Without a configured gateway it starts the sandbox, whose notifications go to
  /// `own_url`. The engine must have been started with has_gateway.
  static Result<std::unique_ptr<Cashier>> open(const Config& config, const std::string& own_url,
                                               engine::Engine& engine, bus::Bus* shared);
  ~Cashier();
  Cashier(const Cashier&) = delete;
  Cashier& operator=(const Cashier&) = delete;

  api::Payments rooms() const;
  /// "WeChat Pay v3 at https://…", for people.
  const std::string& gateway_name() const { return gateway_name_; }
  /// Where the sandbox is; empty where the gateway is a real one.
  std::string sandbox_url() const;

  /// Before the engine stops.
  void stop_desk();
  /// After the engine has stopped.
  void stop_rooms();

 private:
  explicit Cashier(const Config& config) : config_(config) {}
  Result<> start_gateway(const std::string& own_url);
  Result<> open_rooms(engine::Engine& engine);

  const Config& config_;
  std::string gateway_name_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<bus::Bus> own_bus_;
  bus::Bus* bus_ = nullptr;  ///< own_bus_, or somebody else's
  std::unique_ptr<payment::Gateway> gateway_;
  std::unique_ptr<payment::Service> service_;
  std::unique_ptr<settlement::Desk> desk_;
  bool desk_stopped_ = false;
  bool rooms_stopped_ = false;
};

}  // namespace sluice::app
