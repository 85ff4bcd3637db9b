// The thread of the embedded bus: one transaction per batch, then confirms and deliveries.
#include "bus/local_bus.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace sluice::bus {

namespace {

using sqlite::Database;

std::int64_t steady_ms() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Longest pause; a message that waits longer is better parked by its consumer's own means.
constexpr Span kMaxPause = Span::seconds(24 * 3600);

class LocalDelivery final : public Delivery {
 public:
  LocalDelivery(std::shared_ptr<Inbox> inbox, std::size_t number, std::string queue,
                const Token& token, Message message, Span dropped_pause)
      : inbox_(std::move(inbox)),
        number_(number),
        queue_(std::move(queue)),
        token_(token),
        message_(std::move(message)),
        dropped_pause_(dropped_pause) {}
  ~LocalDelivery() override {
    if (!settled_) settle(dropped_pause_, false);
  }
  LocalDelivery(const LocalDelivery&) = delete;
  LocalDelivery& operator=(const LocalDelivery&) = delete;

  const Message& message() const override { return message_; }
  const std::string& queue() const override { return queue_; }
  std::uint32_t attempt() const override { return token_.attempts; }
  void acknowledge() override { settle(std::nullopt, false); }
  void give_back(Span pause) override { settle(std::clamp(pause, Span{0}, kMaxPause), false); }
  void park() override { settle(Span{0}, true); }

 private:
  void settle(std::optional<Span> pause, bool parked) {
    SLUICE_ASSERT(!settled_, "a delivery is settled once");
    settled_ = true;
    inbox_->put(Settled{number_, token_.sequence, pause, parked});
  }

  std::shared_ptr<Inbox> inbox_;
  std::size_t number_;
  std::string queue_;
  Token token_;
  Message message_;
  Span dropped_pause_;
  bool settled_ = false;
};

}  // namespace

Result<> LocalBus::restore() {
  std::vector<MessageStore::Row> poison;
  bool unknown_queue = false;
  auto loaded = store_->load([&](const MessageStore::Row& row) {
    next_sequence_ = row.sequence + 1;
    total_bytes_ += row.cost;
    if (row.queue >= queues_.size()) {
      unknown_queue = true;
      return;
    }
    Backlog& backlog = queues_[row.queue]->backlog;
    if (row.parked || row.attempts >= kMaxAttempts) {
      backlog.add_parked();
      if (!row.parked) poison.push_back(row);
    } else {
      backlog.add_ready({row.sequence, row.attempts, row.cost});
    }
  });
  if (!loaded) return loaded;
  if (unknown_queue) {
    return fail("bus.db was changed by hand: it has messages of a queue that it does not name.");
  }
  freed_.resize(queues_.size());
  removed_.resize(queues_.size());
  picked_.resize(queues_.size());
  added_.resize(queues_.size());
  show();
  if (poison.empty()) return {};
  // The process ended each time while these were with their consumer, the last time included.
  if (auto begun = store_->database().begin(); !begun) return begun;
  for (const MessageStore::Row& row : poison) {
    if (store_->park(row.sequence) != SQLITE_OK)
      return std::unexpected(store_->database().abandon());
  }
  if (auto done = store_->database().commit(); !done) return done;
  for (const MessageStore::Row& row : poison) {
    spdlog::critical(
        "alarm: the bus: the message {} of {} is parked for a person after {} deliveries",
        row.sequence, quote(queues_[row.queue]->name), row.attempts);
  }
  return {};
}

void LocalBus::run() {
  Batch batch;
  while (inbox_->take(batch, time_to_sleep()))
    process(batch);
  finish();
}

std::optional<std::chrono::milliseconds> LocalBus::time_to_sleep() const {
  std::optional<std::int64_t> until = retry_at_;
  for (const auto& queue : queues_) {
    const auto due = queue->backlog.next_due();
    if (due && (!until || *due < *until)) until = due;
  }
  if (!until) return std::nullopt;
  return std::chrono::milliseconds(std::max<std::int64_t>(0, *until - steady_ms()));
}

