// The real binary as a child process with a data directory of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "http/token.h"

namespace sluice::test {

/// A temporary directory that is removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A port that is free and that no connection is given by the system: a server can come back to it
/// after a kill, while others connect.
std::uint16_t free_port();

/// Runs the binary with `arguments`, its output going to `output_file` (empty: discarded). Returns
/// the exit status, or 128 + signal.
int run_sluice(const std::vector<std::string>& arguments, const std::string& output_file = {});

/// `sluice serve` on a free port of the loopback.
class ServerProcess {
 public:
  /// Starts it and waits until /readyz answers 200. Throws with the log's tail when it does not.
  /// `port` 0: any free one.
  explicit ServerProcess(std::string data, std::vector<std::string> arguments = {},
                         std::uint16_t port = 0);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  /// SIGKILL, and waits.
  void kill();
  /// SIGTERM, and waits; the exit status.
  int terminate();
  /// The key that this server's tokens are signed with.
  std::string secret() const;
  /// A token that is good for an hour.
  std::string token(const std::string& user, bool admin = false) const;
  /// The same with any role.
  std::string token_of(const std::string& user, http::Role role) const;

 private:
  std::string data_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace sluice::test
