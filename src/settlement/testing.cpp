// The fakes of the desk's tests.
#include "settlement/testing.h"

#include <algorithm>
#include <utility>

namespace sluice::settlement::testing {

using payment::CloseAnswer;
using payment::Fault;
using payment::RefundProgress;
using payment::Trade;

// ---- loop --------------------------------------------------------------------------------------

void ManualLoop::post(std::move_only_function<void()> job) {
  if (ended_) return;
  jobs_.push_back(std::move(job));
  if (at_once_) run();
}

void ManualLoop::after(Span pause, Job job) {
  if (!ended_) timers_.emplace(now_ + pause, std::move(job));
}

void ManualLoop::end() {
  ended_ = true;
  jobs_.clear();
  timers_.clear();
}

void ManualLoop::run() {
  if (std::exchange(running_, true)) return;
  while (!jobs_.empty()) {
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    job();
  }
  running_ = false;
}

void ManualLoop::advance(Span by) {
  const Instant until = now_ + by;
  run();
  while (!timers_.empty() && timers_.begin()->first <= until) {
    auto first = timers_.extract(timers_.begin());
    now_ = std::max(now_, first.key());
    first.mapped()();
    run();
  }
  now_ = until;
}

void ManualLoop::run_at_once() {
  at_once_ = true;
  run();
}

// ---- engine ------------------------------------------------------------------------------------

FakeEngine::FakeEngine(const ManualLoop& loop, const sale::Settings& settings)
    : state(settings), loop_(loop) {}

engine::Admission FakeEngine::submit(sale::Command&& command, engine::Mailbox& to,
                                     engine::Continuation&& then) {
  ++commands;
  if (refuse_commands > 0) {
    --refuse_commands;
    return engine::Admission::overloaded;
  }
  engine::Reply reply;
  if (not_durable > 0) {
    --not_durable;
    reply.trouble = engine::Reply::Trouble::storage_full;
  } else {
    std::visit(
        [&]<class Exact>(Exact& exact) {
          if constexpr (std::is_same_v<Exact, sale::Grab> ||
                        std::is_same_v<Exact, sale::OpenSale> ||
                        std::is_same_v<Exact, sale::AddItem>) {
            FAIL() << "the desk never sends this";
          } else {
            reply.outcome = apply(exact);
            if constexpr (requires { exact.order; }) {
              const sale::OrderSlot slot = state.find_order(exact.order);
              if (slot != sale::kNoOrder) reply.order = state.order(slot);
            }
          }
        },
        command);
  }
  if (before_reply) std::exchange(before_reply, {})();
  std::vector<engine::Delivery> batch;
  batch.push_back({std::move(then), reply});
  to.deliver(std::move(batch));
  return engine::Admission::accepted;
}

bool FakeEngine::order(OrderId id, engine::Mailbox& to,
                       Answer<std::optional<sale::OrderView>> then) {
  std::optional<sale::OrderView> view;
  if (const sale::OrderSlot slot = state.find_order(id); slot != sale::kNoOrder) {
    const sale::Order& order = state.order(slot);
    view.emplace();
    view->id = id;
    view->user = state.user_name(order.user);
    view->amount = order.amount;
    view->status = order.status;
    view->expires_at = order.expires_at;
  }
  to.post([view = std::move(view), then = std::move(then)]() mutable { then(std::move(view)); });
  return true;
}

OrderId FakeEngine::grab(const std::string& user, std::uint32_t item) {
  sale::OrderSlot slot = sale::kNoOrder;
  EXPECT_EQ(state.apply(sale::Grab{user, ItemNo{item}, 1, {}}, loop_.now(), effects_, slot),
            sale::GrabOutcome::granted);
  publish();
  return slot == sale::kNoOrder ? OrderId{} : state.order(slot).id;
}

void FakeEngine::publish() {
  alarms.insert(alarms.end(), effects_.alarms.begin(), effects_.alarms.end());
  duties_.post(effects_);
  effects_.clear();
  if (catalogs_.version() == 0 && !state.items().empty()) {
    auto catalog = std::make_shared<engine::Catalog>();
    catalog->sales.push_back(
        std::make_unique<engine::CatalogSale>(engine::CatalogSale{state.sales()[0], {}}));
    for (const sale::Item& item : state.items()) {
      catalog->items.push_back(std::make_unique<engine::CatalogItem>(
          engine::CatalogItem{item, catalog->sales[0].get(), nullptr}));
    }
    catalogs_.publish(std::move(catalog));
  }
}

void FakeEngine::recover() {
  for (sale::OrderSlot slot = 0; slot < state.order_count(); ++slot) {
    const sale::Order& order = state.order(slot);
    if (order.status == sale::OrderStatus::closing) effects_.closes.push_back({order.id});
    if (order.status == sale::OrderStatus::refunding) {
      const sale::Settlement* paid = state.settlement(slot);
      effects_.refunds.push_back(
          {order.id, paid->transaction_id, paid->amount, Currency{}, order.reason});
    }
  }
  duties_.post(effects_);
}

// ---- provider ----------------------------------------------------------------------------------

std::optional<Fault> FakeProvider::fault() {
  if (mode == Mode::breaker_open) return Fault{Fault::Kind::unavailable, "", "the breaker is open"};
  if (mode == Mode::silent) return Fault{Fault::Kind::retry, "", "timed out"};
  if (faults.empty()) return {};
  Fault next = faults.front();
  faults.pop_front();
  return next;
}

void FakeProvider::answer(bool keep, std::function<void()> job) {
  if (keep) {
    kept_back_.push_back(std::move(job));
  } else {
    job();
  }
}

void FakeProvider::release() {
  keep_back = keep_back_creates = false;
  for (auto& job : std::exchange(kept_back_, {}))
    job();
}

void FakeProvider::create(payment::NewPayment payment, Then<payment::CreatedPayment> then) {
  calls.push_back("create " + payment.out_trade_no);
  payment::Outcome<payment::CreatedPayment> outcome;
  if (const auto why = mode == Mode::up && faults.empty() ? std::nullopt : fault()) {
    outcome = std::unexpected(*why);
  } else {
    trades.try_emplace(payment.out_trade_no, Kept{Trade::State::not_paid, payment.amount, {}, {}});
    outcome = payment::CreatedPayment{"weixin://wxpay/" + payment.out_trade_no, {}};
  }
  answer(keep_back_creates,
         [then = std::make_shared<Then<payment::CreatedPayment>>(std::move(then)), outcome] {
           (*then)(outcome);
         });
}

void FakeProvider::query(std::string out_trade_no, Then<Trade> then) {
  calls.push_back("query " + out_trade_no);
  payment::Outcome<Trade> outcome;
  if (const auto why = fault()) {
    outcome = std::unexpected(*why);
  } else if (const auto at = trades.find(out_trade_no); at != trades.end()) {
    outcome->state = at->second.state;
    if (at->second.state == Trade::State::paid) {
      outcome->payment = payment::PaymentFacts{
          out_trade_no, at->second.transaction_id, at->second.amount, {}, kOpen, {}};
    }
  }
  answer(keep_back,
         [then = std::make_shared<Then<Trade>>(std::move(then)), outcome] { (*then)(outcome); });
}

void FakeProvider::close(std::string out_trade_no, Then<CloseAnswer> then) {
  calls.push_back("close " + out_trade_no);
  payment::Outcome<CloseAnswer> outcome = CloseAnswer::not_found;
  if (const auto why = fault()) {
    outcome = std::unexpected(*why);
  } else if (const auto at = trades.find(out_trade_no); at != trades.end()) {
    Trade::State& state = at->second.state;
    if (state == Trade::State::paid || state == Trade::State::refunded) {
      outcome = CloseAnswer::already_paid;
    } else {
      const bool before = state == Trade::State::closed;
      outcome = before ? CloseAnswer::already_closed : CloseAnswer::closed;
      state = Trade::State::closed;
    }
  }
  answer(keep_back, [then = std::make_shared<Then<CloseAnswer>>(std::move(then)), outcome] {
    (*then)(outcome);
  });
}

bool FakeProvider::Kept::is_closed(const std::string& number) const {
  return std::ranges::find(closed_refunds, number) != closed_refunds.end();
}

RefundProgress::State FakeProvider::Kept::answer(const std::string& number) {
  if (is_closed(number)) return RefundProgress::State::closed;
  if (refund_state == RefundProgress::State::closed) closed_refunds.push_back(number);
  return refund_state;
}

void FakeProvider::refund(payment::RefundOrder refund, Then<RefundProgress> then) {
  calls.push_back("refund " + refund.out_trade_no);
  payment::Outcome<RefundProgress> outcome;
  if (const auto why = fault()) {
    outcome = std::unexpected(*why);
  } else {
    Kept& kept = trades[refund.out_trade_no];
    EXPECT_EQ(refund.amount, kept.amount);
    if (!kept.is_closed(refund.out_refund_no)) {
      EXPECT_TRUE(kept.refund.empty() || kept.refund == refund.out_refund_no ||
                  kept.is_closed(kept.refund))
          << "paid back twice";
      kept.refund = refund.out_refund_no;
    }
    outcome->state = kept.answer(refund.out_refund_no);
  }
  then(std::move(outcome));
}

void FakeProvider::query_refund(std::string out_trade_no, std::string out_refund_no,
                                Then<RefundProgress> then) {
  calls.push_back("query_refund " + out_trade_no);
  payment::Outcome<RefundProgress> outcome;
  if (const auto why = fault()) {
    outcome = std::unexpected(*why);
  } else {
    Kept& kept = trades[out_trade_no];
    EXPECT_TRUE(kept.refund == out_refund_no || kept.is_closed(out_refund_no));
    outcome->state = kept.answer(out_refund_no);
  }
  then(std::move(outcome));
}

void FakeProvider::pay(OrderId order, const std::string& transaction) {
  Kept& kept = trade(order);
  kept.state = Trade::State::paid;
  kept.transaction_id = transaction;
}

// ---- service -----------------------------------------------------------------------------------

void FakeService::create(payment::PaymentRequest request, payment::Answer<payment::Payment> then) {
  payment::Payment& payment = ledger[request.out_trade_no];
  payment.sequence = static_cast<std::int64_t>(ledger.size());
  payment.out_trade_no = request.out_trade_no;
  payment.amount = request.amount;
  payment.attach = request.attach;
  payment.expires_at = request.expires_at;
  payment::NewPayment made;
  made.out_trade_no = request.out_trade_no;
  made.amount = request.amount;
  provider_.create(std::move(made), [this, number = request.out_trade_no, then = std::move(then)](
                                        payment::Outcome<payment::CreatedPayment> outcome) mutable {
    if (!outcome) {
      return then(std::unexpected(payment::ServiceError{payment::ServiceError::Kind::gateway,
                                                        "no payment", outcome.error()}));
    }
    ledger[number].code_url = outcome->code_url;
    ledger[number].code_at = clock == nullptr ? kOpen : clock->now();
    then(ledger[number]);
  });
}

void FakeService::find(std::string out_trade_no,
                       payment::Answer<std::optional<payment::Payment>> then) {
  const auto at = ledger.find(out_trade_no);
  then(at == ledger.end() ? std::nullopt : std::optional(at->second));
}

void FakeService::open_payments(std::int64_t after, std::uint32_t limit,
                                payment::Answer<std::vector<payment::Payment>> then) {
  std::vector<payment::Payment> page;
  for (const auto& [number, payment] : ledger) {
    if (payment.sequence > after && page.size() < limit) page.push_back(payment);
  }
  then(std::move(page));
}

void FakeService::query(std::string out_trade_no, payment::Answer<Trade> then) {
  queried.push_back(out_trade_no);
  provider_.query(std::move(out_trade_no),
                  [then = std::move(then)](payment::Outcome<Trade> outcome) mutable {
                    if (outcome) return then(std::move(*outcome));
                    then(std::unexpected(payment::ServiceError{payment::ServiceError::Kind::gateway,
                                                               "no answer", outcome.error()}));
                  });
}

void FakeService::close(std::string out_trade_no, payment::Answer<CloseAnswer> then) {
  provider_.close(std::move(out_trade_no),
                  [then = std::move(then)](payment::Outcome<CloseAnswer> outcome) mutable {
                    if (outcome) return then(*outcome);
                    then(std::unexpected(payment::ServiceError{payment::ServiceError::Kind::gateway,
                                                               "no answer", outcome.error()}));
                  });
}

// ---- bus ---------------------------------------------------------------------------------------

namespace {

class FakeDelivery final : public bus::Delivery {
 public:
  FakeDelivery(bus::Message message, std::uint32_t attempt, std::shared_ptr<Fate> fate)
      : message_(std::move(message)), attempt_(attempt), fate_(std::move(fate)) {}
  ~FakeDelivery() override { fate_->dropped = fate_->open(); }
  const bus::Message& message() const override { return message_; }
  const std::string& queue() const override { return queue_; }
  std::uint32_t attempt() const override { return attempt_; }
  void acknowledge() override {
    EXPECT_TRUE(fate_->open());
    fate_->acknowledged = true;
  }
  void give_back(Span pause) override {
    EXPECT_TRUE(fate_->open());
    fate_->given_back = pause;
  }
  void park() override {
    EXPECT_TRUE(fate_->open());
    fate_->parked = true;
  }

