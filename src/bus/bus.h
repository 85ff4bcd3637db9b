// Exchanges, queues and messages: what carries payment notifications to whom they concern. Two
// implementations share this contract: a durable one inside the process, and RabbitMQ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/result.h"

namespace sluice::bus {

struct Message {
  std::string id;  ///< message_id
  std::string content_type = "application/json";
  Instant timestamp;
  std::string body;  ///< at most kMaxMessageBytes
};
inline constexpr std::size_t kMaxMessageBytes = 256 * 1024;

/// A direct exchange's binding: messages with this routing key go to this queue.
struct Binding {
  std::string exchange;
  std::string routing_key;
  std::string queue;
};

/// What a consumer got. Exactly one of the three must be called, from any thread; a delivery that
/// is dropped without counts as returned. A message may come more than once.
class Delivery {
 public:
  virtual ~Delivery() = default;
  virtual const Message& message() const = 0;
  virtual const std::string& queue() const = 0;
  virtual std::uint32_t attempt() const = 0;  ///< 1 the first time
  /// It has been dealt with for good.
  virtual void acknowledge() = 0;
  /// It could not be dealt with; it comes again after `pause`, or is parked as poison once
  /// kMaxAttempts is reached.
  virtual void give_back(Span pause) = 0;
  /// Nobody will ever understand it: it is kept for a person at once.
  virtual void park() = 0;
};
inline constexpr std::uint32_t kMaxAttempts = 20;
inline constexpr std::size_t kMaxPrefetch = 1024;

using Consumer = std::move_only_function<void(std::unique_ptr<Delivery>)>;
/// Success: the message is durable in every queue bound to its key, at least one.
using Confirmed = std::move_only_function<void(Result<>)>;

class Bus {
 public:
  virtual ~Bus() = default;
  /// `then` runs once, on the bus's thread, when the message is durable, or with the reason why it
  /// is not: unknown exchange, no queue bound, too large, too many waiting, storage. What can be
  /// refused without trying is refused at once, on the caller's thread. Any thread.
  virtual void publish(std::string_view exchange, std::string_view routing_key, Message message,
                       Confirmed then) = 0;
  /// `consumer` runs on the bus's thread and must not block; at most `prefetch` deliveries are open
  /// at a time (1 to kMaxPrefetch). One consumer per queue in this process. Errors: no such queue,
  /// already consumed, stopping.
  virtual Result<> consume(std::string_view queue, std::size_t prefetch, Consumer consumer) = 0;

  struct QueueState {
    std::string queue;
    std::uint64_t ready = 0;
    std::uint64_t unacknowledged = 0;
    std::uint64_t parked = 0;  ///< poison, kept for a person
    /// Grows with every count of `ready`, which at a broker is made now and then; kAlwaysCounted
    /// where `ready` is what is true now.
    std::uint64_t counted = 0;
  };
  static constexpr std::uint64_t kAlwaysCounted = std::numeric_limits<std::uint64_t>::max();
  virtual std::vector<QueueState> queues() const = 0;
  /// Asks for another count soon. Any thread.
  virtual void recount() = 0;
  virtual bool healthy() const = 0;
  /// No delivery begins after this; publishes under way are confirmed or failed. Once.
  virtual void stop() = 0;
};

/// The embedded bus: `<directory>/bus.db`, one SQLite file, one thread, group commit with full
/// sync. Declares the bindings; queues of earlier starts keep their messages.
Result<std::unique_ptr<Bus>> open_local(const std::string& directory,
                                        const std::vector<Binding>& bindings);

}  // namespace sluice::bus
