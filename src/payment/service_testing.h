// A payment service for tests: on a scripted gateway and the embedded bus, in a directory of its
// own, with calls that wait for their answers.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.h"
#include "payment/service.h"
#include "payment/testing.h"
#include "sqlite/testing.h"

namespace sluice::payment::testing {

inline constexpr Instant kNoon{1'795'000'000'000};

/// What a call answered.
template <class T>
using Said = std::expected<T, ServiceError>;

/// The other end of an Answer.
template <class T>
class Expected {
 public:
  Answer<T> answer() {
    return [promise = promise_](Said<T> said) { promise->set_value(std::move(said)); };
  }
  Said<T> get() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<Said<T>>> promise_ = std::make_shared<std::promise<Said<T>>>();
};

class House {
  std::optional<sqlite::testing::TemporaryDirectory> temporary_;

 public:
  House() : temporary_(std::in_place), directory(temporary_->path()) { open(); }
  /// In a directory that stays.
  explicit House(std::string its_directory) : directory(std::move(its_directory)) { open(); }
  ~House() { shut(); }
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  void open() {
    auto opened_bus = bus::open_local(directory, bindings);
    ASSERT_TRUE(opened_bus) << opened_bus.error().message;
    bus = std::move(*opened_bus);
    ServiceOptions options;
    options.directory = directory;
    options.allowed = allowed;
    options.now = [this] { return Instant{now_ms}; };
    options.refused_per_minute = refused_per_minute;
    options.refused_kept = refused_kept;
    auto opened = open_service(options, gateway, *bus);
    ASSERT_TRUE(opened) << opened.error().message;
    service = std::move(*opened);
  }
  void shut() {
    service.reset();
    bus.reset();
  }
  void restart() {
    shut();
    open();
  }

  Said<Payment> create(const PaymentRequest& request) const {
    Expected<Payment> said;
    service->create(request, said.answer());
    return said.get();
  }
  std::optional<Payment> find(const std::string& out_trade_no) const {
    Expected<std::optional<Payment>> said;
    service->find(out_trade_no, said.answer());
    auto found = said.get();
    EXPECT_TRUE(found);
    return found.value_or(std::nullopt);
  }
  std::vector<std::string> open_payments(std::int64_t after = 0,
                                         std::uint32_t limit = kMaxPage) const {
    Expected<std::vector<Payment>> said;
    service->open_payments(after, limit, said.answer());
    const auto page = said.get();
    std::vector<std::string> numbers;
    for (const Payment& payment : page.value())
      numbers.push_back(payment.out_trade_no);
    return numbers;
  }
  Said<Trade> query(const std::string& out_trade_no) const {
    Expected<Trade> said;
    service->query(out_trade_no, said.answer());
    return said.get();
  }
  Said<CloseAnswer> close(const std::string& out_trade_no) const {
    Expected<CloseAnswer> said;
    service->close(out_trade_no, said.answer());
    return said.get();
  }
  Acknowledgement notify(const RawNotification& raw) const {
    std::promise<Acknowledgement> said;
    service->notify(raw, [&](Acknowledgement answer) { said.set_value(std::move(answer)); });
    return said.get_future().get();
  }
  std::vector<NotificationEntry> notifications(std::optional<std::string> out_trade_no = {},
                                               std::optional<std::int64_t> before = {},
                                               std::uint32_t limit = kMaxPage) const {
    Expected<std::vector<NotificationEntry>> said;
    service->notifications(before, limit, std::move(out_trade_no), said.answer());
    return said.get().value();
  }
  Said<NotificationEntry> replay(std::int64_t sequence) const {
    Expected<NotificationEntry> said;
    service->replay(sequence, said.answer());
    return said.get();
  }
  std::uint64_t queued(const std::string& queue = "queueSeckillOrder") const {
    for (const auto& state : bus->queues()) {
      if (state.queue == queue) return state.ready;
    }
    return 0;
  }
  /// The messages of a queue so far; they stay unacknowledged.
  std::vector<bus::Message> messages(const std::string& queue = "queueSeckillOrder") {
    const std::uint64_t count = queued(queue);
    struct Gathered {
      std::mutex mutex;
      std::condition_variable changed;
      std::vector<std::unique_ptr<bus::Delivery>> deliveries;
    };
    const auto gathered = std::make_shared<Gathered>();
    EXPECT_TRUE(bus->consume(queue, bus::kMaxPrefetch, [gathered](auto delivery) {
      const std::lock_guard lock(gathered->mutex);
      gathered->deliveries.push_back(std::move(delivery));
      gathered->changed.notify_all();
    }));
    std::unique_lock lock(gathered->mutex);
    gathered->changed.wait(lock, [&] { return gathered->deliveries.size() >= count; });
    std::vector<bus::Message> found;
    for (const auto& delivery : gathered->deliveries)
      found.push_back(delivery->message());
    return found;
  }

  const std::string directory;
  const std::vector<bus::Binding> bindings{
      {"exchange.order", "queue.order", "queue.order"},
      {"exchange.order", "queueSeckillOrder", "queueSeckillOrder"},
      {"exchange.order", "internal", "internal"}};
  std::vector<bus::Binding> allowed{bindings[0], bindings[1]};
  std::atomic<std::int64_t> now_ms{kNoon.ms};
  std::uint32_t refused_per_minute = 60;
  std::uint32_t refused_kept = 10'000;
  FakeGateway gateway;
  std::unique_ptr<bus::Bus> bus;
  std::unique_ptr<Service> service;
};

inline PaymentRequest request(std::string out_trade_no = "No123456") {
  PaymentRequest asked;
  asked.out_trade_no = std::move(out_trade_no);
  asked.amount = Money{1999};
  asked.attach = {"queueSeckillOrder", "exchange.order", "mia"};
  asked.subject = "A kettle";
  asked.expires_at = kNoon + Span::seconds(1800);
  asked.client_address = "127.0.0.1";
  return asked;
}

inline PaymentFacts facts(const PaymentRequest& of, std::string transaction = "T1") {
  return {of.out_trade_no, std::move(transaction),   of.amount,
          of.currency,     kNoon + Span::seconds(5), to_json(of.attach)};
}

inline RawNotification paid(const PaymentRequest& of, const std::string& transaction = "T1") {
  return FakeGateway::notification(facts(of, transaction), "event-" + transaction);
}

}  // namespace sluice::payment::testing
