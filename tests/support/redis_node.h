// A private Redis or Redis Cluster for the tests of one program, by deploy/services/redis.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/slots.h"
#include "support/server_process.h"

namespace sluice::test {

enum class RedisKind : std::uint8_t { single, cluster };

/// Throws with the output of what fails.
class RedisNode {
 public:
  explicit RedisNode(RedisKind kind = RedisKind::single);
  ~RedisNode();
  RedisNode(const RedisNode&) = delete;
  RedisNode& operator=(const RedisNode&) = delete;

  const redis::Address& address() const { return address_; }
  /// By way of another port, as a proxy has one; of a single server.
  redis::Address address_by(std::uint16_t port) const;
  std::uint16_t port(std::size_t server = 0) const { return address_.endpoints.at(server).port; }
  std::string url() const;

  /// SIGKILL for all servers, and waits until they are gone.
  void kill();
  void kill_one(std::size_t server);
  /// Starts what does not run, on the same ports.
  void start();
  /// SIGSTOP and SIGCONT for all servers.
  void suspend();
  void resume();
  /// Lines for the configuration of every server, from the next start on.
  void configure(std::string_view lines);
  /// redis-cli on one server; what it prints without the last line's end.
  std::string cli(const std::string& arguments, std::size_t server = 0) const;

 private:
  void read(const std::string& settings);
  void signal_all(int signal) const;

  TemporaryDirectory directory_;
  redis::Address address_;
  std::vector<pid_t> pids_;
};

}  // namespace sluice::test
