// Temporary files and sockets that are gone when the answer is known.
#include "app/probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

namespace sluice::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRounds = 32;
constexpr std::size_t kPageBytes = 4096;

/// An open file without a name: it vanishes with its descriptor.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& directory) {
    std::string path = directory + "/.sluice-probe-XXXXXX";
    descriptor_ = mkostemp(path.data(), O_CLOEXEC);
    if (descriptor_ >= 0) unlink(path.c_str());
  }
  ~ScratchFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

}  // namespace

std::string existing_parent(const std::string& directory) {
  std::error_code error;
  fs::path path = fs::absolute(directory, error).lexically_normal();
  while (!path.empty() && !fs::exists(path, error) && path != path.root_path()) {
    path = path.parent_path();
  }
  return path.string();
}

Result<std::string> probe_writable(const std::string& directory) {
  std::string place = existing_parent(directory);
  const ScratchFile file(place);
  if (file.descriptor() < 0) {
    return fail(fmt::format("{} cannot be written: {}", place, std::strerror(errno)));
  }
  return place;
}

Result<SyncCost> measure_sync(const std::string& directory) {
  const ScratchFile file(directory);
  const std::array<char, kPageBytes> page{};
  std::vector<double> costs;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const auto started = std::chrono::steady_clock::now();
    if (write(file.descriptor(), page.data(), page.size()) != static_cast<ssize_t>(page.size()) ||
        fdatasync(file.descriptor()) != 0) {
      return fail(fmt::format("writing in {} failed: {}", directory, std::strerror(errno)));
    }
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - started;
    costs.push_back(spent.count());
  }
  std::ranges::nth_element(costs, costs.begin() + kRounds / 2);
  return SyncCost{costs[kRounds / 2], kRounds};
}

Result<> probe_port(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* address = nullptr;
  const std::string port = std::to_string(endpoint.port);
  if (getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &address) != 0) {
    return fail(fmt::format("{} is not an address of this machine", endpoint.text()));
  }
  const int socket_descriptor =
      socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, address->ai_protocol);
  const int on = 1;
  setsockopt(socket_descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool is_bound = bind(socket_descriptor, address->ai_addr, address->ai_addrlen) == 0;
  const int why = errno;
  freeaddrinfo(address);
  if (socket_descriptor >= 0) close(socket_descriptor);
  if (is_bound) return {};
  return fail(fmt::format("{} cannot be bound: {}", endpoint.text(), std::strerror(why)));
}

}  // namespace sluice::app
