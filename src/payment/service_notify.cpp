// A notification's way: verified, found to be new, published durably, logged, and only then
// acknowledged. What is missing of that is answered so that the provider sends it again.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "base/text.h"
#include "payment/fields_json.h"
#include "payment/service_core.h"

namespace sluice::payment {

namespace {

using Verdict = NotificationEntry::Verdict;
using Standing = Payment::Standing;

/// A notification under way.
struct Notice {
  Notification said;
  NotificationRow row;
};

NotificationEntry entry_of(RawNotification raw, Instant now) {
  NotificationEntry entry;
  entry.received_at = now;
  entry.raw = std::move(raw);
  return entry;
}

class RefusedTask final : public Task {
 public:
  RefusedTask(NotificationEntry entry, std::uint32_t kept)
      : entry_(std::move(entry)), kept_(kept) {}
  int work(Ledger& ledger) override { return ledger.log_refused(entry_, kept_); }
  void done(const std::optional<Error>&) override {}  // the provider was answered already

 private:
  NotificationEntry entry_;
  std::uint32_t kept_;
};

void refuse_unverified(Core& core, NotificationEntry entry, const std::string& why,
                       Acknowledge& then) {
  ++core.counts.refused;
  entry.verdict = Verdict::refused;
  entry.detail = why;
  if (core.refusals.admit(entry.received_at)) {
    std::unique_ptr<Task> task =
        std::make_unique<RefusedTask>(std::move(entry), core.options.refused_kept);
    if (core.thread.post(task, LedgerThread::Entry::bounded) != LedgerThread::Admission::accepted) {
      ++core.counts.not_logged;
    }
  } else {
    ++core.counts.not_logged;
  }
  then(core.gateway.acknowledge(Receipt::refused, why));
}

/// Logs what became of a verified notification, then answers everybody who brought it.
class LogTask final : public Task {
 public:
  LogTask(std::shared_ptr<Core> core, std::shared_ptr<Notice> notice)
      : core_(std::move(core)), notice_(std::move(notice)) {}

  int work(Ledger& ledger) override {
    NotificationRow& row = notice_->row;
    const auto waiting = core_->routing.find(row.entry.event_id);
    const std::size_t brought = waiting == core_->routing.end() ? 1 : waiting->second.size();
    row.entry.repetitions = brought - 1;
    int code = ledger.log_event(row);
    if (code == SQLITE_OK && row.entry.verdict == Verdict::routed) code = settle(ledger);
    return code == SQLITE_OK ? flush_repetitions(*core_, ledger) : code;
  }

  void done(const std::optional<Error>& why_not) override {
    NotificationEntry& entry = notice_->row.entry;
    if (why_not && entry.verdict == Verdict::routed) entry.verdict = Verdict::not_stored;
    const bool stored = entry.verdict == Verdict::routed;
    auto& count = stored                              ? core_->counts.routed
                  : entry.verdict == Verdict::refused ? core_->counts.refused
                                                      : core_->counts.not_stored;
    ++count;
    const auto at = core_->routing.find(entry.event_id);
    if (at == core_->routing.end()) return;
    std::vector<Acknowledge> waiting = std::move(at->second);
    core_->routing.erase(at);
    if (stored) core_->counts.repeated += waiting.size() - 1;
    const Receipt receipt = stored                              ? Receipt::stored
                            : entry.verdict == Verdict::refused ? Receipt::refused
                                                                : Receipt::not_stored;
    const std::string reason = why_not ? why_not->message : entry.detail;
    for (Acknowledge& then : waiting)
      then(core_->gateway.acknowledge(receipt, stored ? "" : reason));
  }

 private:
  int settle(Ledger& ledger) const {
    const Notification& said = notice_->said;
    if (said.kind == Notification::Kind::refund) {
      return said.succeeded ? ledger.settle(said.out_trade_no, Standing::refunded, "") : SQLITE_OK;
    }
    if (!said.succeeded) return ledger.settle(said.out_trade_no, Standing::failed, "");
    return ledger.settle(said.out_trade_no, Standing::paid, notice_->row.entry.transaction_id);
  }

