// The connection that consumes: hands messages to their consumers and tells the broker what became
// of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bus/rabbit_intake.h"
#include "bus/rabbit_link.h"
#include "bus/rabbitmq.h"

namespace sluice::bus {

/// Which delivery of a message this is, 1 the first time.
std::uint32_t attempt_of(const Arrived& arrived, QueueKind kind);

/// What a consumer's refusal leads to.
struct Refused {
  enum class Way : std::uint8_t { requeue, retry, park };
  Way way = Way::requeue;
  static Refused decide(std::uint32_t attempt, Span pause);
};

class ConsumeLink final : public RabbitLink {
 public:
  ConsumeLink(const RabbitOptions& options, Topology topology, std::vector<std::string> counted,
              std::shared_ptr<ConsumeIntake> intake, std::shared_ptr<PublishIntake> publishes);

  std::vector<Bus::QueueState> states() const;
  /// Counts at the next turn, which is soon. Any thread.
  void recount();

 protected:
  Result<> on_connected(AmqpConnection& connection) override;
  Result<> on_event(AmqpConnection& connection, AmqpEvent event) override;
  Result<> on_turn(AmqpConnection& connection) override;
  bool on_idle(std::optional<Due> stopping_since) override;
  std::optional<Due> next_due() const override { return count_at_; }

 private:
  struct Consuming {
    std::size_t prefetch = 0;
    Consumer consumer;
  };
  Result<> deliver(AmqpConnection& connection, Arrived arrived);
  Result<> count(AmqpConnection& connection);
  void change_open(const std::string& queue, bool more);

  const RabbitOptions options_;
  const Topology topology_;
  std::shared_ptr<ConsumeIntake> intake_;
  std::shared_ptr<PublishIntake> publishes_;
  std::map<std::string, Consuming, std::less<>> consuming_;
  std::map<std::uint64_t, std::string> open_;  ///< queue by delivery tag, of this connection
  std::uint64_t generation_ = 0;
  Due count_at_ = 0;
  std::atomic<bool> recount_{false};
  std::vector<Settlement> settlements_;
  std::vector<Subscribe> subscribes_;
  mutable std::mutex states_mutex_;
  std::vector<Bus::QueueState> states_;
};

}  // namespace sluice::bus
