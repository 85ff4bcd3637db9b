// A bus that also holds messages for a while: what the hold timers of a cluster travel by.
#pragma once

#include <string>

#include "base/instant.h"
#include "bus/bus.h"

namespace sluice::bus {

inline constexpr Span kLongestWait = Span::seconds(49 * 24 * 3600);  ///< RabbitMQ's

/// Messages wait in `queue` for `wait` and are then moved to the exchange, by TTL and dead letter.
/// The TTL is the queue's, so that a short wait never stands behind a long one: one queue per
/// length. At most kLongestWait.
struct WaitingRoom {
  std::string queue;
  Span wait;
  std::string exchange;
  std::string routing_key;
};

class TimedBus : public Bus {
 public:
  /// Like publish(), into the waiting room, which is declared where it is missing. Any thread.
  virtual void publish_later(const WaitingRoom& room, Message message, Confirmed then) = 0;
};

}  // namespace sluice::bus
