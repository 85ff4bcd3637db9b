// Starting, finding and ending the server under test.
#include "support/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <thread>

#include "support/wire.h"

namespace sluice::test {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

pid_t start(const std::vector<std::string>& arguments, const std::string& output_file) {
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  const char* path = output_file.empty() ? "/dev/null" : output_file.c_str();
  const int output = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  std::vector<char*> argv{const_cast<char*>(SLUICE_BINARY)};
  for (const std::string& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(SLUICE_BINARY, argv.data());
  _exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::filesystem::remove_all(path_);
}

std::uint16_t free_port() {
  constexpr std::uint16_t kFirst = 20'000, kLast = 32'000;
  std::random_device random;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto port = std::uniform_int_distribution<std::uint16_t>(kFirst, kLast)(random);
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool bound =
        ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    if (bound) return port;
  }
  throw std::runtime_error("no free port on the loopback");
}

int run_sluice(const std::vector<std::string>& arguments, const std::string& output_file) {
  return wait_for(start(arguments, output_file));
}

ServerProcess::ServerProcess(std::string data, std::vector<std::string> arguments,
                             std::uint16_t port)
    : data_(std::move(data)) {
  const std::string address_file = data_ + "/server.json";
  std::filesystem::remove(address_file);
  std::vector<std::string> all{"serve", "--data", data_, "--listen",
                               "127.0.0.1:" + std::to_string(port)};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const std::string log = data_ + ".log";
  pid_ = start(all, log);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) break;
    boost::system::error_code error;
    const auto parsed = boost::json::parse(read_file(address_file), error);
    if (!error && parsed.is_object() && parsed.as_object().contains("url")) {
      const std::string url(parsed.at("url").as_string());
      port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
      const auto ready = Wire(port_).request("GET", "/readyz");
      if (ready && ready->status == 200) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ::kill(pid_, SIGKILL);
  throw std::runtime_error("the server did not become ready: " + read_file(log));
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) kill();
}

void ServerProcess::kill() {
  ::kill(pid_, SIGKILL);
  wait_for(pid_);
  pid_ = -1;
}

int ServerProcess::terminate() {
  ::kill(pid_, SIGTERM);
  const int status = wait_for(pid_);
  pid_ = -1;
  return status;
}

std::string ServerProcess::secret() const {
  return read_file(data_ + "/keys/hs256_secret");
}

std::string ServerProcess::token(const std::string& user, bool admin) const {
  return token_of(user, admin ? http::Role::admin : http::Role::shopper);
}

std::string ServerProcess::token_of(const std::string& user, http::Role role) const {
  http::TokenRequest request;
  request.user = user;
  request.role = role;
  request.issued_at = Instant{std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count()};
  std::string key = secret();
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r'))
    key.pop_back();
  return http::sign_hs256(request, key);
}

}  // namespace sluice::test
