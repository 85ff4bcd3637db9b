// For tests: an HTTP server on a free port that does what a script says.
#include "payment/script_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

namespace sluice::payment {

const std::string ScriptServer::kHang = "hang";
const std::string ScriptServer::kReset = "reset";

namespace {

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void reset(int socket) {
  const linger now{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace

ScriptServer::ScriptServer(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  const bool bound = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::listen(listener_, 128) == 0 &&
                     ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
                     ::pipe2(wake_, O_CLOEXEC) == 0;
  // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
  SLUICE_ASSERT(bound, "a free port on this machine");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

ScriptServer::~ScriptServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::close(wake_[1]);
  thread_.join();
  for (const Connection& connection : open_)
    ::close(connection.socket);
  ::close(listener_);
  ::close(wake_[0]);
}

std::string ScriptServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<ScriptRequest> ScriptServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t ScriptServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void ScriptServer::release(const std::string& bytes) {
  {
    const std::lock_guard lock(mutex_);
    release_ = bytes;
  }
  const char byte = 1;
  const ssize_t written = ::write(wake_[1], &byte, 1);
  SLUICE_ASSERT(written == 1, "a pipe takes one byte");
}

void ScriptServer::run() {
  while (true) {
    std::vector<pollfd> wanted{{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Connection& connection : open_)
      wanted.push_back({connection.socket, POLLIN, 0});
    ::poll(wanted.data(), wanted.size(), -1);
    if (wanted[0].revents != 0) {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      char byte = 0;
      if (::read(wake_[0], &byte, 1) == 1) {
        for (Connection& connection : open_) {
          if (connection.hangs) send_all(connection.socket, release_);
          connection.hangs = false;
        }
      }
    }
    std::vector<Connection> kept;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (wanted[i + 2].revents == 0 || serve(open_[i])) {
        kept.push_back(std::move(open_[i]));
      } else {
        ::close(open_[i].socket);
      }
    }
    open_ = std::move(kept);
    if (wanted[1].revents != 0) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      open_.push_back({socket, {}, false});
      const std::lock_guard lock(mutex_);
      ++connections_;
    }
  }
}

/// False where the connection is over.
bool ScriptServer::serve(Connection& connection) {
  char buffer[16384];
  const ssize_t size = ::recv(connection.socket, buffer, sizeof buffer, 0);
  if (size <= 0) return false;
  connection.input.append(buffer, static_cast<std::size_t>(size));
  return answer(connection);
}

bool ScriptServer::answer(Connection& connection) {
  while (true) {
    const std::size_t end = connection.input.find("\r\n\r\n");
    if (end == std::string::npos) return true;
    ScriptRequest request;
    request.head = connection.input.substr(0, end);
    const std::size_t length = request.head.find("Content-Length: ");
    const std::size_t bytes =
        length == std::string::npos ? 0 : std::stoul(request.head.substr(length + 16));
    if (connection.input.size() < end + 4 + bytes) return true;
    request.body = connection.input.substr(end + 4, bytes);
    connection.input.erase(0, end + 4 + bytes);
    const std::size_t space = request.head.find(' ');
    request.method = request.head.substr(0, space);
    request.target = request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const std::string said = script_(request);
    if (said == kReset) {
      reset(connection.socket);
      return false;
    }
    if (said == kHang) {
      connection.hangs = true;
    } else {
      send_all(connection.socket, said);
    }
  }
}

std::string http_answer(int status, const std::string& body, const std::string& headers) {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                     headers, body);
}

}  // namespace sluice::payment
