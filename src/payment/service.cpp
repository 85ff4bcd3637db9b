// The payment service put together, and the flows that only read or pass a question on.
#include "payment/service.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "payment/service_core.h"

namespace sluice::payment {

using Standing = Payment::Standing;

ServiceError invalid(std::string message) {
  return {ServiceError::Kind::invalid, std::move(message), std::nullopt};
}

ServiceError no_storage(const Error& why) {
  return {ServiceError::Kind::storage, "The payment ledger: " + why.message, std::nullopt};
}

ServiceError gateway_error(Fault fault) {
  return {ServiceError::Kind::gateway, "The payment provider: " + fault.message, std::move(fault)};
}

ServiceError stopping() {
  return no_storage(Error{"the service stops: ask again after the next start."});
}

bool MinuteMeter::admit(Instant now) {
  const std::lock_guard lock(mutex_);
  if (now < start_ || now >= start_ + Span::seconds(60)) {
    start_ = now;
    count_ = 0;
  }
  if (count_ >= per_minute_) return false;
  ++count_;
  return true;
}

Core::Core(ServiceOptions its_options, Gateway& its_gateway, bus::Bus& its_bus,
           std::unique_ptr<Ledger> ledger)
    : options(std::move(its_options)),
      gateway(its_gateway),
      bus(its_bus),
      refusals(options.refused_per_minute),
      thread(std::move(ledger)) {}

bool Core::allows(const Attach& attach) const {
  return std::ranges::any_of(options.allowed, [&](const bus::Binding& binding) {
    return binding.exchange == attach.exchange && binding.routing_key == attach.queue;
  });
}

namespace {

/// Any read with its answer.
template <class T, class Read>
class ReadTask final : public Task {
 public:
  ReadTask(Read read, Answer<T> then) : read_(std::move(read)), then_(std::move(then)) {}
  bool only_reads() const override { return true; }
  int work(Ledger& ledger) override { return read_(ledger, found_); }
  void done(const std::optional<Error>& why_not) override {
    if (why_not) return refuse(no_storage(*why_not));
    then_(std::move(found_));
  }
  void refuse(ServiceError&& error) { then_(std::unexpected(std::move(error))); }

 private:
  Read read_;
  Answer<T> then_;
  T found_;
};

template <class T, class Read>
void read(Core& core, Read ledger_read, Answer<T> then) {
  post_or_answer(core,
                 std::make_unique<ReadTask<T, Read>>(std::move(ledger_read), std::move(then)));
}

/// What the provider said, kept before it is passed on; passed on even where it cannot be kept.
class LearnTask final : public Task {
 public:
  using Learn = std::move_only_function<int(Ledger&)>;
  LearnTask(Learn learn, std::move_only_function<void()> pass_on)
      : learn_(std::move(learn)), pass_on_(std::move(pass_on)) {}
  int work(Ledger& ledger) override { return learn_(ledger); }
  void done(const std::optional<Error>&) override { pass_on_(); }
  void refuse(const ServiceError&) { pass_on_(); }

