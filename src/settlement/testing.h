// What the tests of the desk share: time that the test moves, the real core without threads, a
// provider that keeps trades and plays faults, and a bus of one queue.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/outbox.h"
#include "sale/state.h"
#include "settlement/assemble.h"
#include "settlement/desk.h"
#include "settlement/loop.h"

namespace sluice::settlement::testing {

inline constexpr Instant kOpen{1'800'000'000'000};  // 2027-01-15T08:00:00Z
inline constexpr Span kHold = Span::seconds(600);
constexpr Span past_hold(std::int64_t seconds) {
  return Span{kHold.ms + seconds * 1000};
}

/// Jobs run when the test says so, timers when it moves the time past them.
class ManualLoop final : public Loop {
 public:
  Instant now() const override { return now_; }
  void post(std::move_only_function<void()> job) override;
  void after(Span pause, Job job) override;
  void end() override;

  void run();
  void advance(Span by);
  /// From now on jobs run as they come: there is nobody left to run them.
  void run_at_once();

 private:
  Instant now_ = kOpen;
  std::deque<Job> jobs_;
  std::multimap<Instant, Job> timers_;
  bool at_once_ = false;
  bool running_ = false;
  bool ended_ = false;
};

/// The core behind the engine's interface: every command is a commit of its own.
class FakeEngine final : public engine::Engine {
 public:
  explicit FakeEngine(const ManualLoop& loop, const sale::Settings& settings);

  engine::Admission submit(sale::Command&& command, engine::Mailbox& to,
                           engine::Continuation&& then) override;
  bool order(OrderId id, engine::Mailbox& to, Answer<std::optional<sale::OrderView>> then) override;
  void take_duties(engine::Mailbox& to, engine::DutySink sink) override {
    duties_.take(to, std::move(sink));
  }
  const engine::Catalogs& catalogs() const override { return catalogs_; }
  Instant now() const override { return loop_.now(); }

  // What the desk does not use.
  std::optional<sale::GrabOutcome> refuse(std::string_view, const engine::CatalogItem*,
                                          std::int64_t, Instant) const override {
    return {};
  }
  bool orders_of(std::string_view, sale::PageRequest, engine::Mailbox&,
                 Answer<sale::Page<sale::OrderView>>) override {
    return false;
  }
  bool search(sale::OrderFilter, sale::PageRequest, engine::Mailbox&,
              Answer<sale::Page<sale::OrderView>>) override {
    return false;
  }
  bool timeline(OrderId, engine::Mailbox&, Answer<std::vector<sale::TimelineEntry>>) override {
    return false;
  }
  bool audit(sale::PageRequest, engine::Mailbox&, Answer<sale::Page<sale::AuditEntry>>) override {
    return false;
  }
  void watch(engine::Mailbox&, engine::NoticeSink) override {}
  std::atomic<std::int64_t>& watch_count() override { return watchers_; }
  engine::Health health() const override { return {}; }
  const engine::Counts& counts() const override { return counts_; }
  void stop() override {}

  // The test's side.
  OrderId grab(const std::string& user, std::uint32_t item = 0);
  template <class C>
  auto apply(const C& command) {
    const auto outcome = state.apply(command, loop_.now(), effects_);
    publish();
    return outcome;
  }
  const sale::Order& order(OrderId id) const { return state.order(state.find_order(id)); }
  sale::Counters units() const { return state.items()[0].counters; }
  /// Hands over again what a recovery would.
  void recover();

  sale::State state;
  int refuse_commands = 0;  ///< so many are not taken
  int not_durable = 0;      ///< so many are answered with a full disk
  std::vector<std::string> alarms;
  int commands = 0;
  std::function<void()> before_reply;  ///< once, after the next command was applied

 private:
  void publish();

  const ManualLoop& loop_;
  sale::Effects effects_;
  engine::DutyBoard duties_;
  engine::Catalogs catalogs_;
  engine::Counts counts_;
  std::atomic<std::int64_t> watchers_{0};
};

/// A provider that keeps trades. Faults are played in the order they were put.
class FakeProvider final : public payment::Gateway {
 public:
  struct Kept {
    payment::Trade::State state = payment::Trade::State::not_paid;
    Money amount;
    std::string transaction_id;
    std::string refund;                         ///< number of the newest refund, once asked for
    std::vector<std::string> closed_refunds{};  ///< numbers that were answered with closed
    payment::RefundProgress::State refund_state = payment::RefundProgress::State::processing;

    bool is_closed(const std::string& number) const;
    /// What it says of this refund; a number that it once called closed stays that.
    payment::RefundProgress::State answer(const std::string& number);
  };
  enum class Mode : std::uint8_t { up, silent, breaker_open };

