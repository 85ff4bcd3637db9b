// The bus over a RabbitMQ: the same contract as the embedded one, for several processes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "bus/amqp_url.h"
#include "bus/bus.h"
#include "bus/publish_window.h"
#include "bus/timed.h"
#include "bus/topology.h"

namespace sluice::bus {

struct RabbitOptions {
  AmqpUrl url;
  QueueKind kind = QueueKind::quorum;
  WindowLimits window;
  /// Publishes that are not confirmed yet, sent or not; more are refused.
  std::size_t waiting_publishes = 65'536;
  std::size_t waiting_bytes = std::size_t{64} << 20;
  /// A delivery that is dropped without a word comes again after this.
  Span dropped_pause = Span::seconds(1);
  /// How long `stop` waits for confirms.
  Span stop_patience = Span::seconds(5);
  /// How often the lengths of the queues are asked for.
  Span count_interval = Span::seconds(5);
};

/// Connects, declares exchanges, queues and bindings, and keeps two connections (one publishes, one
/// consumes: a broker that is short of memory stops reading the first only), each with a thread.
/// Errors: unreachable, refused, declared otherwise before. Later losses of the broker are repaired
/// in the background: what was unconfirmed is sent again, consumers go on. A pause of give_back is
/// rounded up as `retry_queue` says. An attempt counts deliveries that a lost connection ended too
/// (classic queues: the last one only). Of `QueueState`, ready and parked are as old as
/// count_interval, and what waits for its pause is in neither. A waiting room is declared again
/// when its queue was deleted; one that is there with another wait fails its publishes only.
Result<std::unique_ptr<TimedBus>> open_rabbitmq(const RabbitOptions& options,
                                                const std::vector<Binding>& bindings);

}  // namespace sluice::bus
