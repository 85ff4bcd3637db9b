// Delivering, settling, trying again later, and putting poison aside.
#include "bus/rabbit_consume.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace sluice::bus {

namespace {

using Publishes = std::shared_ptr<PublishIntake>;
using Intake = std::shared_ptr<ConsumeIntake>;

/// Where a message came from, which is what has to be settled.
struct Origin {
  std::string queue;
  QueueKind kind = QueueKind::quorum;
  std::uint64_t generation = 0;
  std::uint64_t tag = 0;
};

void settle(const Intake& intake, const Origin& origin, Settlement::Kind kind) {
  intake->put(Settlement{origin.generation, origin.tag, kind});
}

/// Publishes a copy and only then acknowledges: twice rather than not at all.
void put_aside(const Publishes& publishes, const Intake& intake, const Origin& origin,
               QueueSpec target, std::uint32_t attempts, Message message) {
  // Otherwise the broker gives it out again by itself, and a copy would be one too many.
  if (!intake->is_current(origin.generation)) return;
  Outgoing copy;
  copy.routing_key = target.name;
  copy.message = std::move(message);
  copy.attempts = attempts;
  copy.target = std::move(target);
  copy.then = [intake, origin](const Result<>& published) {
    if (!published) {
      spdlog::warn("RabbitMQ: a message of {} could not be put aside: {}", origin.queue,
                   published.error().message);
    }
    settle(intake, origin, published ? Settlement::Kind::acknowledge : Settlement::Kind::requeue);
  };
  if (publishes->put(copy) != PublishIntake::Admission::accepted) {
    settle(intake, origin, Settlement::Kind::requeue);
  }
}

/// Parked messages count from the beginning when a person puts them back.
void park(const Publishes& publishes, const Intake& intake, const Origin& origin, Message message) {
  put_aside(publishes, intake, origin, {.name = parked_queue(origin.queue), .kind = origin.kind}, 0,
            std::move(message));
}

class RabbitDelivery final : public Delivery {
 public:
  RabbitDelivery(Intake intake, Publishes publishes, Origin origin, std::uint32_t attempt,
                 Message message, Span dropped_pause)
      : intake_(std::move(intake)),
        publishes_(std::move(publishes)),
        origin_(std::move(origin)),
        attempt_(attempt),
        message_(std::move(message)),
        dropped_pause_(dropped_pause) {}
  ~RabbitDelivery() override {
    if (!settled_) give_back(dropped_pause_);
  }
  RabbitDelivery(const RabbitDelivery&) = delete;
  RabbitDelivery& operator=(const RabbitDelivery&) = delete;

  const Message& message() const override { return message_; }
  const std::string& queue() const override { return origin_.queue; }
  std::uint32_t attempt() const override { return attempt_; }
  void acknowledge() override {
    close();
    settle(intake_, origin_, Settlement::Kind::acknowledge);
  }
  void give_back(Span pause) override {
    close();
    switch (Refused::decide(attempt_, pause).way) {
      case Refused::Way::requeue:
        return settle(intake_, origin_, Settlement::Kind::requeue);
      case Refused::Way::retry:
        return put_aside(publishes_, intake_, origin_,
                         retry_queue(origin_.queue, origin_.kind, pause), attempt_,
                         std::move(message_));
      case Refused::Way::park:
        return bus::park(publishes_, intake_, origin_, std::move(message_));
    }
  }
  void park() override {
    close();
    bus::park(publishes_, intake_, origin_, std::move(message_));
  }

 private:
  void close() {
    SLUICE_ASSERT(!settled_, "a delivery is settled once");
    settled_ = true;
  }

  Intake intake_;
  Publishes publishes_;
  Origin origin_;
  std::uint32_t attempt_;
  Message message_;
  Span dropped_pause_;
  bool settled_ = false;
};

}  // namespace

std::uint32_t attempt_of(const Arrived& arrived, QueueKind kind) {
  // Headers come from outside: they may be anything.
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max() / 4;
  const std::uint64_t here = kind == QueueKind::quorum ? std::min(arrived.deliveries, most)
                                                       : (arrived.redelivered ? 1 : 0);
  return static_cast<std::uint32_t>(std::min(arrived.attempts, most) + here + 1);
}

Refused Refused::decide(std::uint32_t attempt, Span pause) {
  if (attempt >= kMaxAttempts) return {Way::park};
  return {pause.ms > 0 ? Way::retry : Way::requeue};
}

ConsumeLink::ConsumeLink(const RabbitOptions& options, Topology topology,
                         std::vector<std::string> counted, std::shared_ptr<ConsumeIntake> intake,
                         std::shared_ptr<PublishIntake> publishes)
    : RabbitLink(options.url, "sluice consumer", intake->wakeup()),
      options_(options),
      topology_(std::move(topology)),
      intake_(std::move(intake)),
      publishes_(std::move(publishes)) {
  for (std::string& queue : counted) {
    Bus::QueueState state;
    state.queue = std::move(queue);
    states_.push_back(std::move(state));
  }
}