  std::shared_ptr<Core> core_;
  std::shared_ptr<Notice> notice_;
};

void log(const std::shared_ptr<Core>& core, const std::shared_ptr<Notice>& notice) {
  std::unique_ptr<Task> task = std::make_unique<LogTask>(core, notice);
  // Once closed, the waiting were told so, and the provider sends it again.
  core->thread.post(task, LedgerThread::Entry::always);
}

bus::Message to_message(const NotificationRow& row, std::string id, Instant now) {
  bus::Message message;
  message.id = std::move(id);
  message.timestamp = now;
  message.body = row.message;
  return message;
}

/// Finds out whether the event is new, and where it goes where it does not say so itself.
class ArrivalTask final : public Task {
 public:
  ArrivalTask(std::shared_ptr<Core> core, std::shared_ptr<Notice> notice, Acknowledge then)
      : core_(std::move(core)), notice_(std::move(notice)), then_(std::move(then)) {}

  bool only_reads() const override { return true; }

  int work(Ledger& ledger) override {
    const int code = ledger.find_event(notice_->said.event_id, known_);
    if (code != SQLITE_OK || !notice_->said.attach.empty()) return code;
    // A refund's notification carries no attach: it goes where the payment's went.
    return ledger.find(notice_->said.out_trade_no, payment_);
  }

  void done(const std::optional<Error>& why_not) override {
    if (why_not) {
      ++core_->counts.not_stored;
      return then_(core_->gateway.acknowledge(Receipt::not_stored, why_not->message));
    }
    const std::string& event = notice_->said.event_id;
    if (known_ && known_->entry.verdict == Verdict::routed) return repeated();
    const auto [at, is_new] = core_->routing.try_emplace(event);
    if (at->second.size() >= kMaxJoined) {
      return then_(
          core_->gateway.acknowledge(Receipt::not_stored, "too many bring this event at once"));
    }
    at->second.push_back(std::move(then_));
    if (is_new) route();
  }

  void refuse(const ServiceError& error) {
    ++core_->counts.not_stored;
    then_(core_->gateway.acknowledge(Receipt::not_stored, error.message));
  }

 private:
  void repeated() {
    ++core_->counts.repeated;
    const std::string& event = notice_->said.event_id;
    if (core_->repetitions.size() < kMaxCounted || core_->repetitions.contains(event)) {
      ++core_->repetitions[event];
    }
    then_(core_->gateway.acknowledge(Receipt::stored, ""));
  }

  Result<Attach> destination() const {
    auto attach = notice_->said.attach.empty() && payment_
                      ? Result<Attach>(payment_->payment.attach)
                      : parse_attach(notice_->said.attach);
    if (!attach || core_->allows(*attach)) return attach;
    return fail(
        fmt::format("attach names the exchange {} with the queue {}, which are not on the "
                    "configured list.",
                    quote(attach->exchange), quote(attach->queue)));
  }

  /// It was verified, so there is money behind it that nobody will be told of.
  void turn_away(std::string why) {
    const NotificationEntry& entry = notice_->row.entry;
    spdlog::critical(
        "alarm: a verified notification leads nowhere: out_trade_no {}, transaction {}: {}",
        quote(entry.out_trade_no), quote(entry.transaction_id), why);
    notice_->row.entry.verdict = Verdict::refused;
    notice_->row.entry.detail = std::move(why);
    log(core_, notice_);
  }

  void route() {
    NotificationRow& row = notice_->row;
    auto attach = destination();
    if (!attach) return turn_away(std::move(attach.error().message));
    auto message = fields_to_json(notice_->said.fields);
    if (!message) return turn_away(std::move(message.error().message));
    row.exchange = std::move(attach->exchange);
    row.routing_key = std::move(attach->queue);
    row.message = std::move(*message);
    core_->bus.publish(
        row.exchange, row.routing_key, to_message(row, row.entry.event_id, row.entry.received_at),
        [core = core_, notice = notice_](const Result<>& published) {
          NotificationEntry& entry = notice->row.entry;
          entry.verdict = published ? Verdict::routed : Verdict::not_stored;
          entry.detail = published ? fmt::format("to {} with {}", notice->row.exchange,
                                                 notice->row.routing_key)
                                   : published.error().message;
          log(core, notice);
        });
  }

