// Sending, and hearing what became of it.
#include "bus/rabbit_publish.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace sluice::bus {

namespace {

/// Bindings that somebody deletes again and again are not declared more often than this.
constexpr std::int64_t kRepairPauseMs = 1'000;

Result<> confirms_make_sense(bool they_do) {
  if (they_do) return {};
  return fail("RabbitMQ confirmed a message that was not sent; the connection is made anew.");
}

}  // namespace

PublishLink::PublishLink(const RabbitOptions& options, std::string name, Topology topology,
                         std::shared_ptr<PublishIntake> intake,
                         std::shared_ptr<ConsumeIntake> consumers)
    : RabbitLink(options.url, std::move(name), intake->wakeup()),
      topology_(std::move(topology)),
      stop_patience_(options.stop_patience),
      intake_(std::move(intake)),
      consumers_(std::move(consumers)),
      window_(options.window) {}

Result<> PublishLink::on_connected(AmqpConnection& connection) {
  if (auto declared = connection.declare(topology_); !declared) return declared;
  if (auto selected = connection.select_confirms(); !selected) return selected;
  declared_.clear();
  binding_lost_ = false;
  blocked_.store(false, std::memory_order_relaxed);
  window_.connected();
  return {};
}

Result<> PublishLink::on_event(AmqpConnection& /*connection*/, AmqpEvent event) {
  if (const auto* ack = std::get_if<Acked>(&event)) {
    return confirms_make_sense(window_.acked(ack->tag, ack->multiple));
  }
  if (const auto* nack = std::get_if<Nacked>(&event)) {
    return confirms_make_sense(window_.nacked(nack->tag, nack->multiple));
  }
  if (auto* returned = std::get_if<Returned>(&event)) {
    binding_lost_ = true;
    declared_.clear();  // what is sent again finds its queue made anew
    return confirms_make_sense(window_.returned(returned->tag, std::move(returned->why)));
  }
  if (const auto* blocked = std::get_if<Blocked>(&event)) {
    spdlog::error("alarm: RabbitMQ: {}; free memory or disk there", blocked->reason);
    window_.set_blocked(blocked->reason);
    blocked_.store(true, std::memory_order_relaxed);
  } else if (std::holds_alternative<Unblocked>(event)) {
    spdlog::info("RabbitMQ takes publishes again");
    window_.set_blocked({});
    blocked_.store(false, std::memory_order_relaxed);
  }
  return {};
}

Result<> PublishLink::on_turn(AmqpConnection& connection) {
  take_in();
  if (auto repaired = repair(connection); !repaired) return repaired;
  while (const Outgoing* first = window_.first()) {
    if (first->target && !declared_.contains(first->target->name)) {
      auto refused = connection.declare_apart(*first->target);
      if (!refused) return std::unexpected(refused.error());
      if (*refused) {
        window_.refuse(std::move(**refused));
        continue;
      }
      declared_.insert(first->target->name);
    }
    const auto next = window_.next();
    if (auto sent = connection.publish(*next->outgoing, next->tag); !sent) return sent;
  }
  return {};
}

Result<> PublishLink::repair(AmqpConnection& connection) {
  // A broker that is short of memory would not answer.
  if (!binding_lost_ || window_.blocked() || now() - repaired_at_ < kRepairPauseMs) return {};
  binding_lost_ = false;
  repaired_at_ = now();
  spdlog::warn(
      "RabbitMQ: a binding or queue was gone; exchanges, queues and bindings are declared "
      "again");
  declared_.clear();
  if (auto declared = connection.declare(topology_); !declared) return declared;
  consumers_->renew();
  return {};
}

void PublishLink::take_in() {
  for (Outgoing& outgoing : intake_->take())
    window_.add(std::move(outgoing), now());
}

bool PublishLink::on_idle(std::optional<Due> stopping_since) {
  take_in();
  window_.expire(now(), trouble());
  const bool late = stopping_since && now() - *stopping_since >= stop_patience_.ms;
  if (late) window_.give_up("The connection to RabbitMQ was closed before it confirmed a message.");
  finish();
  return stopping_since && window_.idle();
}

void PublishLink::finish() {
  for (PublishWindow::Finished& finished : window_.take_finished()) {
    intake_->release(finished.cost);
    finished.then(std::move(finished.result));
  }
}

}  // namespace sluice::bus