  void create(payment::NewPayment payment, Then<payment::CreatedPayment> then) override;
  void query(std::string out_trade_no, Then<payment::Trade> then) override;
  void close(std::string out_trade_no, Then<payment::CloseAnswer> then) override;
  void refund(payment::RefundOrder refund, Then<payment::RefundProgress> then) override;
  void query_refund(std::string out_trade_no, std::string out_refund_no,
                    Then<payment::RefundProgress> then) override;
  Result<payment::Notification> parse(const payment::RawNotification&, Instant) const override {
    return fail("not used");
  }
  payment::Acknowledgement acknowledge(payment::Receipt, std::string_view) const override {
    return {};
  }
  Health health() const override { return {}; }
  void stop() override {}

  void pay(OrderId order, const std::string& transaction);
  Kept& trade(OrderId order) { return trades[to_text(order)]; }
  /// Answers what was kept back.
  void release();

  std::map<std::string, Kept> trades;
  Mode mode = Mode::up;
  std::deque<payment::Fault> faults;  ///< answers to the next calls but create
  std::vector<std::string> calls;     ///< "close No1", "query No1", …
  bool keep_back = false;             ///< calls are carried out, their answers wait for release()
  bool keep_back_creates = false;

 private:
  std::optional<payment::Fault> fault();
  void answer(bool keep, std::function<void()> job);

  std::vector<std::function<void()>> kept_back_;
};

/// The payment service as far as the desk needs it.
class FakeService final : public payment::Service {
 public:
  explicit FakeService(FakeProvider& provider) : provider_(provider) {}

  void create(payment::PaymentRequest request, payment::Answer<payment::Payment> then) override;
  void find(std::string out_trade_no,
            payment::Answer<std::optional<payment::Payment>> then) override;
  void open_payments(std::int64_t after, std::uint32_t limit,
                     payment::Answer<std::vector<payment::Payment>> then) override;
  void query(std::string out_trade_no, payment::Answer<payment::Trade> then) override;
  void close(std::string out_trade_no, payment::Answer<payment::CloseAnswer> then) override;
  void notify(payment::RawNotification,
              std::move_only_function<void(payment::Acknowledgement)>) override {}
  void notifications(std::optional<std::int64_t>, std::uint32_t, std::optional<std::string>,
                     payment::Answer<std::vector<payment::NotificationEntry>>) override {}
  void replay(std::int64_t, payment::Answer<payment::NotificationEntry>) override {}
  payment::NotificationCounts counts() const override { return {}; }
  bool healthy() const override { return true; }
  void stop() override {}

  const ManualLoop* clock = nullptr;  ///< dates the codes; empty: kOpen
  std::map<std::string, payment::Payment> ledger;
  std::vector<std::string> queried;  ///< through the service: the ledger learned it

 private:
  FakeProvider& provider_;
};

/// What became of one delivery.
struct Fate {
  bool acknowledged = false;
  std::optional<Span> given_back;
  bool dropped = false;
  bool parked = false;
  bool open() const { return !acknowledged && !given_back && !dropped && !parked; }
};

class FakeBus final : public bus::Bus {
 public:
  void publish(std::string_view, std::string_view, bus::Message, bus::Confirmed) override {}
  Result<> consume(std::string_view queue, std::size_t prefetch, bus::Consumer consumer) override;
  std::vector<QueueState> queues() const override { return {}; }
  void recount() override {}
  bool healthy() const override { return true; }
  void stop() override {}

  std::shared_ptr<Fate> send(const std::string& body, std::uint32_t attempt = 1);

 private:
  bus::Consumer consumer_;
};

/// A desk on all of it, with one sale of ten units.
class DeskTest : public ::testing::Test {
 public:
  ~DeskTest() override;

 protected:
  explicit DeskTest(DeskOptions options = {}, std::int64_t stock = 10, Span hold = kHold);

  void open_desk();
  void run() { loop_->run(); }
  void advance(Span by);
  /// Begins the payment and gives it out; empty: `error_` says why not.
  std::optional<ShopperPayment> begin(const std::string& user, OrderId order);
  /// What a v2 notification of this payment says.
  std::string paid_body(OrderId order, const std::string& transaction) const;
  sale::OrderStatus status(OrderId order) const { return engine_->order(order).status; }
  int calls(const std::string& what) const;
  void expect_units(std::int64_t available, std::int64_t held, std::int64_t sold) const;

  DeskOptions options_;
  ManualLoop* loop_ = nullptr;  ///< the desk's own once it is open
  std::unique_ptr<Loop> own_loop_;
  std::unique_ptr<FakeEngine> engine_;
  FakeProvider provider_;
  FakeService service_{provider_};
  FakeBus bus_;
  std::optional<BeginError> error_;
  std::unique_ptr<Desk> desk_;
};

}  // namespace sluice::settlement::testing
