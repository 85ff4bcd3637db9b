// What is declared at a RabbitMQ: exchanges, queues with their arguments, bindings; and the names
// of the queues that stand beside a queue, for messages that wait and for those that are given up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/instant.h"
#include "bus/bus.h"

namespace sluice::bus {

/// Quorum: replicated, counts deliveries, moves its dead letters safely. Classic: a plain durable
/// queue without arguments, as programs that declare it themselves expect.
enum class QueueKind : std::uint8_t { quorum, classic };

/// Where the broker moves what expires in a queue, or is rejected, or is delivered too often.
struct DeadLetters {
  std::string exchange;
  std::string routing_key;
};

struct QueueSpec {
  std::string name;
  QueueKind kind = QueueKind::quorum;
  std::optional<DeadLetters> dead_letters = {};
  std::optional<Span> ttl = {};    ///< of every message: a queue per length of time
  bool limits_deliveries = false;  ///< to kMaxAttempts; quorum only
};

/// An argument of queue.declare.
using Argument = std::pair<std::string, std::variant<std::string, std::int64_t>>;
std::vector<Argument> arguments_of(const QueueSpec& queue);

/// Durable and direct.
struct Topology {
  std::vector<std::string> exchanges;
  std::vector<QueueSpec> queues;
  std::vector<Binding> bindings;
};

/// The exchanges and queues that the bindings name, each queue with one for its poison.
Topology topology_of(const std::vector<Binding>& bindings, QueueKind kind);

/// "queue.order" → "queue.order.parked": poison, kept for a person.
std::string parked_queue(std::string_view queue);

inline constexpr Span kShortestPause{250};
inline constexpr Span kLongestPause{std::int64_t{250} << 14};  ///< 68 minutes

/// The queue whose messages come back to `queue` after `pause`, rounded up to a power of two times
/// kShortestPause: "queue.order.retry.1000ms". A pause above kLongestPause becomes that. One queue
/// per length, because messages expire only at the head of a queue; fifteen at most.
QueueSpec retry_queue(std::string_view queue, QueueKind kind, Span pause);

}  // namespace sluice::bus
