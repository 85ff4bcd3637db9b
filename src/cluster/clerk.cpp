// Takes what waits, writes it in batches, answers.
#include "cluster/clerk.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/assert.h"
#include "cluster/definitions.h"
#include "engine/inbox.h"
#include "engine/outbox.h"
#include "store/cluster_feed.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

namespace {

using engine::Reply;
using engine::Submission;
using mariadb::Failure;
using mariadb::Outcome;
using SteadyClock = std::chrono::steady_clock;

/// Commands per transaction: what a shopper waits for, so smaller than a worker's.
constexpr std::size_t kMostPerBatch = 256;
/// How long a command waits for a record that does not answer, and how often it is tried.
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{1000};
constexpr std::chrono::milliseconds kIdleSleep{1000};

bool is_definition(const sale::Command& command) {
  return std::visit(
      [](const auto& one) {
        using Kind = std::remove_cvref_t<decltype(one)>;
        return std::is_same_v<Kind, sale::OpenSale> || std::is_same_v<Kind, sale::AddItem> ||
               std::is_same_v<Kind, sale::ChangeSale> || std::is_same_v<Kind, sale::ChangeItem> ||
               std::is_same_v<Kind, sale::PauseSale> || std::is_same_v<Kind, sale::CancelSale> ||
               std::is_same_v<Kind, sale::AdjustStock>;
      },
      command);
}

/// The order that the command names; zero: none.
OrderId order_of(const sale::Command& command) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.order.value; }) {
          return OrderId{one.order};
        } else {
          return OrderId{};
        }
      },
      command);
}

bool knows_order(const sale::Outcome& outcome) {
  return std::visit(
      [](const auto& one) {
        using Kind = std::remove_cvref_t<decltype(one)>;
        if constexpr (requires { Kind::unknown_order; }) {
          return one != Kind::unknown_order;
        } else {
          return false;
        }
      },
      outcome);
}

/// The connection, or the server: it may answer later.
bool may_pass(Failure::Kind kind) {
  return kind == Failure::Kind::unreachable || kind == Failure::Kind::lost ||
         kind == Failure::Kind::retryable;
}

class RecordClerk final : public Clerk {
 public:
  RecordClerk(Node& node, std::unique_ptr<store::ClusterRecord> record,
              std::unique_ptr<store::ClusterFeed> feed)
      : node_(node),
        record_(std::move(record)),
        feed_(std::move(feed)),
        inbox_(node.options.queue_bound),
        thread_([this] { run(); }) {}
  ~RecordClerk() override { stop(); }
  RecordClerk(const RecordClerk&) = delete;
  RecordClerk& operator=(const RecordClerk&) = delete;

  engine::Admission submit(sale::Command&& command, engine::Mailbox& to,
                           engine::Continuation&& then) override {
    SLUICE_ASSERT(!std::holds_alternative<sale::Grab>(command) &&
                      !std::holds_alternative<sale::Pulse>(command),
                  "grabs are the gate's, and time is the worker's");
    return inbox_.put({std::move(command), &to, std::move(then)});
  }
  std::size_t depth() const override { return inbox_.depth(); }
  void stop() override {
    inbox_.close();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run();
  void process(std::span<Submission> taken);
  void apply(std::span<Submission> batch);
  void define(Submission& submission);
  template <class Call>
  auto persist(Call call) -> decltype(call());
  template <class Call>
  auto measured(Call call) -> decltype(call());
  Outcome<std::vector<Reply>> replies_to(const store::Applied& applied);
  void finish(store::Applied&& applied);
  void refuse(std::span<Submission> batch, const Failure& failure);
  void answer(Submission& submission, const Reply& reply) {
    outbox_.add(submission.to, std::move(submission.then), reply);
  }

  Node& node_;
  std::unique_ptr<store::ClusterRecord> record_;
  std::unique_ptr<store::ClusterFeed> feed_;
  engine::Inbox inbox_;
  engine::Outbox outbox_;
  std::vector<sale::Command> commands_;                  ///< of the batch in hand
  std::optional<SteadyClock::time_point> silent_since_;  ///< the record does not answer
  std::thread thread_;
};

sale::Command& command_of(Submission& submission) {
  return std::get<sale::Command>(submission.work);
}

void RecordClerk::run() {
  pthread_setname_np(pthread_self(), "sluice-clerk");
  std::vector<Submission> taken;
  while (inbox_.take(taken, kIdleSleep))
    process(taken);
}

void RecordClerk::process(std::span<Submission> taken) {
  while (!taken.empty()) {
    const auto most = taken.first(std::min(taken.size(), kMostPerBatch));
    const auto definition = std::ranges::find_if(
        most, [](Submission& submission) { return is_definition(command_of(submission)); });
    const auto orders = static_cast<std::size_t>(definition - most.begin());
    if (orders > 0) {
      apply(taken.first(orders));
      taken = taken.subspan(orders);
    } else {
      define(taken.front());
      taken = taken.subspan(1);
    }
    // Before the next batch, which the record may keep waiting.
    outbox_.flush();
  }
}

/// Calls until the record has answered or its silence has lasted too long. What is called may be
/// repeated.
template <class Call>
auto RecordClerk::persist(Call call) -> decltype(call()) {
  auto pause = kFirstPause;
  while (true) {
    auto done = call();
    if (done || !may_pass(done.error().kind)) {
      if (silent_since_) spdlog::info("the record answers again");
      silent_since_.reset();
      return done;
    }
    const auto now = SteadyClock::now();
    if (!silent_since_) {
      silent_since_ = now;
      spdlog::error("the record does not answer: {}", done.error().message);
    }
    // Those who come later in a long outage are told at once.
    if (now + pause >= *silent_since_ + kPatience) return done;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

template <class Call>
auto RecordClerk::measured(Call call) -> decltype(call()) {
  const auto started = SteadyClock::now();
  auto done = persist(std::move(call));
  if (!done) return done;
  const std::chrono::nanoseconds spent = SteadyClock::now() - started;
  node_.counts.commits.fetch_add(1, std::memory_order_relaxed);
  node_.counts.commit_nanoseconds.fetch_add(static_cast<std::uint64_t>(spent.count()),
                                            std::memory_order_relaxed);
  return done;
}

void RecordClerk::apply(std::span<Submission> batch) {
  commands_.clear();
  for (Submission& submission : batch)
    commands_.push_back(std::move(command_of(submission)));
  auto done = measured([&] { return record_->apply(commands_, node_.clock.now()); });
  if (!done && batch.size() > 1 && !may_pass(done.error().kind)) {
    // Nothing was done, and one of them may be why: the others need not suffer.
    std::vector<sale::Command> all = std::move(commands_);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i].work = std::move(all[i]);
      apply(batch.subspan(i, 1));
    }
    return;
  }
  if (!done) return refuse(batch, done.error());
  if (auto replies = replies_to(*done)) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      answer(batch[i], (*replies)[i]);
  } else {
    refuse(batch, replies.error());
  }
  node_.counts.commands.fetch_add(batch.size(), std::memory_order_relaxed);
  finish(std::move(*done));
}

