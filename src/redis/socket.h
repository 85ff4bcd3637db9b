// A TCP connection that does not block, and the event that wakes its thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"
#include "redis/slots.h"

struct redisContext;

namespace sluice::redis {

/// Milliseconds of a clock that never jumps; good for differences only.
Instant steady_now();

/// Wakes a thread that waits in Socket::wait or Wakeup::wait. notify(): any thread.
class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void notify();
  /// Returns when notified, or after `most`.
  void wait(Span most);
  /// Forgets the notifications so far.
  void clear();
  int fd() const { return fd_; }

 private:
  int fd_;
};

class Socket {
 public:
  static Result<Socket> open(const Endpoint& endpoint, Span timeout);

  /// Waits until there is something to read, room to write (where `writing`), a notification, or
  /// `most` is over.
  void wait(Wakeup& wakeup, bool writing, Span most);
  /// How many bytes of `bytes` the kernel took; 0: no room now.
  Result<std::size_t> write(std::string_view bytes);
  /// What has arrived, in `buffer`; empty: nothing now. The other side's end is an error.
  Result<std::string_view> read(std::string& buffer);

 private:
  struct Close {
    void operator()(redisContext* context) const;
  };
  std::unique_ptr<redisContext, Close> context_;
};

}  // namespace sluice::redis
