// What the tests of the bus share: waiting for confirms and deliveries.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/bus.h"
#include "bus/local.h"

namespace sluice::bus::testing {

inline std::vector<Binding> bindings() {
  return {{"exchange.order", "queue.order", "queue.order"},
          {"exchange.order", "both", "queue.order"},
          {"exchange.order", "both", "queue.other"}};
}

inline Message message(const std::string& body) {
  return {"id-" + body.substr(0, 32), "application/json", Instant{1'795'000'000'000}, body};
}

/// Publishes and waits for the confirm.
inline Result<> send(Bus& bus, Message sent, std::string_view key = "queue.order",
                     std::string_view exchange = "exchange.order") {
  std::promise<Result<>> confirmed;
  bus.publish(exchange, key, std::move(sent),
              [&](Result<> result) { confirmed.set_value(std::move(result)); });
  return confirmed.get_future().get();
}
inline Result<> send(Bus& bus, const std::string& body) {
  return send(bus, message(body));
}

inline std::unique_ptr<Bus> must_open(const std::string& directory,
                                      const LocalLimits& limits = {}) {
  auto bus = open_local(directory, bindings(), limits);
  if (!bus) ADD_FAILURE() << bus.error().message;
  return bus ? std::move(*bus) : nullptr;
}

inline Bus::QueueState state_of(const Bus& bus, std::string_view queue) {
  for (auto& state : bus.queues()) {
    if (state.queue == queue) return state;
  }
  return {};
}

/// Gathers what its consumer is given. Must outlive the bus.
class Desk {
 public:
  Consumer consumer() {
    return [this](std::unique_ptr<Delivery> delivery) {
      const std::lock_guard lock(mutex_);
      arrived_.push_back(std::move(delivery));
      changed_.notify_all();
    };
  }
  /// Waits for the next delivery.
  std::unique_ptr<Delivery> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !arrived_.empty(); });
    auto delivery = std::move(arrived_.front());
    arrived_.pop_front();
    return delivery;
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return arrived_.size();
  }
  /// Acknowledges the next `count` deliveries; their bodies.
  std::vector<std::string> take(std::size_t count) {
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i < count; ++i) {
      const auto delivery = next();
      bodies.push_back(delivery->message().body);
      delivery->acknowledge();
    }
    return bodies;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Delivery>> arrived_;
};

}  // namespace sluice::bus::testing
