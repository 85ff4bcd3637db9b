// The writer's loop: take, apply, commit, publish, answer.
#include "engine/writer.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace sluice::engine {

namespace {

/// How long the writer sleeps at most when nothing arrives and nothing is scheduled.
constexpr std::chrono::milliseconds kIdleSleep{1000};
/// How long to leave a full disk alone before the next batch tries it again.
constexpr Span kStorageRetry{1000};

template <class OutcomeEnum>
constexpr bool speaks_of_order(OutcomeEnum outcome) {
  return outcome != OutcomeEnum::unknown_order;
}

}  // namespace

Writer::Writer(std::unique_ptr<store::Record> record, const EmbeddedOptions& options, Clock& clock,
               View& view)
    : record_(std::move(record)),
      options_(options),
      settings_(options.settings),
      clock_(clock),
      view_(view),
      state_(settings_),
      inbox_(options.queue_bound) {}

Writer::~Writer() {
  stop();
}

Result<std::unique_ptr<Writer>> Writer::recover(std::unique_ptr<store::Record> record,
                                                const EmbeddedOptions& options, Clock& clock,
                                                View& view) {
  std::unique_ptr<Writer> writer(new Writer(std::move(record), options, clock, view));
  if (auto loaded = writer->load_state(); !loaded) return std::unexpected(loaded.error());
  return writer;
}

Result<> Writer::load_state() {
  state_ = sale::State(settings_);
  effects_.clear();
  if (auto loaded = record_->load(state_, options_.progress); !loaded) return loaded;
  const Instant now = clock_.now();
  state_.finish_restore(now, effects_);
  for (std::uint32_t user = 0; user < state_.user_count(); ++user) {
    view_.shoppers.add(state_.user_name(UserNo{user}));
  }
  if (!effects_.empty()) {
    if (auto committed = record_->commit(effects_, state_, now); !committed) return committed;
  }
  publish_catalog();
  publish();
  effects_.clear();
  return {};
}

void Writer::start() {
  record_->start_applier();
  thread_ = std::thread([this] { run(); });
}

void Writer::stop() {
  inbox_.close();
  if (thread_.joinable()) thread_.join();
}

void Writer::run() {
  pthread_setname_np(pthread_self(), "sluice-writer");
  std::vector<Submission> taken;
  for (;;) {
    const auto sleep = pulse_again_          ? std::chrono::milliseconds{0}
                       : state_.next_pulse() ? std::chrono::milliseconds{options_.pulse_period.ms}
                                             : kIdleSleep;
    if (!inbox_.take(taken, sleep)) break;
    std::span<Submission> rest(taken);
    do {
      const std::size_t size = std::min(rest.size(), options_.max_batch);
      process(rest.first(size));
      rest = rest.subspan(size);
    } while (!rest.empty());
  }
  if (auto closed = record_->close(); !closed) spdlog::error("{}", closed.error().message);
}

void Writer::process(std::span<Submission> batch) {
  const Instant now = clock_.now();
  if (trouble_ == Reply::Trouble::storage_broken ||
      (trouble_ == Reply::Trouble::storage_full && now < retry_storage_at_)) {
    after_failed_commit(batch);
    return;
  }
  effects_.clear();
  replies_.clear();
  if (!has_room(now)) {
    after_failed_commit(batch);
    return;
  }
  pulse_if_due(now);
  for (Submission& submission : batch) {
    auto* command = std::get_if<sale::Command>(&submission.work);
    replies_.push_back(command != nullptr ? apply(std::move(*command), now) : Reply{});
  }
  if (!commit(now)) {
    after_failed_commit(batch);
    return;
  }
  publish();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (auto* inspection = std::get_if<Inspection>(&batch[i].work)) {
      (*inspection)(state_);
    } else {
      outbox_.add(batch[i].to, std::move(batch[i].then), replies_[i]);
    }
  }
  outbox_.flush();
}

Reply Writer::apply(sale::Command&& command, Instant now) {
  Reply reply;
  std::visit(
      [&](auto& exact) {
        using Exact = std::remove_cvref_t<decltype(exact)>;
        if constexpr (std::is_same_v<Exact, sale::Grab>) {
          sale::OrderSlot slot = sale::kNoOrder;
          const sale::GrabOutcome outcome = state_.apply(exact, now, effects_, slot);
          if (outcome == sale::GrabOutcome::granted) view_.shoppers.add(exact.user);
          if (slot != sale::kNoOrder) reply.order = state_.order(slot);
          reply.outcome = outcome;
        } else if constexpr (std::is_same_v<Exact, sale::OpenSale>) {
          reply.outcome = state_.apply(exact, now, effects_, reply.sale);
        } else if constexpr (std::is_same_v<Exact, sale::AddItem>) {
          reply.outcome = state_.apply(exact, now, effects_, reply.item);
        } else {
          const auto outcome = state_.apply(exact, now, effects_);
          if constexpr (requires { exact.order; }) {
            if (speaks_of_order(outcome))
              reply.order = state_.order(state_.find_order(exact.order));
          }
          reply.outcome = outcome;
        }
      },
      command);
  return reply;
}

