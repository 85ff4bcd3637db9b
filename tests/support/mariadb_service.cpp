// Runs the script and reads what it prints.
#include "support/mariadb_service.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace sluice::test {
namespace {

std::string run_script(const std::string& command, const std::string& directory) {
  const std::string line =
      std::string(SLUICE_SERVICES) + "/mariadb " + command + " '" + directory + "' 2>&1";
  FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string output;
  std::array<char, 4096> piece{};
  while (const std::size_t read = fread(piece.data(), 1, piece.size(), pipe))
    output.append(piece.data(), read);
  if (pclose(pipe) != 0) throw std::runtime_error(line + " failed: " + output);
  return output;
}

std::string value_of(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name + "=");
  if (at == std::string::npos) throw std::runtime_error("no " + name + " in: " + text);
  const std::size_t begin = at + name.size() + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

MariadbService& MariadbService::shared() {
  static const char* given = std::getenv("SLUICE_TEST_MARIADB");
  static const std::unique_ptr<MariadbService> service(
      given != nullptr ? new MariadbService(std::string(given)) : new MariadbService());
  return *service;
}

MariadbService::MariadbService()
    : own_(std::make_unique<TemporaryDirectory>()), directory_(own_->path() + "/mariadb") {
  start();
}

MariadbService::MariadbService(std::string directory) : directory_(std::move(directory)) {
  read_environment();
}

MariadbService::~MariadbService() {
  if (own_ != nullptr && pid_ > 0) ::kill(pid_, SIGKILL);
}

mariadb::Address MariadbService::admin(std::string_view database) const {
  mariadb::Address address = admin_;
  address.database = database;
  return address;
}

void MariadbService::start() {
  run_script("start", directory_);
  read_environment();
}

void MariadbService::read_environment() {
  const std::string text = run_script("env", directory_);
  const auto address = mariadb::parse_address(value_of(text, "MARIADB_ADMIN_URL"));
  if (!address) throw std::runtime_error(address.error().message);
  admin_ = *address;
  pid_ = std::stoi(value_of(text, "MARIADB_PID"));
}

void MariadbService::stop() {
  run_script("stop", directory_);
  pid_ = -1;
}

void MariadbService::configure(std::string_view lines) {
  std::ofstream(directory_ + "/my.cnf", std::ios::app) << lines;
}

void MariadbService::kill() {
  if (pid_ <= 0 || ::kill(pid_, SIGKILL) != 0) throw std::runtime_error("nothing to kill");
  // Not our child, so it cannot be waited for; a zombie has no command line any more.
  const std::string path = "/proc/" + std::to_string(pid_) + "/exe";
  std::error_code error;
  while (std::filesystem::exists(std::filesystem::read_symlink(path, error), error))
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  pid_ = -1;
}

TestDatabase::TestDatabase(MariadbService& service) : service_(service) {
  static std::atomic<int> count{0};
  name_ = "test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
  auto connection = mariadb::Connection::open(service_.admin());
  if (!connection) throw std::runtime_error(connection.error().message);
  connection_ = std::make_unique<mariadb::Connection>(std::move(*connection));
  execute("CREATE DATABASE " + name_ + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
  reconnect();
}

TestDatabase::~TestDatabase() {
  // Fails only where the server was killed for good, with all it had.
  (void)connection_->execute("DROP DATABASE " + name_);
}

void TestDatabase::execute(std::string_view sql) {
  if (auto done = connection_->execute(sql); !done) throw std::runtime_error(done.error().message);
}

void TestDatabase::reconnect() {
  auto connection = mariadb::Connection::open(address());
  if (!connection) throw std::runtime_error(connection.error().message);
  *connection_ = std::move(*connection);
}

std::string url_of(const mariadb::Address& address) {
  return "mysql://" + address.user + ":" + address.password + "@" + address.host + ":" +
         std::to_string(address.port) + "/" + address.database;
}

}  // namespace sluice::test
