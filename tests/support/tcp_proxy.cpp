// One thread that polls the listener and both sides of every connection.
#include "support/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

namespace sluice::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void close_with_reset(int descriptor) {
  const linger now{1, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(descriptor);
}

}  // namespace

TcpProxy::TcpProxy(std::uint16_t target)
    : target_(target),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  stopping_ = true;
  wake();
  thread_.join();
  end_all();
  close(listener_);
  close(wakeup_);
}

void TcpProxy::cut() {
  cut_now_ = true;
  wake();
}

void TcpProxy::cut_reply_after(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  reply_bytes_ = bytes;
}

void TcpProxy::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wakeup_, &one, sizeof one);
}

void TcpProxy::run() {
  while (!stopping_) {
    std::vector<pollfd> watched{{wakeup_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      watched.push_back({pair.client, POLLIN, 0});
      watched.push_back({pair.target, POLLIN, 0});
    }
    poll(watched.data(), watched.size(), -1);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read_bytes = read(wakeup_, &count, sizeof count);
    if (cut_now_.exchange(false)) {
      end_all();
      continue;
    }
    std::size_t at = 2;
    bool cut = false;
    for (auto pair = pairs_.begin(); pair != pairs_.end() && !cut; at += 2) {
      bool alive = true;
      if (watched[at].revents != 0) alive = pass(pair->client, pair->target, false);
      if (alive && watched[at + 1].revents != 0) alive = pass(pair->target, pair->client, true);
      {
        const std::lock_guard lock(mutex_);
        cut = reply_bytes_ == 0;
        if (cut) reply_bytes_.reset();
      }
      if (!alive) {
        end(*pair);
        pair = pairs_.erase(pair);
      } else {
        ++pair;
      }
    }
    if (cut) {
      ++replies_cut_;
      end_all();
    } else if (watched[1].revents != 0) {
      accept_one();
    }
  }
}

void TcpProxy::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(target_);
  if (refusing_ ||
      connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close_with_reset(client);
    close(target);
    return;
  }
  pairs_.push_back({client, target});
}

bool TcpProxy::pass(int from, int to, bool is_reply) {
  std::array<char, 16'384> buffer{};
  std::size_t most = buffer.size();
  if (is_reply) {
    const std::lock_guard lock(mutex_);
    if (reply_bytes_) most = std::min(most, *reply_bytes_);
    if (most == 0) return true;
  }
  const ssize_t got = recv(from, buffer.data(), most, 0);
  if (got <= 0) return false;
  // Counted before it is passed on: who has it may set the next cut at once.
  if (is_reply) {
    const std::lock_guard lock(mutex_);
    if (reply_bytes_) *reply_bytes_ -= std::min(*reply_bytes_, static_cast<std::size_t>(got));
  }
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t more =
        send(to, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (more <= 0) return false;
    sent += more;
  }
  return true;
}

void TcpProxy::end(const Pair& pair) {
  close_with_reset(pair.client);
  close_with_reset(pair.target);
}

void TcpProxy::end_all() {
  for (const Pair& pair : pairs_)
    end(pair);
  pairs_.clear();
}

}  // namespace sluice::test
