// Hears which items have units again, on a connection and a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "redis/connection.h"
#include "redis/outbox.h"
#include "redis/slots.h"
#include "redis/socket.h"

namespace sluice::redis {

struct SubscriberOptions {
  ConnectionOptions connection;
  /// A server that was silent for this long is asked for a sign of life, and given up after twice
  /// as long.
  Span silence = Span::seconds(5);
};

/// Listens on kReleasedChannel. In a Redis Cluster every server passes all messages on, so that one
/// connection, to whichever server answers, is enough.
class Subscriber {
 public:
  struct Hears {
    std::move_only_function<void(const Announcement&)> released;
    /// Listening began, or began anew: what was said before was missed.
    std::move_only_function<void()> began;
  };
  /// Both of `hears` run on the subscriber's thread.
  Subscriber(const Address& address, const SubscriberOptions& options, Hears hears);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

 private:
  void loop();
  Result<> listen(const Endpoint& endpoint);
  Result<> hear(Socket& socket);
  Result<> heard(const Value& message);

  const Address address_;
  const SubscriberOptions options_;
  Hears hears_;
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};
  ReplyReader reader_;         // of the thread
  std::string buffer_;         // of the thread
  bool is_listening_ = false;  // of the thread
  std::thread thread_;
};

}  // namespace sluice::redis
