// A TCP connection that does not block.
#include "redis/socket.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <system_error>

#include "base/assert.h"

namespace sluice::redis {

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

std::string words(int error) {
  return std::generic_category().message(error);
}

int poll_ms(Span most) {
  return static_cast<int>(std::clamp<std::int64_t>(most.ms, 0, std::numeric_limits<int>::max()));
}

}  // namespace

Instant steady_now() {
  using namespace std::chrono;
  return Instant{duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count()};
}

Wakeup::Wakeup() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}
Wakeup::~Wakeup() {
  ::close(fd_);
}
void Wakeup::notify() {
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the thread will wake all the same.
  [[maybe_unused]] const ssize_t wrote = ::write(fd_, &one, sizeof one);
}
void Wakeup::wait(Span most) {
  pollfd watched{fd_, POLLIN, 0};
  ::poll(&watched, 1, poll_ms(most));
  clear();
}
void Wakeup::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_, &count, sizeof count);
}

void Socket::Close::operator()(redisContext* context) const {
  redisFree(context);
}

Result<Socket> Socket::open(const Endpoint& endpoint, Span timeout) {
  const timeval patience{timeout.ms / 1000, (timeout.ms % 1000) * 1000};
  Socket socket;
  socket.context_.reset(redisConnectWithTimeout(endpoint.host.c_str(), endpoint.port, patience));
  SLUICE_ASSERT(socket.context_ != nullptr, "memory for a connection");
  if (socket.context_->err != 0) {
    return fail(fmt::format("cannot connect to Redis at {}: {}", to_text(endpoint),
                            static_cast<const char*>(socket.context_->errstr)));
  }
  const int on = 1;
  ::setsockopt(socket.context_->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

void Socket::wait(Wakeup& wakeup, bool writing, Span most) {
  pollfd watched[2] = {{context_->fd, static_cast<short>(POLLIN | (writing ? POLLOUT : 0)), 0},
                       {wakeup.fd(), POLLIN, 0}};
  ::poll(watched, 2, poll_ms(most));
  if (watched[1].revents != 0) wakeup.clear();
}

Result<std::size_t> Socket::write(std::string_view bytes) {
  const ssize_t sent =
      ::send(context_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return fail(fmt::format("writing to Redis failed: {}", words(errno)));
}

Result<std::string_view> Socket::read(std::string& buffer) {
  buffer.resize(kReadBytes);
  const ssize_t got = ::recv(context_->fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(got));
  if (got == 0) return fail("Redis closed the connection");
  if (errno == EAGAIN || errno == EINTR) return std::string_view{};
  return fail(fmt::format("reading from Redis failed: {}", words(errno)));
}

}  // namespace sluice::redis