  std::shared_ptr<Core> core_;
  std::shared_ptr<Notice> notice_;
  Acknowledge then_;
  std::optional<NotificationRow> known_;
  std::optional<PaymentRow> payment_;
};

class RoutedTask final : public Task {
 public:
  RoutedTask(std::int64_t sequence, NotificationEntry entry, Answer<NotificationEntry> then)
      : sequence_(sequence), entry_(std::move(entry)), then_(std::move(then)) {}
  int work(Ledger& ledger) override { return ledger.mark_routed(sequence_); }
  void done(const std::optional<Error>& why_not) override {
    if (why_not) return refuse(no_storage(*why_not));
    entry_.verdict = Verdict::routed;
    then_(std::move(entry_));
  }
  void refuse(ServiceError&& error) { then_(std::unexpected(std::move(error))); }

 private:
  std::int64_t sequence_;
  NotificationEntry entry_;
  Answer<NotificationEntry> then_;
};

class ReplayTask final : public Task {
 public:
  ReplayTask(std::shared_ptr<Core> core, std::int64_t sequence, Answer<NotificationEntry> then)
      : core_(std::move(core)), sequence_(sequence), then_(std::move(then)) {}

  bool only_reads() const override { return true; }
  int work(Ledger& ledger) override { return ledger.find_notification(sequence_, row_); }

  void done(const std::optional<Error>& why_not) override {
    if (why_not) return refuse(no_storage(*why_not));
    if (!row_) return refuse(invalid(fmt::format("There is no notification {}.", sequence_)));
    if (row_->exchange.empty()) {
      return refuse(invalid(fmt::format("The notification {} was refused, it has nowhere to go: {}",
                                        sequence_, row_->entry.detail)));
    }
    const Instant now = core_->now();
    std::string id = fmt::format("{}-replay-{}", row_->entry.event_id, now.ms);
    core_->bus.publish(row_->exchange, row_->routing_key, to_message(*row_, std::move(id), now),
                       [core = core_, entry = std::move(row_->entry),
                        then = std::move(then_)](const Result<>& published) mutable {
                         if (!published) {
                           return then(std::unexpected(ServiceError{
                               ServiceError::Kind::storage, published.error().message, {}}));
                         }
                         const std::int64_t sequence = entry.sequence;
                         post_or_answer(*core, std::make_unique<RoutedTask>(
                                                   sequence, std::move(entry), std::move(then)));
                       });
  }

  void refuse(ServiceError&& error) { then_(std::unexpected(std::move(error))); }

 private:
  std::shared_ptr<Core> core_;
  std::int64_t sequence_;
  Answer<NotificationEntry> then_;
  std::optional<NotificationRow> row_;
};

std::optional<std::string> find_excess(const RawNotification& raw) {
  std::size_t headers = 0;
  for (const auto& [name, value] : raw.headers)
    headers += name.size() + value.size();
  if (raw.body.size() <= kMaxNotificationBytes && headers <= kMaxHeaderBytes) return std::nullopt;
  return fmt::format("The notification has {} bytes and {} of headers, at most {} and {} are read.",
                     raw.body.size(), headers, kMaxNotificationBytes, kMaxHeaderBytes);
}

}  // namespace

int flush_repetitions(Core& core, Ledger& ledger) {
  for (const auto& [event, count] : core.repetitions) {
    if (const int code = ledger.add_repetitions(event, count); code != SQLITE_OK) return code;
  }
  core.repetitions.clear();  // lost where the commit fails: they are kept approximately
  return SQLITE_OK;
}

void route_notification(Core& core, RawNotification raw, Acknowledge then) {
  const Instant now = core.now();
  if (const auto excess = find_excess(raw)) {
    return refuse_unverified(core, entry_of(std::move(raw), now), *excess, then);
  }
  auto said = core.gateway.parse(raw, now);
  if (said && said->event_id.empty()) said = fail("The notification has no id.");
  if (!said) {
    return refuse_unverified(core, entry_of(std::move(raw), now), said.error().message, then);
  }
  auto notice = std::make_shared<Notice>();
  notice->row.entry = entry_of(std::move(raw), now);
  notice->row.entry.event_id = said->event_id;
  notice->row.entry.out_trade_no = said->out_trade_no;
  if (said->payment) notice->row.entry.transaction_id = said->payment->transaction_id;
  notice->said = std::move(*said);
  post_or_answer(core, std::make_unique<ArrivalTask>(core.shared_from_this(), std::move(notice),
                                                     std::move(then)));
}

void replay_notification(Core& core, std::int64_t sequence, Answer<NotificationEntry> then) {
  post_or_answer(core,
                 std::make_unique<ReplayTask>(core.shared_from_this(), sequence, std::move(then)));
}

}  // namespace sluice::payment
