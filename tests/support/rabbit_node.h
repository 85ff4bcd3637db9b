// A private RabbitMQ for the tests of one program, and another people's client to look at it.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "support/server_process.h"

namespace sluice::test {

class RabbitNode {
 public:
  /// Starts it by deploy/services/rabbitmq in a temporary directory. Throws with its output.
  RabbitNode();
  ~RabbitNode();
  RabbitNode(const RabbitNode&) = delete;
  RabbitNode& operator=(const RabbitNode&) = delete;

  /// amqp://user:password@127.0.0.1:port/%2f, by way of another port where one is given.
  std::string url(std::uint16_t port = 0) const;
  std::uint16_t port() const { return port_; }
  void kill();
  void start();
  /// rabbitmqctl.
  std::string control(const std::string& arguments);
  /// Runs tests/interop/amqp_peer.py, which is a client on python3-pika; what it prints, a line
  /// each.
  boost::json::array peer(const std::vector<std::string>& arguments) const;

 private:
  TemporaryDirectory directory_;
  std::string url_;
  std::uint16_t port_ = 0;
};

/// Runs a command of the shell and returns its output. Throws where it fails.
std::string run_shell(const std::string& command);

}  // namespace sluice::test