void LocalBus::process(Batch& batch) {
  for (Subscription& subscription : batch.subscriptions) {
    Queue& queue = *queues_[subscription.queue];
    queue.prefetch = subscription.prefetch;
    queue.consumer = std::move(subscription.consumer);
  }
  settled_.insert(settled_.end(), batch.settled.begin(), batch.settled.end());
  const std::int64_t now = steady_ms();
  for (const auto& queue : queues_)
    queue->backlog.wake(now);
  if (retry_at_ && now < *retry_at_) {
    return failed(batch, Error{"There was no room on the disk of the bus a moment ago: free some "
                               "space and try again."});
  }
  const Result<> written = write(batch);
  if (!written) {
    if (store_->database().failure() == Database::Failure::disk_full) {
      retry_at_ = now + limits_.full_disk_pause.ms;
    } else {
      retry_at_.reset();
    }
    return failed(batch, written.error());
  }
  retry_at_.reset();
  committed(batch);
  // A full disk has lost nothing here; it shows again at the next commit that finds no room.
  if (auto moved = store_->database().checkpoint_if_due();
      !moved && store_->database().failure() == Database::Failure::broken) {
    Batch none;
    failed(none, moved.error());
  }
}

bool LocalBus::has_work(const Batch& batch) const {
  if (!batch.publishes.empty() || !settled_.empty()) return true;
  for (std::size_t number = 0; number < queues_.size(); ++number) {
    if (queues_[number]->backlog.has_ready() && room(number) > 0) return true;
  }
  return false;
}

Result<> LocalBus::write(const Batch& batch) {
  written_.clear();
  fresh_.clear();
  picks_.clear();
  added_bytes_ = 0;
  removed_bytes_ = 0;
  for (auto* counts : {&freed_, &removed_, &picked_, &added_})
    std::ranges::fill(*counts, 0);
  Database& database = store_->database();
  if (!has_work(batch)) {
    // After a failure it must be found out, not assumed, that there is room again.
    return database.failure() == Database::Failure::none ? Result<>{} : database.probe();
  }
  if (auto begun = database.begin(); !begun) return begun;
  int code = write_settled();
  if (code == SQLITE_OK) code = pick_ready();
  if (code == SQLITE_OK) code = write_publishes(batch);
  if (code != SQLITE_OK) return std::unexpected(database.abandon());
  return database.commit();
}

