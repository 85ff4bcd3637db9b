// Sending to queue1 and hearing from queue2, over one connection.
#include "bus/delay.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "bus/amqp_connection.h"
#include "bus/publish_window.h"

namespace sluice::bus {

namespace {

constexpr std::int64_t kConfirmPatienceMs = 10'000;
constexpr std::size_t kDelayPrefetch = 100;

std::int64_t steady_ms() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class RabbitDelay final : public DelayQueue {
 public:
  explicit RabbitDelay(std::unique_ptr<AmqpConnection> connection)
      : connection_(std::move(connection)),
        window_({1, kMaxMessageBytes, Span{kConfirmPatienceMs}}) {}

  Result<> declare(QueueKind kind) {
    if (auto declared = connection_->declare(delay_topology(kind)); !declared) return declared;
    return connection_->select_confirms();
  }

  Result<> send(Message message, Span ttl) override {
    if (message.body.size() > kMaxMessageBytes) {
      return fail(fmt::format("A text of {} bytes is above the limit of {}: send less.",
                              message.body.size(), kMaxMessageBytes));
    }
    if (ttl < Span{0} || ttl > kLongestDelay) {
      return fail(fmt::format("A delay of {} ms is not between 0 and {} ms (49 days).", ttl.ms,
                              kLongestDelay.ms));
    }
    std::optional<Result<>> outcome;
    Outgoing outgoing;
    outgoing.routing_key = kDelayWaiting;
    outgoing.message = std::move(message);
    outgoing.expiration = ttl;
    outgoing.then = [&outcome](Result<> result) { outcome = std::move(result); };
    window_.add(std::move(outgoing), 0);
    const auto next = window_.next();
    if (auto sent = connection_->publish(*next->outgoing, next->tag); !sent) return sent;
    const std::int64_t until = steady_ms() + kConfirmPatienceMs;
    while (!outcome) {
      if (steady_ms() >= until) window_.expire(kConfirmPatienceMs, blocked_);
      auto event = wait(until);
      if (!event) return std::unexpected(event.error());
      if (*event && !hear(std::move(**event))) {
        return fail("RabbitMQ confirmed a message that was not sent.");
      }
      for (PublishWindow::Finished& finished : window_.take_finished())
        finished.then(std::move(finished.result));
    }
    return std::move(*outcome);
  }

  Result<std::optional<Heard>> next(Span most) override {
    if (auto settled = settle(); !settled) return std::unexpected(settled.error());
    if (!std::exchange(consuming_, true)) {
      auto begun = connection_->consume(std::string{kDelayDone}, kDelayPrefetch);
      if (!begun) return std::unexpected(begun.error());
    }
    const std::int64_t until = steady_ms() + most.ms;
    while (true) {
      auto event = wait(until);
      if (!event) return std::unexpected(event.error());
      if (!event->has_value()) return std::nullopt;
      if (auto* arrived = std::get_if<Arrived>(&**event)) {
        open_ = arrived->tag;
        const bool is_dated = arrived->message.timestamp > Instant{};
        return Heard{std::move(arrived->message), is_dated, arrived->too_large};
      }
    }
  }

  void close() override {
    if (settle()) connection_->close();
  }

 private:
  /// The next event; none: it is past `until`.
  Result<std::optional<AmqpEvent>> wait(std::int64_t until) {
    // Calls in between, for the heartbeats.
    constexpr std::int64_t longest_ms = AmqpConnection::kHeartbeatSeconds * 1000 / 4;
    while (true) {
      auto event = connection_->receive();
      if (!event || event->has_value()) return event;
      const std::int64_t left = until - steady_ms();
      if (left <= 0) return std::nullopt;
      pollfd watched{connection_->descriptor(), POLLIN, 0};
      ::poll(&watched, 1, static_cast<int>(std::min(left, longest_ms)));
    }
  }

  bool hear(AmqpEvent event) {
    if (const auto* ack = std::get_if<Acked>(&event)) return window_.acked(ack->tag, ack->multiple);
    if (const auto* nack = std::get_if<Nacked>(&event)) {
      return window_.nacked(nack->tag, nack->multiple);
    }
    if (auto* returned = std::get_if<Returned>(&event)) {
      return window_.returned(returned->tag, std::move(returned->why));
    }
    if (auto* blocked = std::get_if<Blocked>(&event)) blocked_ = std::move(blocked->reason);
    return true;
  }

  Result<> settle() {
    if (!open_) return {};
    return connection_->acknowledge(*std::exchange(open_, std::nullopt));
  }

  std::unique_ptr<AmqpConnection> connection_;
  PublishWindow window_;
  std::string blocked_;
  std::optional<std::uint64_t> open_;
  bool consuming_ = false;
};

}  // namespace

Topology delay_topology(QueueKind kind) {
  const std::string exchange{kDelayExchange};
  const std::string done{kDelayDone};
  Topology topology;
  topology.exchanges = {exchange};
  topology.queues = {{.name = std::string{kDelayWaiting},
                      .kind = kind,
                      .dead_letters = DeadLetters{exchange, done}},
                     {.name = done, .kind = kind}};
  topology.bindings = {{exchange, done, done}};
  return topology;
}

Result<std::unique_ptr<DelayQueue>> DelayQueue::open(const AmqpUrl& url, QueueKind kind) {
  auto connection = AmqpConnection::open(url, "sluice delay");
  if (!connection) return std::unexpected(connection.error());
  auto queue = std::make_unique<RabbitDelay>(std::move(*connection));
  if (auto declared = queue->declare(kind); !declared) return std::unexpected(declared.error());
  return queue;
}

}  // namespace sluice::bus
