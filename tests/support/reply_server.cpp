// One connection after the other, each until it ends.
#include "support/reply_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string_view>

#include "redis/admission.h"

namespace sluice::test {

ReplyServer::ReplyServer(std::string reply, Then then)
    : reply_(std::move(reply)),
      then_(then),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the server of replies cannot listen");
  }
  port_ = ntohs(address.sin_port);
  constexpr std::string_view name = "{port}";
  if (const std::size_t at = reply_.find(name); at != std::string::npos) {
    reply_.replace(at, name.size(), std::to_string(port_));
  }
  thread_ = std::thread([this] { run(); });
}

ReplyServer::~ReplyServer() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = write(stop_, &one, sizeof one);
  thread_.join();
  close(listener_);
  close(stop_);
}

void ReplyServer::run() {
  for (;;) {
    std::array<pollfd, 2> watched{{{stop_, POLLIN, 0}, {listener_, POLLIN, 0}}};
    poll(watched.data(), watched.size(), -1);
    if (watched[0].revents != 0) return;
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    serve(socket);
    close(socket);
  }
}

void ReplyServer::serve(int socket) {
  const auto say = [&](std::string_view bytes) {
    // What the other side does not wait for any more is lost, as it should be.
    [[maybe_unused]] const auto sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  };
  // Nothing else is sent here than what is looked for.
  constexpr std::string_view call = "\r\nFCALL\r\n", asking = "\r\nASKING\r\n";
  std::string heard;
  for (;;) {
    std::array<pollfd, 2> watched{{{stop_, POLLIN, 0}, {socket, POLLIN, 0}}};
    poll(watched.data(), watched.size(), -1);
    if (watched[0].revents != 0) return;
    std::array<char, 65'536> buffer{};
    const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    heard.append(buffer.data(), static_cast<std::size_t>(got));
    const std::string_view library = redis::library_text();
    for (std::size_t at = heard.find(library); at != std::string::npos; at = heard.find(library)) {
      heard.erase(0, at + library.size());
      say("$8\r\nsluice_1\r\n");
    }
    if (const std::size_t at = heard.find(asking); at != std::string::npos) {
      heard.erase(at, asking.size());
      say("+OK\r\n");
    }
    for (std::size_t at = heard.find(call); at != std::string::npos; at = heard.find(call)) {
      heard.erase(0, at + call.size());
      ++calls_;
      say(reply_);
      if (then_ == Then::end) return;
    }
  }
}

}  // namespace sluice::test
