// A whole cluster as a user runs it: real services, nodes that are real processes, a gateway.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sandbox.h"
#include "support/mariadb_service.h"
#include "support/rabbit_node.h"
#include "support/redis_node.h"
#include "support/server_process.h"
#include "support/tcp_proxy.h"
#include "support/wire.h"

namespace sluice::test {

/// Every node has every role and reaches Redis through `redis_proxy`. Throws with the output of
/// what fails.
class WholeCluster {
 public:
  static constexpr std::size_t kNodes = 2;

  WholeCluster();
  ~WholeCluster();
  WholeCluster(const WholeCluster&) = delete;
  WholeCluster& operator=(const WholeCluster&) = delete;

  RedisNode& redis() { return redis_; }
  RabbitNode& rabbit() { return rabbit_; }
  MariadbService& mariadb() { return mariadb_; }
  TcpProxy& redis_proxy() { return redis_proxy_; }

  std::uint16_t port(std::size_t node) const { return ports_.at(node); }
  void start_node(std::size_t node);
  void kill_node(std::size_t node) { nodes_.at(node).reset(); }
  /// SIGSTOP and SIGCONT.
  void suspend_node(std::size_t node) const;
  void resume_node(std::size_t node) const;
  bool is_ready(std::size_t node) const;

  std::string token(const std::string& user, bool admin = false) const;
  /// One item of that id, in a sale that is open. Throws unless every node shows it in the end.
  void open_sale(const std::string& item, std::int64_t stock, int hold_seconds);
  /// As an operator; tried again while nobody answers.
  Answer operate(std::string_view method, const std::string& path, std::string_view body = {});
  Answer at_gateway(std::string_view method, const std::string& path, std::string_view body = {});

  /// Whether the queue of grabs is empty, nothing of it unacknowledged, and every node ready.
  bool is_quiet();
  /// The exit status of `sluice verify`; what it printed is in `output`.
  int verify(std::string& output);
  /// A number out of the record.
  std::int64_t number(std::string_view sql);

 private:
  std::vector<std::string> settings() const;

  TemporaryDirectory directory_;
  MariadbService mariadb_;
  RedisNode redis_;
  RabbitNode rabbit_;
  TcpProxy redis_proxy_{redis_.port()};
  std::array<std::uint16_t, kNodes> ports_{};
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::array<std::unique_ptr<ServerProcess>, kNodes> nodes_;
  std::string key_;
};

}  // namespace sluice::test
