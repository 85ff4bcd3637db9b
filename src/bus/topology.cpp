// Which arguments a queue is declared with, and why.
#include "bus/topology.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::bus {

std::vector<Argument> arguments_of(const QueueSpec& queue) {
  std::vector<Argument> all;
  const bool quorum = queue.kind == QueueKind::quorum;
  if (quorum) all.emplace_back("x-queue-type", "quorum");
  if (queue.ttl) all.emplace_back("x-message-ttl", queue.ttl->ms);
  if (quorum && queue.limits_deliveries) {
    all.emplace_back("x-delivery-limit", std::int64_t{kMaxAttempts});
  }
  if (!queue.dead_letters) return all;
  all.emplace_back("x-dead-letter-exchange", queue.dead_letters->exchange);
  all.emplace_back("x-dead-letter-routing-key", queue.dead_letters->routing_key);
  if (quorum) {
    // Otherwise the broker moves dead letters without confirms, and may lose them. This strategy
    // wants that overflow.
    all.emplace_back("x-dead-letter-strategy", "at-least-once");
    all.emplace_back("x-overflow", "reject-publish");
  }
  return all;
}

Topology topology_of(const std::vector<Binding>& bindings, QueueKind kind) {
  Topology topology;
  topology.bindings = bindings;
  for (const Binding& binding : bindings) {
    if (std::ranges::find(topology.exchanges, binding.exchange) == topology.exchanges.end()) {
      topology.exchanges.push_back(binding.exchange);
    }
    if (std::ranges::find(topology.queues, binding.queue, &QueueSpec::name) !=
        topology.queues.end()) {
      continue;
    }
    const std::string parked = parked_queue(binding.queue);
    QueueSpec queue{.name = binding.queue, .kind = kind};
    if (kind == QueueKind::quorum) {
      queue.dead_letters = DeadLetters{"", parked};
      queue.limits_deliveries = true;
    }
    topology.queues.push_back(std::move(queue));
  }
  // After all of those that may exist already: where one of them was made otherwise, nothing has
  // been left behind yet that contradicts the kind that fits.
  for (std::size_t i = 0, count = topology.queues.size(); i < count; ++i) {
    topology.queues.push_back({.name = parked_queue(topology.queues[i].name), .kind = kind});
  }
  return topology;
}

std::string parked_queue(std::string_view queue) {
  return fmt::format("{}.parked", queue);
}

QueueSpec retry_queue(std::string_view queue, QueueKind kind, Span pause) {
  Span length = kShortestPause;
  while (length < pause && length < kLongestPause)
    length = Span{length.ms * 2};
  return {.name = fmt::format("{}.retry.{}ms", queue, length.ms),
          .kind = kind,
          .dead_letters = DeadLetters{"", std::string{queue}},
          .ttl = length};
}

}  // namespace sluice::bus