int LocalBus::write_settled() {
  for (const Settled& settled : settled_) {
    const Backlog& backlog = queues_[settled.queue]->backlog;
    const Token& token = backlog.open().at(settled.sequence);
    ++freed_[settled.queue];
    int code = SQLITE_OK;
    if (!settled.pause) {
      ++removed_[settled.queue];
      removed_bytes_ += token.cost;
      code = store_->remove(settled.sequence);
    } else if (settled.parked || token.attempts >= kMaxAttempts) {
      code = store_->park(settled.sequence);
    }
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

std::size_t LocalBus::room(std::size_t number) const {
  const Queue& queue = *queues_[number];
  if (!queue.consumer || stopping_.load(std::memory_order_relaxed)) return 0;
  const std::size_t open = queue.backlog.open().size() - freed_[number] + picked_[number];
  return queue.prefetch - std::min(queue.prefetch, open);
}

/// An attempt is counted in the transaction that precedes it: a message that brings the process
/// down is parked in the end, and no delivery costs a sync of its own.
int LocalBus::pick_ready() {
  for (std::size_t number = 0; number < queues_.size(); ++number) {
    while (room(number) > 0) {
      auto token = queues_[number]->backlog.take();
      if (!token) break;
      ++token->attempts;
      picks_.push_back({number, *token, {}, true});
      ++picked_[number];
      const int code =
          store_->begin_attempt(token->sequence, token->attempts, picks_.back().message);
      if (code != SQLITE_OK) return code;
    }
  }
  return SQLITE_OK;
}

std::optional<Error> LocalBus::refusal(const Publish& publish) const {
  for (const std::size_t number : *publish.queues) {
    const auto messages = queues_[number]->backlog.messages() - removed_[number] + added_[number];
    if (messages >= limits_.messages_per_queue) {
      return Error{
          fmt::format("The queue {} is full: it holds {} messages, its limit. See to its consumer.",
                      quote(queues_[number]->name), limits_.messages_per_queue)};
    }
  }
  const std::uint64_t cost = cost_of(publish.message) * publish.queues->size();
  const std::uint64_t held = total_bytes_ - removed_bytes_ + added_bytes_;
  if (held + cost > limits_.total_bytes) {
    return Error{fmt::format(
        "The bus is full: it holds {} bytes of at most {}. See to the consumers of its queues.",
        held, limits_.total_bytes)};
  }
  return std::nullopt;
}

int LocalBus::write_publishes(const Batch& batch) {
  for (const Publish& publish : batch.publishes) {
    written_.push_back(refusal(publish));
    if (written_.back()) continue;
    for (const std::size_t number : *publish.queues) {
      // Room is left only where nothing older is ready.
      const bool at_once = room(number) > 0;
      const Token token{next_sequence_++, at_once ? 1U : 0U, cost_of(publish.message)};
      const int code = store_->insert(token.sequence, number, token.attempts, publish.exchange,
                                      publish.routing_key, publish.message);
      if (code != SQLITE_OK) return code;
      ++added_[number];
      added_bytes_ += token.cost;
      if (at_once) {
        ++picked_[number];
        picks_.push_back({number, token, publish.message, false});
      } else {
        fresh_.emplace_back(number, token);
      }
    }
  }
  return SQLITE_OK;
}

void LocalBus::committed(Batch& batch) {
  if (!healthy_.exchange(true)) spdlog::warn("the bus stores again");
  for (const Settled& settled : settled_) {
    Backlog& backlog = queues_[settled.queue]->backlog;
    const Token token = backlog.close(settled.sequence);
    if (!settled.pause) continue;
    if (settled.parked || token.attempts >= kMaxAttempts) {
      backlog.add_parked();
    } else {
      backlog.delay(token, steady_ms() + settled.pause->ms);
    }
  }
  settled_.clear();
  total_bytes_ = total_bytes_ - removed_bytes_ + added_bytes_;
  for (const auto& [number, token] : fresh_)
    queues_[number]->backlog.add_ready(token);
  for (const Pick& pick : picks_)
    queues_[pick.queue]->backlog.add_open(pick.token);
  show();
  for (std::size_t i = 0; i < batch.publishes.size(); ++i) {
    if (written_[i]) {
      batch.publishes[i].then(std::unexpected(*written_[i]));
    } else {
      batch.publishes[i].then({});
    }
  }
  for (Pick& pick : picks_) {
    Queue& queue = *queues_[pick.queue];
    queue.consumer(std::make_unique<LocalDelivery>(inbox_, pick.queue, queue.name, pick.token,
                                                   std::move(pick.message), limits_.dropped_pause));
  }
  picks_.clear();
}

/// Nothing of the batch was kept, or nobody knows: publishers are told so; what consumers settled
/// is written with the next batch, if there is one.
void LocalBus::failed(Batch& batch, const Error& why) {
  if (healthy_.exchange(false)) spdlog::critical("alarm: the bus cannot store: {}", why.message);
  for (Pick& pick : picks_) {
    if (!pick.was_ready) continue;
    --pick.token.attempts;
    queues_[pick.queue]->backlog.add_ready(pick.token);
  }
  picks_.clear();
  for (Publish& publish : batch.publishes)
    publish.then(std::unexpected(why));
}

void LocalBus::show() {
  for (const auto& queue : queues_) {
    queue->ready.store(queue->backlog.ready(), std::memory_order_relaxed);
    queue->unacknowledged.store(queue->backlog.open().size(), std::memory_order_relaxed);
    queue->parked.store(queue->backlog.parked(), std::memory_order_relaxed);
  }
}

void LocalBus::finish() {
  Database& database = store_->database();
  Batch none;
  if (!settled_.empty()) {
    retry_at_.reset();
    process(none);
  }
  // What consumers still have was not dealt with, and not through any fault of the message.
  if (database.failure() != Database::Failure::broken && database.begin()) {
    int code = SQLITE_OK;
    for (const auto& queue : queues_) {
      for (const auto& [sequence, token] : queue->backlog.open()) {
        if (code == SQLITE_OK) code = store_->set_attempts(sequence, token.attempts - 1);
      }
    }
    // If this fails, the attempt counts: the worst is a message that is parked one attempt early.
    if (code != SQLITE_OK || !database.commit()) healthy_ = false;
    if (code != SQLITE_OK) database.abandon();
  }
  if (!database.close()) healthy_ = false;
}

}  // namespace sluice::bus