Result<> ConsumeLink::on_connected(AmqpConnection& connection) {
  if (auto declared = connection.declare(topology_); !declared) return declared;
  // What was open is the broker's again, and what its consumers say of it means nothing here.
  intake_->begin(++generation_);
  open_.clear();
  {
    const std::lock_guard lock(states_mutex_);
    for (Bus::QueueState& state : states_)
      state.unacknowledged = 0;
  }
  for (const auto& [queue, consuming] : consuming_) {
    if (auto begun = connection.consume(queue, consuming.prefetch); !begun) return begun;
  }
  return count(connection);
}

Result<> ConsumeLink::on_turn(AmqpConnection& connection) {
  if (intake_->take_renewal()) {
    return fail("A queue or binding was gone and has been made again; consumers begin anew.");
  }
  intake_->take(settlements_, subscribes_);
  for (Subscribe& subscribe : subscribes_) {
    Consuming& consuming = consuming_[subscribe.queue];
    consuming = {subscribe.prefetch, std::move(subscribe.consumer)};
  }
  // All of them are known before the first error: a new connection begins them as well.
  for (const Subscribe& subscribe : subscribes_) {
    auto begun = connection.consume(subscribe.queue, subscribe.prefetch);
    if (!begun) return begun;
  }
  for (const Settlement& settlement : settlements_) {
    if (settlement.generation != generation_) continue;
    const auto open = open_.extract(settlement.tag);
    if (open.empty()) continue;
    change_open(open.mapped(), false);
    auto told = settlement.kind == Settlement::Kind::acknowledge
                    ? connection.acknowledge(settlement.tag)
                    : connection.reject(settlement.tag, true);
    if (!told) return told;
  }
  return recount_.exchange(false) || now() >= count_at_ ? count(connection) : Result<>{};
}

Result<> ConsumeLink::on_event(AmqpConnection& connection, AmqpEvent event) {
  auto* arrived = std::get_if<Arrived>(&event);
  if (arrived == nullptr) return {};
  return deliver(connection, std::move(*arrived));
}

Result<> ConsumeLink::deliver(AmqpConnection& connection, Arrived arrived) {
  const auto found = consuming_.find(arrived.consumer);
  if (found == consuming_.end()) return connection.reject(arrived.tag, true);
  const std::string& queue = found->first;
  if (arrived.too_large) {
    spdlog::critical("alarm: RabbitMQ: a message {} of {} has more than {} bytes; it is {}",
                     quote(arrived.message.id), queue, kMaxMessageBytes,
                     options_.kind == QueueKind::quorum ? "parked for a person"
                                                        : "left in the queue: remove it by hand");
    // A classic queue has nowhere to put it: rejected, it would be lost.
    if (options_.kind == QueueKind::classic) return {};
    return connection.reject(arrived.tag, false);
  }
  open_.emplace(arrived.tag, queue);
  change_open(queue, true);
  const std::uint32_t attempt = attempt_of(arrived, options_.kind);
  Origin origin{queue, options_.kind, generation_, arrived.tag};
  if (attempt > kMaxAttempts) {
    // The process or its connection ended each time while this was with its consumer.
    spdlog::critical(
        "alarm: RabbitMQ: a message {} of {} is parked for a person after {} "
        "deliveries",
        quote(arrived.message.id), queue, attempt - 1);
    park(publishes_, intake_, origin, std::move(arrived.message));
    return {};
  }
  found->second.consumer(std::make_unique<RabbitDelivery>(intake_, publishes_, std::move(origin),
                                                          attempt, std::move(arrived.message),
                                                          options_.dropped_pause));
  return {};
}

bool ConsumeLink::on_idle(std::optional<Due> stopping_since) {
  // Acknowledgements that were given before the stop have been sent by on_turn.
  return stopping_since.has_value();
}

Result<> ConsumeLink::count(AmqpConnection& connection) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const std::string queue = states_[i].queue;  // only this thread changes the vector
    const auto ready = connection.count(queue);
    if (!ready) return std::unexpected(ready.error());
    const auto parked = connection.count(parked_queue(queue));
    if (!parked) return std::unexpected(parked.error());
    const std::lock_guard lock(states_mutex_);
    states_[i].ready = ready->value_or(0);
    states_[i].parked = parked->value_or(0);
    ++states_[i].counted;
  }
  count_at_ = now() + options_.count_interval.ms;
  return {};
}

void ConsumeLink::change_open(const std::string& queue, bool more) {
  const std::lock_guard lock(states_mutex_);
  const auto state = std::ranges::find(states_, queue, &Bus::QueueState::queue);
  if (state == states_.end()) return;
  state->unacknowledged += more ? 1 : std::uint64_t(-1);
}

void ConsumeLink::recount() {
  recount_ = true;
  intake_->wakeup().signal();
}

std::vector<Bus::QueueState> ConsumeLink::states() const {
  const std::lock_guard lock(states_mutex_);
  return states_;
}

}  // namespace sluice::bus
