// The bus over a RabbitMQ: what callers see, in front of the two connections.
#include "bus/rabbitmq.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "bus/rabbit_consume.h"
#include "bus/rabbit_intake.h"
#include "bus/rabbit_publish.h"

namespace sluice::bus {

namespace {

/// AMQP's short strings.
constexpr std::size_t kMaxNameBytes = 255;

std::vector<std::string> queues_of(const std::vector<Binding>& bindings) {
  std::vector<std::string> queues;
  for (const Binding& binding : bindings) {
    if (std::ranges::find(queues, binding.queue) == queues.end()) queues.push_back(binding.queue);
  }
  return queues;
}

class RabbitBus final : public TimedBus {
 public:
  RabbitBus(const RabbitOptions& options, const std::vector<Binding>& bindings)
      : options_(options),
        bindings_(bindings),
        publishes_(
            std::make_shared<PublishIntake>(options.waiting_publishes, options.waiting_bytes)),
        timed_publishes_(
            std::make_shared<PublishIntake>(options.waiting_publishes, options.waiting_bytes)),
        deliveries_(std::make_shared<ConsumeIntake>()),
        publisher_(options, "sluice publisher", topology_of(bindings, options.kind), publishes_,
                   deliveries_),
        timed_publisher_(options, "sluice timers", topology_of(bindings, options.kind),
                         timed_publishes_, deliveries_),
        consumer_(options, topology_of(bindings, options.kind), queues_of(bindings), deliveries_,
                  publishes_) {}
  ~RabbitBus() override { stop(); }
  RabbitBus(const RabbitBus&) = delete;
  RabbitBus& operator=(const RabbitBus&) = delete;

  Result<> start() {
    if (auto started = publisher_.start(); !started) return started;
    return consumer_.start();
  }

  void publish(std::string_view exchange, std::string_view routing_key, Message message,
               Confirmed then) override {
    if (const auto why = refusal(exchange, routing_key, message)) return then(fail(*why));
    Outgoing outgoing;
    outgoing.exchange = exchange;
    outgoing.routing_key = routing_key;
    outgoing.message = std::move(message);
    outgoing.then = std::move(then);
    put(*publishes_, std::move(outgoing));
  }

  void publish_later(const WaitingRoom& room, Message message, Confirmed then) override {
    if (const auto why = refusal(room.exchange, room.routing_key, message)) {
      return then(fail(*why));
    }
    if (room.queue.empty() || room.queue.size() > kMaxNameBytes) {
      return then(fail(fmt::format("A queue's name of {} bytes is not of 1 to {}.",
                                   room.queue.size(), kMaxNameBytes)));
    }
    if (room.wait < Span{1} || room.wait > kLongestWait) {
      return then(fail(fmt::format("A wait of {} ms is not between 1 and {} ms (49 days).",
                                   room.wait.ms, kLongestWait.ms)));
    }
    Outgoing outgoing;
    outgoing.routing_key = room.queue;
    outgoing.message = std::move(message);
    outgoing.then = std::move(then);
    outgoing.target = QueueSpec{.name = room.queue,
                                .kind = options_.kind,
                                .dead_letters = DeadLetters{room.exchange, room.routing_key},
                                .ttl = room.wait};
    if (auto begun = begin_timed(); !begun) {
      return outgoing.then(std::unexpected(std::move(begun.error())));
    }
    put(*timed_publishes_, std::move(outgoing));
  }

  Result<> consume(std::string_view queue, std::size_t prefetch, Consumer consumer) override {
    SLUICE_ASSERT(prefetch >= 1 && prefetch <= kMaxPrefetch, "a prefetch of 1 to kMaxPrefetch");
    if (std::ranges::find(bindings_, queue, &Binding::queue) == bindings_.end()) {
      return fail(
          fmt::format("There is no queue {} on the bus: name it in a binding.", quote(queue)));
    }
    const std::lock_guard lock(mutex_);
    if (consumed_.contains(queue)) {
      return fail(
          fmt::format("The queue {} has a consumer already: one per process.", quote(queue)));
    }
    if (!deliveries_->put(Subscribe{std::string{queue}, prefetch, std::move(consumer)})) {
      return fail("The bus is stopping and takes no consumers.");
    }
    consumed_.emplace(queue);
    return {};
  }

