// What a broker says without being asked.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "bus/bus.h"

namespace sluice::bus {

struct Acked {
  std::uint64_t tag = 0;
  bool multiple = false;
};
struct Nacked {
  std::uint64_t tag = 0;
  bool multiple = false;
};
/// A message that no queue was bound for. `tag` is ours: the broker does not give the publish's.
struct Returned {
  std::uint64_t tag = 0;
  std::string why;
};
struct Arrived {
  std::string consumer;  ///< the consumer's tag: the queue's name
  std::uint64_t tag = 0;
  bool redelivered = false;
  std::uint64_t deliveries = 0;  ///< x-delivery-count of quorum queues: earlier deliveries
  std::uint64_t attempts = 0;    ///< of earlier rounds, from our own header
  Message message;
  bool too_large = false;  ///< above kMaxMessageBytes; the body is left out
};
struct Blocked {
  std::string reason;
};
struct Unblocked {};

using AmqpEvent = std::variant<Acked, Nacked, Returned, Arrived, Blocked, Unblocked>;

}  // namespace sluice::bus
