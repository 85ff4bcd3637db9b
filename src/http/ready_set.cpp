// A level-triggered epoll set inside an Asio event loop, for the plain connections.
#include "http/ready_set.h"

#include <sys/epoll.h>

#include <array>
#include <boost/system/system_error.hpp>
#include <cerrno>

#include "base/assert.h"

namespace sluice::http {

namespace {

/// Connections served before timers and jobs get their turn.
constexpr int kMaxEvents = 256;

int create_epoll() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) {
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
  }
  return descriptor;
}

}  // namespace

ReadySet::ReadySet(boost::asio::io_context& io) : epoll_(io, create_epoll()) {}

bool ReadySet::add(int descriptor, std::uint32_t events, Member& member) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &member;
  return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void ReadySet::change(int descriptor, std::uint32_t events, Member& member) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &member;
  const int changed = ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, descriptor, &event);
  SLUICE_ASSERT(changed == 0, "a member of the set can be changed");
}

void ReadySet::remove(int descriptor) {
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
}

void ReadySet::wait() {
  epoll_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    dispatch();
    wait();
  });
}

void ReadySet::dispatch() {
  std::array<epoll_event, kMaxEvents> events;
  const int count = ::epoll_wait(epoll_.native_handle(), events.data(), kMaxEvents, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<Member*>(event.data.ptr)->on_ready(event.events);
  }
}

}  // namespace sluice::http
