// The epoll loop under the crowd: edge-triggered, with reconnection and timeouts.
#include "rush/wire.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/assert.h"

namespace sluice::rush {
namespace {

constexpr std::size_t kFirstBuffer = 4 * 1024;
constexpr std::size_t kMaxBuffer = kMaxAnswerHead + kMaxAnswerBody;
constexpr int kEventsPerWait = 256;
constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSweepEveryNs = 20 * kMs;  // precision of timeouts and reconnections
constexpr std::uint64_t kConnectTimeoutNs = 5'000 * kMs;
constexpr std::uint64_t kFirstRetryNs = 20 * kMs;
constexpr unsigned kMaxRetryDoublings = 5;  // so at most 640 ms between attempts

}  // namespace

Wire::Wire(Target target, unsigned connections, Span timeout)
    : target_(std::move(target)),
      timeout_ns_(static_cast<std::uint64_t>(timeout.ms) * kMs),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      connections_(connections),
      idle_ring_(connections),
      in_ring_(connections, false) {
  SLUICE_ASSERT(connections >= 1 && connections <= kMaxConnections, "1 to 20000 connections");
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Wire::~Wire() {
  for (const Connection& one : connections_) {
    if (one.fd >= 0) ::close(one.fd);
  }
  ::close(epoll_);
}

Result<void> Wire::connect_all(Span patience) {
  struct Nobody : Driver {
    void on_answer(const Errand&, const Answer&, std::uint64_t, std::uint64_t) override {}
    void on_loss(const Errand&, Loss, std::uint64_t, std::uint64_t) override {}
  } nobody;
  const std::uint64_t give_up = monotonic_ns() + static_cast<std::uint64_t>(patience.ms) * kMs;
  std::uint64_t now = monotonic_ns();
  while (idle_count_ < connections_.size()) {
    if (now >= give_up) {
      return fail(fmt::format(
          "only {} of {} connections to {} came up within {} s ({}); is the server running, and "
          "does `ulimit -n` allow so many?",
          idle_count_, connections_.size(), target_.url, patience.ms / 1000,
          counts_.last_problem.empty() ? "no answer" : counts_.last_problem));
    }
    now = poll(std::min(give_up, now + kSweepEveryNs), nobody);
  }
  return {};
}

bool Wire::send(const Errand& errand, std::string_view request, std::uint64_t now_ns) {
  while (ring_size_ > 0) {
    const std::uint32_t index = idle_ring_[ring_head_];
    ring_head_ = ring_head_ + 1 == idle_ring_.size() ? 0 : ring_head_ + 1;
    --ring_size_;
    in_ring_[index] = false;
    Connection& one = connections_[index];
    if (one.phase != Phase::idle) continue;  // closed while it waited in the ring
    const ssize_t taken = ::send(one.fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) {
      // Nothing of this request has left, so another connection may carry it.
      counts_.last_problem = std::strerror(errno);
      --idle_count_;
      ++counts_.closed_idle;
      close(index, now_ns);
      continue;
    }
    const auto sent = static_cast<std::size_t>(std::max<ssize_t>(taken, 0));
    if (sent < request.size()) one.unsent.assign(request.substr(sent));
    one.phase = Phase::waiting;
    one.errand = errand;
    one.since_ns = now_ns;
    --idle_count_;
    ++in_flight_;
    ++counts_.sent;
    return true;
  }
  return false;
}

std::uint64_t Wire::poll(std::uint64_t until_ns, Driver& driver) {
  std::array<epoll_event, kEventsPerWait> events;
  std::uint64_t now = monotonic_ns();
  const std::uint64_t wake = std::min(until_ns, std::max(next_sweep_ns_, now));
  const std::uint64_t wait = wake > now ? wake - now : 0;
  const timespec timeout{.tv_sec = static_cast<time_t>(wait / (1000 * kMs)),
                         .tv_nsec = static_cast<long>(wait % (1000 * kMs))};
  const int ready = epoll_pwait2(epoll_, events.data(), kEventsPerWait, &timeout, nullptr);
  if (ready < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
  }
  for (int i = 0; i < ready; ++i) {
    now = monotonic_ns();
    on_event(events[static_cast<std::size_t>(i)].data.u32,
             events[static_cast<std::size_t>(i)].events, now, driver);
  }
  if (ready <= 0) now = monotonic_ns();
  if (now >= next_sweep_ns_) {
    next_sweep_ns_ = now + kSweepEveryNs;
    sweep(now, driver);
  }
  return now;
}

void Wire::start_connect(std::uint32_t index, std::uint64_t now_ns) {
  Connection& one = connections_[index];
  const int family = target_.address.ss_family;
  one.fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (one.fd < 0) return connect_failed(index, errno, now_ns);
  const int on = 1;
  setsockopt(one.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* address = reinterpret_cast<const sockaddr*>(&target_.address);
  const int result = ::connect(one.fd, address, target_.address_size);
  if (result != 0 && errno != EINPROGRESS) return connect_failed(index, errno, now_ns);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u32 = index;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, one.fd, &event) != 0) {
    return connect_failed(index, errno, now_ns);
  }
  one.phase = Phase::connecting;
  one.since_ns = now_ns;
}

void Wire::finish_connect(std::uint32_t index, std::uint64_t now_ns) {
  Connection& one = connections_[index];
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(one.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return connect_failed(index, error, now_ns);
  ++counts_.connects;
  one.failures = 0;
  one.buffer.resize(std::max(one.buffer.size(), kFirstBuffer));
  become_idle(index);
}

void Wire::connect_failed(std::uint32_t index, int error, std::uint64_t now_ns) {
  Connection& one = connections_[index];
  ++counts_.failed_connects;
  counts_.last_problem = std::strerror(error);
  const unsigned doublings = std::min<unsigned>(one.failures, kMaxRetryDoublings);
  one.failures = static_cast<std::uint8_t>(doublings + 1);
  close(index, now_ns + (kFirstRetryNs << doublings));
}

/// Afterwards the connection is down and will be tried again at `retry_at_ns`.
void Wire::close(std::uint32_t index, std::uint64_t retry_at_ns) {
  Connection& one = connections_[index];
  if (one.fd >= 0) ::close(one.fd);
  one.fd = -1;
  one.phase = Phase::down;
  one.since_ns = retry_at_ns;
  one.filled = 0;
  one.unsent.clear();
  one.parser.reset();
}

void Wire::become_idle(std::uint32_t index) {
  Connection& one = connections_[index];
  one.phase = Phase::idle;
  one.filled = 0;
  one.parser.reset();
  ++idle_count_;
  if (in_ring_[index]) return;
  in_ring_[index] = true;
  std::size_t tail = ring_head_ + ring_size_;
  if (tail >= idle_ring_.size()) tail -= idle_ring_.size();
  idle_ring_[tail] = index;
  ++ring_size_;
}

void Wire::lose(std::uint32_t index, Loss loss, const std::string& why, std::uint64_t now_ns,
                Driver& driver) {
  const Connection& one = connections_[index];
  const Errand errand = one.errand;
  const std::uint64_t sent = one.since_ns;
  counts_.last_problem = why;
  --in_flight_;
  close(index, now_ns);
  driver.on_loss(errand, loss, sent, now_ns);
}

void Wire::on_event(std::uint32_t index, std::uint32_t events, std::uint64_t now_ns,
                    Driver& driver) {
  const Connection& one = connections_[index];
  switch (one.phase) {
    case Phase::down:
      return;  // closed while handling an earlier event of the same batch
    case Phase::connecting:
      return finish_connect(index, now_ns);
    case Phase::idle:
      if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
      // Nothing was asked, so whatever came is an end: look before closing, an event may be stale.
      if (char byte = 0; ::recv(one.fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN) return;
      --idle_count_;
      ++counts_.closed_idle;
      return close(index, now_ns);
    case Phase::waiting:
      if (!one.unsent.empty() && (events & EPOLLOUT) != 0) flush(index);
      if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        receive(index, (events & (EPOLLRDHUP | EPOLLHUP)) != 0, now_ns, driver);
      }
      return;
  }
}

void Wire::flush(std::uint32_t index) {
  Connection& one = connections_[index];
  const ssize_t taken = ::send(one.fd, one.unsent.data(), one.unsent.size(), MSG_NOSIGNAL);
  if (taken > 0) one.unsent.erase(0, static_cast<std::size_t>(taken));
  // An error shows as a hang-up, which receive() handles.
}

void Wire::receive(std::uint32_t index, bool hung_up, std::uint64_t now_ns, Driver& driver) {
  Connection& one = connections_[index];
  while (true) {
    const std::size_t room = one.buffer.size() - one.filled;
    const ssize_t got = ::recv(one.fd, one.buffer.data() + one.filled, room, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const std::string why =
          got < 0 ? std::strerror(errno) : "closed by the server before answering";
      return lose(index, Loss::dropped, why, now_ns, driver);
    }
    one.filled += static_cast<std::uint32_t>(got);
    const auto state = one.parser.feed({one.buffer.data(), one.filled});
    if (state == ResponseParser::State::bad) {
      return lose(index, Loss::malformed, one.parser.problem(), now_ns, driver);
    }
    if (state == ResponseParser::State::done) {
      if (one.parser.consumed() != one.filled) {
        return lose(index, Loss::malformed, "more bytes than the answer announced", now_ns, driver);
      }
      break;
    }
    if (one.filled == one.buffer.size()) {
      if (one.buffer.size() >= kMaxBuffer) {
        return lose(index, Loss::malformed, "the answer is too long", now_ns, driver);
      }
      one.buffer.resize(std::min(kMaxBuffer, std::max(one.buffer.size() * 2, one.parser.wanted())));
    }
    // The rest announces itself with another edge, unless the end has already been announced.
    if (static_cast<std::size_t>(got) < room && !hung_up) return;
  }
  // The views of the answer stay valid: the buffer is not touched before the next receive.
  const Answer answer = one.parser.answer();
  const Errand errand = one.errand;
  const std::uint64_t sent = one.since_ns;
  --in_flight_;
  if (answer.close || hung_up) {
    close(index, now_ns);
  } else {
    become_idle(index);
  }
  driver.on_answer(errand, answer, sent, now_ns);
}

void Wire::sweep(std::uint64_t now_ns, Driver& driver) {
  for (std::uint32_t index = 0; index < connections_.size(); ++index) {
    const Connection& one = connections_[index];
    if (one.phase == Phase::down && one.since_ns <= now_ns) {
      start_connect(index, now_ns);
    } else if (one.phase == Phase::connecting && one.since_ns + kConnectTimeoutNs <= now_ns) {
      connect_failed(index, ETIMEDOUT, now_ns);
    } else if (one.phase == Phase::waiting && one.since_ns + timeout_ns_ <= now_ns) {
      lose(index, Loss::timed_out, "no answer in time", now_ns, driver);
    }
  }
}

}  // namespace sluice::rush