void RecordClerk::define(Submission& submission) {
  sale::Command& command = command_of(submission);
  give_ids(command);
  bool unsure = false;
  auto done = measured([&] {
    auto once = record_->define(command, node_.clock.now());
    unsure = unsure || (!once && once.error().kind != Failure::Kind::unreachable);
    return once;
  });
  if (!done) return refuse({&submission, 1}, done.error());
  node_.counts.commands.fetch_add(1, std::memory_order_relaxed);
  if (node_.refresh_catalog) node_.refresh_catalog();
  Reply reply;
  reply.outcome = done->outcomes.front();
  if (done->sale) reply.sale = *done->sale;
  if (done->item) reply.item = *done->item;
  const auto catalog = node_.catalogs.current();
  // An earlier try may have been it that defined what is there now.
  if (unsure && catalog) recognise(command, *catalog, reply);
  // Who asked looks it up there.
  if ((done->sale && (!catalog || done->sale->value >= catalog->sales.size())) ||
      (done->item && (!catalog || done->item->value >= catalog->items.size()))) {
    reply = {};
    reply.trouble = Reply::Trouble::unavailable;
  }
  answer(submission, reply);
  finish(std::move(*done));
}

/// The replies to what was applied, with the orders as they are now.
Outcome<std::vector<Reply>> RecordClerk::replies_to(const store::Applied& applied) {
  std::vector<Reply> replies(commands_.size());
  std::vector<OrderId> ids;
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    replies[i].outcome = applied.outcomes[i];
    if (!knows_order(replies[i].outcome)) continue;
    replies[i].order.id = order_of(commands_[i]);
    ids.push_back(replies[i].order.id);
  }
  if (ids.empty()) return replies;
  auto found = persist([&] { return feed_->orders(ids); });
  if (!found) return std::unexpected(found.error());
  for (Reply& reply : replies) {
    const auto row = std::ranges::find(*found, reply.order.id, &store::FeedOrder::id);
    if (row == found->end()) continue;
    reply.order.amount = row->amount;
    reply.order.created_at = row->created_at;
    reply.order.expires_at = row->expires_at;
    reply.order.item = row->item;
    reply.order.quantity = static_cast<std::int32_t>(row->quantity);
    reply.order.status = row->status;
    reply.order.reason = row->reason;
    reply.order.unit_sold = row->unit_sold;
  }
  return replies;
}

void RecordClerk::finish(store::Applied&& applied) {
  for (const std::string& alarm : applied.alarms)
    spdlog::critical("alarm: {}", alarm);
  node_.counts.alarms.fetch_add(applied.alarms.size(), std::memory_order_relaxed);
  if (!node_.options.has_desk) return;  // the keeper hands them out
  sale::Effects effects;
  effects.closes = std::move(applied.closes);
  effects.refunds = std::move(applied.refunds);
  node_.duties.post(effects);
}

void RecordClerk::refuse(std::span<Submission> batch, const Failure& failure) {
  if (!may_pass(failure.kind)) spdlog::critical("alarm: the record: {}", failure.message);
  Reply reply;
  reply.trouble = Reply::Trouble::unavailable;
  for (Submission& submission : batch)
    answer(submission, reply);
}

}  // namespace

Result<std::unique_ptr<Clerk>> open_clerk(Node& node) {
  store::ClusterOptions options;
  options.settings = node.options.settings;
  auto record = store::ClusterRecord::open(node.options.record, options);
  if (!record) return std::unexpected(record.error());
  auto feed = store::ClusterFeed::open(node.options.record);
  if (!feed) return std::unexpected(feed.error());
  return std::make_unique<RecordClerk>(node, std::move(*record), std::move(*feed));
}

}  // namespace sluice::cluster