 private:
  const bus::Message message_;
  const std::string queue_ = "queueSeckillOrder";
  const std::uint32_t attempt_;
  const std::shared_ptr<Fate> fate_;
};

}  // namespace

Result<> FakeBus::consume(std::string_view queue, std::size_t, bus::Consumer consumer) {
  EXPECT_EQ(queue, "queueSeckillOrder");
  consumer_ = std::move(consumer);
  return {};
}

std::shared_ptr<Fate> FakeBus::send(const std::string& body, std::uint32_t attempt) {
  auto fate = std::make_shared<Fate>();
  bus::Message message;
  message.id = "m1";
  message.body = body;
  consumer_(std::make_unique<FakeDelivery>(std::move(message), attempt, fate));
  return fate;
}

// ---- fixture -----------------------------------------------------------------------------------

DeskTest::DeskTest(DeskOptions options, std::int64_t stock, Span hold)
    : options_(std::move(options)) {
  auto loop = std::make_unique<ManualLoop>();
  loop_ = loop.get();
  service_.clock = loop_;
  own_loop_ = std::move(loop);
  sale::Settings settings;
  settings.has_gateway = true;
  settings.hash_seed = 7;
  settings.max_close_attempts = 3;
  engine_ = std::make_unique<FakeEngine>(*loop_, settings);
  sale::OpenSale open;
  open.title = "A sale";
  open.starts_at = kOpen;
  open.ends_at = kOpen + Span::seconds(100'000);
  open.hold = hold;
  sale::ItemDraft item;
  item.title = "A thing";
  item.price = Money{1999};
  item.stock = Quantity{stock};
  open.items.push_back(item);
  sale::Effects effects;
  SaleNo no;
  EXPECT_EQ(engine_->state.apply(open, kOpen, effects, no), sale::OpenSaleOutcome::opened);
}

DeskTest::~DeskTest() {
  if (desk_ == nullptr) return;
  loop_->run_at_once();
  provider_.release();
  desk_->stop();
}

void DeskTest::open_desk() {
  auto opened = open_desk_on(std::move(own_loop_), options_, *engine_, service_, provider_, bus_);
  ASSERT_TRUE(opened) << opened.error().message;
  desk_ = std::move(*opened);
  run();
}

/// Moves in steps, so that the core's clock and the desk's timers meet as they would.
void DeskTest::advance(Span by) {
  constexpr Span step{250};
  for (std::int64_t left = by.ms; left > 0; left -= step.ms) {
    loop_->advance(Span{std::min(left, step.ms)});
    engine_->apply(sale::Pulse{});
    run();
  }
}

std::optional<ShopperPayment> DeskTest::begin(const std::string& user, OrderId order) {
  // The answer may come after the test went on.
  auto payment = std::make_shared<std::optional<ShopperPayment>>();
  error_.reset();
  desk_->begin(user, order, "127.0.0.1", *loop_, [this, payment](auto answer) {
    if (answer) {
      *payment = *answer;
    } else {
      error_ = answer.error();
    }
  });
  run();
  return *payment;
}

std::string DeskTest::paid_body(OrderId order, const std::string& transaction) const {
  const Money amount = engine_->order(order).amount;
  return R"({"return_code":"SUCCESS","result_code":"SUCCESS","out_trade_no":")" + to_text(order) +
         R"(","transaction_id":")" + transaction + R"(","total_fee":")" +
         std::to_string(amount.minor) + R"(","time_end":"20270115160001"})";
}

int DeskTest::calls(const std::string& what) const {
  return static_cast<int>(std::ranges::count_if(
      provider_.calls, [&](const std::string& call) { return call.starts_with(what); }));
}

void DeskTest::expect_units(std::int64_t available, std::int64_t held, std::int64_t sold) const {
  const sale::Counters units = engine_->units();
  EXPECT_EQ(units.available.units, available);
  EXPECT_EQ(units.held.units, held);
  EXPECT_EQ(units.sold.units, sold);
}

}  // namespace sluice::settlement::testing