  std::vector<QueueState> queues() const override { return consumer_.states(); }
  void recount() override { consumer_.recount(); }
  bool healthy() const override {
    return publisher_.connected() && !publisher_.blocked() && consumer_.connected();
  }

  void stop() override {
    if (stopped_.exchange(true)) return;
    // The cut comes after the time in which the thread gives up by itself.
    const Span patience{options_.stop_patience.ms + 1'000};
    deliveries_->close();
    consumer_.stop(patience);
    publishes_->close();
    publisher_.stop(patience);
    const std::lock_guard lock(timed_mutex_);
    timed_publishes_->close();
    if (timed_begun_) timed_publisher_.stop(patience);
  }

 private:
  /// A connection of its own, made when it is needed: a queue that takes nothing any more, as one
  /// whose making a crash cut short, lets the broker stop reading the connection that fills it.
  Result<> begin_timed() {
    const std::lock_guard lock(timed_mutex_);
    if (timed_begun_) return {};
    if (stopped_) return fail("The bus is stopping and takes no messages.");
    auto started = timed_publisher_.start();
    timed_begun_ = started.has_value();
    return started;
  }

  void put(PublishIntake& publishes, Outgoing outgoing) {
    switch (publishes.put(outgoing)) {
      case PublishIntake::Admission::accepted:
        return;
      case PublishIntake::Admission::full:
        return outgoing.then(fail(fmt::format(
            "{} messages or {} MiB wait for RabbitMQ, which is the limit: it is slow or away; try "
            "again later.",
            options_.waiting_publishes, options_.waiting_bytes >> 20)));
      case PublishIntake::Admission::closed:
        return outgoing.then(fail("The bus is stopping and takes no messages."));
    }
  }

  std::optional<std::string> refusal(std::string_view exchange, std::string_view routing_key,
                                     const Message& message) const {
    // The broker would end the channel, and with it what others have under way.
    if (std::ranges::find(bindings_, exchange, &Binding::exchange) == bindings_.end()) {
      return fmt::format("There is no exchange {} on the bus: name it in a binding.",
                         quote(exchange));
    }
    if (message.body.size() > kMaxMessageBytes) {
      return fmt::format("A message of {} bytes is above the limit of {}: send less.",
                         message.body.size(), kMaxMessageBytes);
    }
    const std::size_t longest =
        std::max({routing_key.size(), message.id.size(), message.content_type.size()});
    if (longest > kMaxNameBytes) {
      return fmt::format(
          "A routing key, message id or content type of {} bytes is above AMQP's "
          "limit of {}: shorten it.",
          longest, kMaxNameBytes);
    }
    return std::nullopt;
  }

  const RabbitOptions options_;
  const std::vector<Binding> bindings_;
  std::shared_ptr<PublishIntake> publishes_;
  std::shared_ptr<PublishIntake> timed_publishes_;
  std::shared_ptr<ConsumeIntake> deliveries_;
  PublishLink publisher_;
  PublishLink timed_publisher_;
  ConsumeLink consumer_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> consumed_;  // guarded by mutex_
  std::mutex timed_mutex_;
  bool timed_begun_ = false;  // guarded by timed_mutex_
  std::atomic<bool> stopped_{false};
};

}  // namespace

Result<std::unique_ptr<TimedBus>> open_rabbitmq(const RabbitOptions& options,
                                                const std::vector<Binding>& bindings) {
  auto bus = std::make_unique<RabbitBus>(options, bindings);
  if (auto started = bus->start(); !started) return std::unexpected(started.error());
  return bus;
}

}  // namespace sluice::bus
