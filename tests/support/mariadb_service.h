// A real MariaDB for tests, by deploy/services/mariadb.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "mariadb/connection.h"
#include "support/server_process.h"

namespace sluice::test {

class MariadbService {
 public:
  /// The one that ctest started for all tests (SLUICE_TEST_MARIADB names its directory); where
  /// there is none, one of this process.
  static MariadbService& shared();
  /// One that may be killed.
  MariadbService();
  ~MariadbService();
  MariadbService(const MariadbService&) = delete;
  MariadbService& operator=(const MariadbService&) = delete;

  /// May do everything on the server; `database` instead of its own.
  mariadb::Address admin(std::string_view database = "sluice") const;

  /// Starts again on the same port; does nothing while it runs.
  void start();
  void stop();
  /// Adds lines to the server's configuration, for the next start.
  void configure(std::string_view lines);
  const std::string& directory() const { return directory_; }
  /// SIGKILL, and waits until the process is gone.
  void kill();

 private:
  explicit MariadbService(std::string directory);
  void read_environment();

  std::unique_ptr<TemporaryDirectory> own_;
  std::string directory_;
  mariadb::Address admin_;
  pid_t pid_ = -1;
};

/// A database of its own in a service, gone at the end.
class TestDatabase {
 public:
  explicit TestDatabase(MariadbService& service);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  const std::string& name() const { return name_; }
  mariadb::Address address() const { return service_.admin(name_); }
  mariadb::Connection& connection() { return *connection_; }
  /// Throws where the statement fails.
  void execute(std::string_view sql);
  /// After the server was started anew.
  void reconnect();

 private:
  MariadbService& service_;
  std::string name_;
  std::unique_ptr<mariadb::Connection> connection_;
};

/// mysql://user:password@host:port/name
std::string url_of(const mariadb::Address& address);

}  // namespace sluice::test
