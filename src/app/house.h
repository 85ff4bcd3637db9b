// All rooms of one server process: started in order, stopped in the opposite one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "api/api.h"
#include "app/banner.h"
#include "app/cashier.h"
#include "app/config.h"
#include "app/demo.h"
#include "app/goods_watch.h"
#include "app/server_file.h"
#include "app/system.h"
#include "app/write_back.h"
#include "base/result.h"
#include "bus/timed.h"
#include "console/door.h"
#include "engine/engine.h"
#include "http/server.h"
#include "http/token.h"
#include "sale/state.h"
#include "webhook/office.h"

namespace sluice::app {

/// All rooms of one process. Members are in order of start, so destruction stops what still runs.
class House {
 public:
  House(const Config& config, bool demo, std::size_t max_connections)
      : config_(config), demo_wanted_(demo), max_connections_(max_connections) {}
  House(const House&) = delete;
  House& operator=(const House&) = delete;
  ~House();

  Result<> start();

  /// Waits for a signal (true) or for the storage to break (false).
  bool wait(StopSignals& signals);

  /// Not ready, drained, committed, reconciled.
  void stop(bool in_peace);

 private:
  Result<> start_engine();
  Result<> start_cluster(const sale::Settings& settings);

  /// The configured keys, or for loopback use a generated one.
  Result<> prepare_keys();

  /// The door of the console, with the password of this data directory.
  Result<> prepare_console();

  Result<> start_servers();

  /// Follows the record and tells the shop's systems what happened.
  Result<> start_webhooks();

  /// In a cluster, on a worker: paid orders go into the shop's own table too.
  Result<> start_copier();

  /// What is new in a table of the shop goes on sale by itself; in a cluster a worker looks.
  Result<> start_goods_watch();

  /// After the servers, because the demo's gateway is told their port; /readyz waits for it.
  Result<> open_cashier();

  std::size_t threads() const;

  Result<std::unique_ptr<http::Server>> listen(const std::string& where, std::size_t threads,
                                               bool operators);

  http::ServerCounts counts() const;

  /// The address that this machine reaches a listener by.
  std::string url_of(const std::string& where, const http::Server& server) const;

  Result<> announce();

  /// Off is right for a trial on one machine; a shop that others reach should have chosen it.
  void warn_without_limits() const;

  Banner banner() const;

  void reconcile() const;

  const Config& config_;
  bool demo_wanted_;
  std::size_t max_connections_;
  std::unique_ptr<bus::TimedBus> bus_;  ///< of a cluster; the embedded engine needs none
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Cashier> cashier_;
  std::unique_ptr<webhook::Office> webhooks_;
  std::unique_ptr<Copier> copier_;
  std::unique_ptr<GoodsWatch> goods_watch_;
  http::TokenOptions tokens_;
  std::string new_key_;
  std::string new_password_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<console::Door> door_;  ///< its thread posts to mailboxes of api_
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> admin_server_;
  std::optional<DemoSale> demo_;
  ServerFile file_;
  bool announced_ = false;
  bool stopped_ = false;
};

}  // namespace sluice::app