void Writer::pulse_if_due(Instant now) {
  if (!pulse_again_ && now < next_pulse_) return;
  const sale::PulseOutcome outcome = state_.apply(sale::Pulse{}, now, effects_);
  pulse_again_ = outcome.more;
  next_pulse_ = now + options_.pulse_period;
  const Span jump = clock_.follow_wall_clock();
  if (const bool jumped = jump != Span{0}; jumped != wall_clock_jumped_) {
    wall_clock_jumped_ = jumped;
    if (jumped) {
      spdlog::warn(
          "the wall clock is {} ms off the clock that sales run by; it was set while the "
          "server ran: restart the server when no sale is open to take it over",
          jump.ms);
    }
  }
}

/// Asked before anything is applied: what is in memory then always finds its place on the disk.
bool Writer::has_room(Instant now) {
  if (auto room = record_->make_room(); !room) {
    storage_failed(room.error(), now);
    return false;
  }
  if (trouble_ != Reply::Trouble::none) {
    spdlog::info("the record can be written again");
    trouble_ = Reply::Trouble::none;
    view_.storage_ok = true;
  }
  if (std::string lag = record_->tables_trouble(); lag != tables_trouble_) {
    tables_trouble_ = std::move(lag);
    if (tables_trouble_.empty()) {
      spdlog::info("the tables of the record follow the journal again");
    } else {
      spdlog::critical("commits go on in the journal until it is full, but: {}", tables_trouble_);
    }
  }
  return true;
}

void Writer::storage_failed(const Error& error, Instant now) {
  const bool full = record_->failure() == store::Record::Failure::disk_full;
  spdlog::critical("commit: {}", error.message);
  trouble_ = full ? Reply::Trouble::storage_full : Reply::Trouble::storage_broken;
  retry_storage_at_ = now + kStorageRetry;
  view_.storage_ok = false;
  view_.storage_lost = !full;
}

bool Writer::commit(Instant now) {
  if (!effects_.empty()) {
    const auto started = std::chrono::steady_clock::now();
    if (auto committed = record_->commit(effects_, state_, now); !committed) {
      storage_failed(committed.error(), now);
      return false;
    }
    const auto spent = std::chrono::steady_clock::now() - started;
    view_.counts.commits.fetch_add(1, std::memory_order_relaxed);
    view_.counts.commit_nanoseconds.fetch_add(
        static_cast<std::uint64_t>(std::chrono::nanoseconds(spent).count()),
        std::memory_order_relaxed);
  }
  view_.counts.commands.fetch_add(replies_.size(), std::memory_order_relaxed);
  return true;
}

/// Nothing of the batch is durable, so nobody may be told otherwise. If it was applied already (too
/// long for the journal, it met a full disk), memory must forget it too: the state is read back.
void Writer::after_failed_commit(std::span<Submission> batch) {
  Reply reply;
  reply.trouble = trouble_;
  for (Submission& submission : batch) {
    if (auto* inspection = std::get_if<Inspection>(&submission.work)) {
      (*inspection)(state_);
    } else {
      outbox_.add(submission.to, std::move(submission.then), reply);
    }
  }
  if (trouble_ == Reply::Trouble::storage_full && !effects_.empty()) {
    if (auto loaded = load_state(); !loaded) {
      spdlog::critical("reading the record back after a full disk: {}", loaded.error().message);
      trouble_ = Reply::Trouble::storage_broken;
      view_.storage_lost = true;
    }
  }
  effects_.clear();
  outbox_.flush();
}

void Writer::publish() {
  if (!effects_.audits.empty()) publish_catalog();
  const sale::Item* last = nullptr;
  for (const ItemNo no : effects_.items) {
    const sale::Item& item = state_.items()[no.value];
    if (&item != last) live_[no.value]->publish(item.counters, item.frozen);
    last = &item;
  }
  if (!effects_.orders.empty() && view_.watchers.load(std::memory_order_relaxed) > 0) {
    notices_.post(effects_.orders, state_);
  }
  duties_.post(effects_);
  if (!effects_.alarms.empty()) report_alarms();
  view_.counts.log_bytes.store(record_->log_bytes(), std::memory_order_relaxed);
  view_.counts.orders.store(state_.order_count(), std::memory_order_relaxed);
  view_.counts.users.store(state_.user_count(), std::memory_order_relaxed);
}

void Writer::publish_catalog() {
  view_.catalogs.publish(make_catalog(++catalog_version_, state_.sales(), state_.items(), live_));
  for (const sale::Item& item : state_.items())
    live_[item.no.value]->publish(item.counters, item.frozen);
}

void Writer::report_alarms() {
  for (const std::string& alarm : effects_.alarms)
    spdlog::critical("alarm: {}", alarm);
  view_.counts.alarms.fetch_add(effects_.alarms.size(), std::memory_order_relaxed);
  view_.conserved = std::ranges::none_of(state_.items(), &sale::Item::frozen);
}

}  // namespace sluice::engine
