// Payment rooms made of memory, for tests of the routes in front of them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/testing.h"
#include "bus/bus.h"
#include "payment/gateway.h"
#include "payment/service.h"
#include "settlement/desk.h"

namespace sluice::api::testing {

struct FakeGateway final : payment::Gateway {
  bool breaker_open = false;

  void create(payment::NewPayment, Then<payment::CreatedPayment> then) override;
  void query(std::string, Then<payment::Trade> then) override;
  void close(std::string, Then<payment::CloseAnswer> then) override;
  void refund(payment::RefundOrder, Then<payment::RefundProgress> then) override;
  void query_refund(std::string, std::string, Then<payment::RefundProgress> then) override;
  Result<payment::Notification> parse(const payment::RawNotification&, Instant) const override;
  payment::Acknowledgement acknowledge(payment::Receipt receipt, std::string_view) const override;
  Health health() const override { return {breaker_open, 7, 2}; }
  void stop() override {}
};

struct FakeBus final : bus::Bus {
  bool is_healthy = true;

  void publish(std::string_view, std::string_view, bus::Message, bus::Confirmed then) override;
  Result<> consume(std::string_view, std::size_t, bus::Consumer) override { return {}; }
  std::vector<QueueState> queues() const override { return {{"queueSeckillOrder", 3, 2, 1}}; }
  void recount() override {}
  bool healthy() const override { return is_healthy; }
  void stop() override {}
};

/// Answers at once, on the caller's thread, from what the test has put there.
struct FakeService final : payment::Service {
  mutable std::mutex mutex;  ///< the test and the I/O thread
  std::map<std::string, payment::Payment> known;
  std::optional<payment::ServiceError> error;  ///< of every call
  bool is_healthy = true;
  bool refuses_replay = false;
  payment::Trade trade;
  payment::CloseAnswer closed = payment::CloseAnswer::closed;
  payment::Acknowledgement acknowledgement{200, "text/xml", "<xml/>"};
  std::vector<payment::NotificationEntry> log;  ///< newest first
  std::vector<payment::PaymentRequest> created;
  std::vector<payment::RawNotification> notified;
  std::vector<std::int64_t> replayed;
  std::vector<std::string> asked;  ///< numbers that were queried or closed

  void create(payment::PaymentRequest request, payment::Answer<payment::Payment> then) override;
  void find(std::string number, payment::Answer<std::optional<payment::Payment>> then) override;
  void query(std::string number, payment::Answer<payment::Trade> then) override;
  void close(std::string number, payment::Answer<payment::CloseAnswer> then) override;
  void notify(payment::RawNotification raw,
              std::move_only_function<void(payment::Acknowledgement)> then) override;
  void notifications(std::optional<std::int64_t> before, std::uint32_t limit,
                     std::optional<std::string> number,
                     payment::Answer<std::vector<payment::NotificationEntry>> then) override;
  void replay(std::int64_t sequence, payment::Answer<payment::NotificationEntry> then) override;
  void open_payments(std::int64_t after, std::uint32_t limit,
                     payment::Answer<std::vector<payment::Payment>> then) override;
  bool healthy() const override { return is_healthy; }
  payment::NotificationCounts counts() const override { return {10, 9, 8, 7, 6}; }
  void stop() override {}

 private:
  template <class T, class Make>
  void answer(payment::Answer<T>& then, Make make);
};

/// Begins payments of the engine's orders in `service`, or fails as told.
struct FakeDesk final : settlement::Desk {
  explicit FakeDesk(FakeService& service_) : service(service_) {}
  FakeService& service;
  std::optional<settlement::BeginError> error;
  Money amount{1999};
  std::string address;  ///< of the last caller
  std::vector<std::string> looked_at;

  void begin(std::string user, OrderId order, std::string client_address, engine::Mailbox& to,
             std::move_only_function<
                 void(std::expected<settlement::ShopperPayment, settlement::BeginError>)>
                 then) override;
  void look_at(std::string out_trade_no) override { looked_at.push_back(std::move(out_trade_no)); }
  settlement::DeskCounts counts() const override { return {5, 1, 4, 3, 2}; }
  void stop() override {}
};

/// An API with these rooms behind it.
class PaymentApiTest : public ApiTest {
 public:
  PaymentApiTest() { open({}); }
  ~PaymentApiTest() override { stop(); }  // the rooms below outlive the servers
  PaymentApiTest(const PaymentApiTest&) = delete;
  PaymentApiTest& operator=(const PaymentApiTest&) = delete;

 protected:
  /// Starts anew with other options and the rooms opened.
  void open(ApiOptions options);
  /// An order of alice for one unit of a new item, of 19.99 CNY, held for a minute.
  std::string grab_one(const std::string& item = "phone");
  Answer service_get(const std::string& path, http::Role role = http::Role::service);
  /// Applies a payment of the whole amount, as the desk would.
  void pay(const std::string& order);

  FakeGateway gateway_;
  FakeBus bus_;
  FakeService service_;
  FakeDesk desk_{service_};
};

}  // namespace sluice::api::testing
