// A level-triggered epoll set inside an Asio event loop, for the plain connections.
//
// Asio's own reactor is edge-triggered and must therefore try another recv after each one that
// gave data, which costs every keep-alive request a system call that only says "not yet". A level-
// triggered set needs one recv per request. Its descriptor is one entry in Asio's reactor, so that
// timers, jobs, accepting and TLS stay Asio's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>

namespace sluice::http {

class ReadySet {
 public:
  /// Something with a descriptor in the set.
  class Member {
   public:
    virtual ~Member() = default;
    /// `events` are epoll's. May remove itself and others, but must not destroy any member: that
    /// has to wait for a job of the event loop.
    virtual void on_ready(std::uint32_t events) = 0;
  };

  /// Throws boost::system::system_error where the system has no descriptor left.
  explicit ReadySet(boost::asio::io_context& io);
  void start() { wait(); }

  /// False where the system refuses to watch one more.
  bool add(int descriptor, std::uint32_t events, Member& member);
  void change(int descriptor, std::uint32_t events, Member& member);
  void remove(int descriptor);

 private:
  void wait();
  void dispatch();

  using Descriptor =
      boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  Descriptor epoll_;
};

}  // namespace sluice::http
