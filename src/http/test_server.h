// For tests: a server on a free port with a handler made of a function, and raw sockets to it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "http/server.h"

namespace sluice::http {

/// Long enough that only a hang is a failure.
inline constexpr std::chrono::seconds kPatience{20};

/// Asks again and again until it is true; false once the patience is over.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// A client's end of a connection, with nothing of HTTP in the way.
class Peer {
 public:
  explicit Peer(std::uint16_t port, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
    const int connected = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to);
    EXPECT_EQ(connected, 0) << errno;
  }
  Peer(Peer&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), input_(std::move(other.input_)) {}
  Peer& operator=(Peer&&) = delete;
  ~Peer() { close(); }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  /// Closes with a reset instead of an orderly end.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void finish() const { ::shutdown(socket_, SHUT_WR); }
  /// False when the server has closed.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// Sends what fits without waiting.
  std::size_t send_some(std::string_view bytes) const {
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }

  /// The next bytes up to and with `end`; what came before the close where there is no such end.
  std::string until(std::string_view end) {
    while (!input_.contains(end) && more()) {
    }
    const std::size_t at = input_.find(end);
    return take(at == std::string::npos ? input_.size() : at + end.size());
  }
  std::string exactly(std::size_t bytes) {
    while (input_.size() < bytes && more()) {
    }
    return take(std::min(bytes, input_.size()));
  }
  /// Everything until the server closes.
  std::string rest() {
    while (more()) {
    }
    return take(input_.size());
  }
  /// One response with its body; empty where the connection ended.
  std::string response(bool has_body = true) {
    std::string text = until("\r\n\r\n");
    const std::size_t at = text.find("Content-Length: ");
    if (has_body && at != std::string::npos) text += exactly(std::stoul(text.substr(at + 16)));
    return text;
  }
  /// Whether the server has closed and nothing more came.
  bool closed() { return rest().empty(); }
  /// Whether the connection ended with a reset, which can destroy what was on its way.
  bool was_reset() const { return was_reset_; }
  int descriptor() const { return socket_; }

 private:
  std::string take(std::size_t bytes) {
    std::string taken = input_.substr(0, bytes);
    input_.erase(0, bytes);
    return taken;
  }
  bool more() {
    pollfd wanted{socket_, POLLIN, 0};
    const auto patience = std::chrono::milliseconds(kPatience).count();
    if (::poll(&wanted, 1, static_cast<int>(patience)) <= 0) {
      ADD_FAILURE() << "the server sent nothing for a long time; so far: " << input_;
      return false;
    }
    char buffer[16384];
    const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
    if (n > 0) input_.append(buffer, static_cast<std::size_t>(n));
    was_reset_ = n < 0 && errno == ECONNRESET;
    return n > 0;
  }

  int socket_ = -1;
  std::string input_;
  bool was_reset_ = false;
};

using HandlerFunction = std::function<void(const Request&, Responder, IoThread&)>;

inline Response text(std::string body) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(body);
  return response;
}

class FunctionService final : public Service {
 public:
  FunctionService(HandlerFunction function, IoThread& thread)
      : function_(std::move(function)), thread_(thread) {}
  void handle(const Request& request, Responder responder) override {
    function_(request, std::move(responder), thread_);
  }

 private:
  HandlerFunction function_;
  IoThread& thread_;
};

inline std::unique_ptr<Server> start(const HandlerFunction& function, ServerOptions options = {}) {
  options.listen.port = 0;
  auto server = Server::start(options, [function](IoThread& thread) {
    return std::make_unique<FunctionService>(function, thread);
  });
  EXPECT_TRUE(server) << server.error().message;
  return server ? std::move(*server) : nullptr;
}

/// Answers with the method's number, the path and the body.
inline void echo(const Request& request, Responder responder, IoThread& /*thread*/) {
  responder.send(text(std::string(request.path) + " " + std::string(request.body)));
}

inline std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

inline std::string body_of(const std::string& response) {
  const std::size_t at = response.find("\r\n\r\n");
  return at == std::string::npos ? "no response" : response.substr(at + 4);
}

}  // namespace sluice::http