 private:
  Learn learn_;
  std::move_only_function<void()> pass_on_;
};

int learn_trade(Ledger& ledger, const std::string& number, const Trade& trade, Instant now) {
  switch (trade.state) {
    case Trade::State::not_found:
      return ledger.settle_missing(number, now - kGoneAfter);
    case Trade::State::not_paid:
    case Trade::State::paying:
      return SQLITE_OK;
    case Trade::State::closed:
      return ledger.settle(number, Standing::closed, "");
    case Trade::State::failed:
      return ledger.settle(number, Standing::failed, "");
    case Trade::State::paid:
    case Trade::State::refunded:
      return ledger.settle(number,
                           trade.state == Trade::State::paid ? Standing::paid : Standing::refunded,
                           trade.payment ? trade.payment->transaction_id : "");
  }
  return SQLITE_OK;
}

class LocalService final : public Service {
 public:
  explicit LocalService(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~LocalService() override { stop(); }
  LocalService(const LocalService&) = delete;
  LocalService& operator=(const LocalService&) = delete;

  void create(PaymentRequest request, Answer<Payment> then) override {
    create_payment(*core_, std::move(request), std::move(then));
  }

  void find(std::string out_trade_no, Answer<std::optional<Payment>> then) override {
    read(
        *core_,
        [number = std::move(out_trade_no)](Ledger& ledger, std::optional<Payment>& out) {
          std::optional<PaymentRow> row;
          const int code = ledger.find(number, row);
          if (row) out = std::move(row->payment);
          return code;
        },
        std::move(then));
  }

  void open_payments(std::int64_t after, std::uint32_t limit,
                     Answer<std::vector<Payment>> then) override {
    read(
        *core_,
        [after, limit = std::min(limit, kMaxPage)](Ledger& ledger, std::vector<Payment>& out) {
          return ledger.open_payments(after, limit, out);
        },
        std::move(then));
  }

  void query(std::string out_trade_no, Answer<Trade> then) override {
    core_->gateway.query(out_trade_no, [core = core_, number = out_trade_no,
                                        then = std::move(then)](Outcome<Trade> said) mutable {
      if (!said) return then(std::unexpected(gateway_error(std::move(said.error()))));
      const Instant now = core->now();
      auto trade = std::make_shared<Trade>(std::move(*said));
      post_or_answer(*core, std::make_unique<LearnTask>(
                                [number = std::move(number), trade, now](Ledger& ledger) {
                                  return learn_trade(ledger, number, *trade, now);
                                },
                                [trade, then = std::move(then)]() mutable { then(*trade); }));
    });
  }

  void close(std::string out_trade_no, Answer<CloseAnswer> then) override {
    core_->gateway.close(out_trade_no, [core = core_, number = out_trade_no,
                                        then = std::move(then)](Outcome<CloseAnswer> said) mutable {
      if (!said) return then(std::unexpected(gateway_error(std::move(said.error()))));
      // Paid: the query that follows says by which transaction. Not found: it may yet come to be,
      // as a creation with an unknown outcome; it stays on the list until its time is over.
      const bool is_closed = *said == CloseAnswer::closed || *said == CloseAnswer::already_closed;
      if (!is_closed) return then(*said);
      post_or_answer(*core,
                     std::make_unique<LearnTask>(
                         [number = std::move(number)](Ledger& ledger) {
                           return ledger.settle(number, Standing::closed, "");
                         },
                         [answer = *said, then = std::move(then)]() mutable { then(answer); }));
    });
  }

  void notify(RawNotification raw, std::move_only_function<void(Acknowledgement)> then) override {
    route_notification(*core_, std::move(raw), std::move(then));
  }

  void notifications(std::optional<std::int64_t> before, std::uint32_t limit,
                     std::optional<std::string> out_trade_no,
                     Answer<std::vector<NotificationEntry>> then) override {
    read(
        *core_,
        [core = core_, before, limit = std::min(limit, kMaxPage), number = std::move(out_trade_no)](
            Ledger& ledger, std::vector<NotificationEntry>& out) {
          const int code = ledger.notifications(before, limit, number, out);
          for (NotificationEntry& entry : out) {
            const auto counted = core->repetitions.find(entry.event_id);
            if (counted != core->repetitions.end()) entry.repetitions += counted->second;
          }
          return code;
        },
        std::move(then));
  }

  void replay(std::int64_t sequence, Answer<NotificationEntry> then) override {
    replay_notification(*core_, sequence, std::move(then));
  }

  bool healthy() const override { return core_->thread.healthy(); }

  NotificationCounts counts() const override {
    const auto& counts = core_->counts;
    return {counts.routed, counts.repeated, counts.refused, counts.not_logged, counts.not_stored};
  }

  void stop() override;

 private:
  std::shared_ptr<Core> core_;
};

class FlushTask final : public Task {
 public:
  explicit FlushTask(Core& core) : core_(core) {}
  int work(Ledger& ledger) override { return flush_repetitions(core_, ledger); }
  void done(const std::optional<Error>&) override {}  // they are kept approximately

 private:
  Core& core_;
};

void LocalService::stop() {
  std::unique_ptr<Task> flush = std::make_unique<FlushTask>(*core_);
  core_->thread.post(flush, LedgerThread::Entry::always);
  core_->thread.stop();
  // The gateway and the bus may answer later, but nothing of it is kept any more.
  for (auto& [number, waiting] : std::exchange(core_->creating, {})) {
    for (auto& then : waiting)
      then(std::unexpected(stopping()));
  }
  for (auto& [event, waiting] : std::exchange(core_->routing, {})) {
    for (auto& then : waiting)
      then(core_->gateway.acknowledge(Receipt::not_stored, stopping().message));
  }
}

}  // namespace

Result<std::unique_ptr<Service>> open_service(ServiceOptions options, Gateway& gateway,
                                              bus::Bus& bus) {
  SLUICE_ASSERT(options.now, "a clock");
  auto ledger = Ledger::open(options.directory);
  if (!ledger) return std::unexpected(ledger.error());
  return std::make_unique<LocalService>(
      std::make_shared<Core>(std::move(options), gateway, bus, std::move(*ledger)));
}

}  // namespace sluice::payment
