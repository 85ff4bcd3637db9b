// Sends the timers of orders that were just written, and settles the messages that brought the
// orders once the broker has the timers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/instant.h"
#include "bus/timed.h"
#include "cluster/node.h"
#include "engine/catalog.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

/// A message of the grab queue, and what is to become of it.
struct OpenGrab {
  enum class Fate : std::uint8_t {
    acknowledge,
    again,  ///< not all of it could be dealt with yet
    park,   ///< some of it never will
  };
  std::unique_ptr<bus::Delivery> delivery;
  Fate fate = Fate::acknowledge;
};
void settle(OpenGrab& open);

/// Where orders wait whose hold is so long. A length that neither the sale nor the configuration
/// has is rounded up: there is a queue per length, and messages say what they like.
bus::WaitingRoom waiting_room(const Names& names, Span hold, bool known);

/// send() and resend() on one thread; the bus answers on its own. Outlives nothing: what it is
/// answered later finds its books still there.
class HoldTimers {
 public:
  explicit HoldTimers(Node& node) : node_(node), books_(std::make_shared<Books>()) {}

  /// A timer for each length of hold among `orders`, then settles `grabs`. All of `catalog`.
  void send(std::span<const store::Reservation> orders, std::vector<OpenGrab>&& grabs,
            const engine::Catalog& catalog);
  /// Sends again what a broker that was away did not take. After a few times, or where the broker
  /// answers and its queue alone takes nothing, the orders are left to the sweep, which needs no
  /// timers: what the broker refuses must not hold up what it brings.
  void resend();
  /// Waits until everything sent so far is answered, or for so long.
  void drain(std::chrono::milliseconds most);

 private:
  /// What waits for the confirms of one batch.
  struct Batch {
    std::vector<OpenGrab> grabs;
    std::size_t open = 0;  ///< timers that are not confirmed
  };
  struct Timer {
    bus::WaitingRoom room;
    bus::Message message;
    std::shared_ptr<Batch> batch;
    int sends = 0;
  };
  struct Books {
    std::mutex mutex;
    std::condition_variable answered;
    std::vector<Timer> failed;
    std::size_t unanswered = 0;
    std::chrono::steady_clock::time_point retry_at;
    /// Queues that took nothing lately; one for each length of hold at most.
    std::map<std::string, std::chrono::steady_clock::time_point, std::less<>> shut_until;
  };

  void publish(Timer timer);
  bool is_shut(const std::string& queue);
  static void confirm(const std::shared_ptr<Books>& books, Timer timer, const Result<>& result,
                      bool broker_answers);

  Node& node_;
  std::shared_ptr<Books> books_;
};

}  // namespace sluice::cluster
