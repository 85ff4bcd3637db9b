// The small delay queue that stands alone: messages wait in queue1 until their time is over, and
// the broker then moves them by way of delayExchange to queue2, where they are listened for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"
#include "bus/amqp_url.h"
#include "bus/bus.h"
#include "bus/topology.h"

namespace sluice::bus {

inline constexpr std::string_view kDelayExchange = "delayExchange";
inline constexpr std::string_view kDelayWaiting = "queue1";
inline constexpr std::string_view kDelayDone = "queue2";
/// A message's expiration is a number of 32 bits: 49 days.
inline constexpr Span kLongestDelay{std::int64_t{49} * 24 * 3'600'000};

Topology delay_topology(QueueKind kind);

/// One thread at a time. After an error a new one has to be opened.
class DelayQueue {
 public:
  /// Connects and declares queue1, queue2, delayExchange and the binding.
  static Result<std::unique_ptr<DelayQueue>> open(const AmqpUrl& url, QueueKind kind);
  virtual ~DelayQueue() = default;

  /// Success: the broker has it in queue1, safely. At most kMaxMessageBytes, 0 to kLongestDelay.
  virtual Result<> send(Message message, Span ttl) = 0;

  struct Heard {
    Message message;
    bool is_dated = false;   ///< message.timestamp was set by its sender
    bool too_large = false;  ///< its text was left out
  };
  /// The next message of queue2; none: there was none within `most`. It is acknowledged when this
  /// is called again or `close` is: until then it has not been dealt with.
  virtual Result<std::optional<Heard>> next(Span most) = 0;
  virtual void close() = 0;
};

}  // namespace sluice::bus
