// The connection that publishes: sends what the window lets through, and tells who waits.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "bus/publish_window.h"
#include "bus/rabbit_intake.h"
#include "bus/rabbit_link.h"
#include "bus/rabbitmq.h"

namespace sluice::bus {

class PublishLink final : public RabbitLink {
 public:
  /// `name`: what the broker's list of connections shows.
  PublishLink(const RabbitOptions& options, std::string name, Topology topology,
              std::shared_ptr<PublishIntake> intake, std::shared_ptr<ConsumeIntake> consumers);

  bool blocked() const { return blocked_.load(std::memory_order_relaxed); }

 protected:
  Result<> on_connected(AmqpConnection& connection) override;
  Result<> on_event(AmqpConnection& connection, AmqpEvent event) override;
  Result<> on_turn(AmqpConnection& connection) override;
  bool on_idle(std::optional<Due> stopping_since) override;
  std::optional<Due> next_due() const override { return window_.next_due(); }

 private:
  void take_in();
  Result<> repair(AmqpConnection& connection);
  void finish();

  const Topology topology_;
  const Span stop_patience_;
  std::shared_ptr<PublishIntake> intake_;
  std::shared_ptr<ConsumeIntake> consumers_;
  PublishWindow window_;
  std::set<std::string> declared_;  ///< retry queues, since the connection was made
  bool binding_lost_ = false;
  Due repaired_at_ = 0;
  std::atomic<bool> blocked_{false};
};

}  // namespace sluice::bus
