// Scheduling of notification attempts.
#include "sandbox/outbox.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace sluice::sandbox {

std::uint64_t Outbox::post(std::string out_trade_no, std::optional<std::size_t> refund,
                           std::string event_id, Span delay, Instant now) {
  Notice notice;
  notice.id = ++last_id_;
  notice.out_trade_no = std::move(out_trade_no);
  notice.refund = refund;
  notice.event_id = std::move(event_id);
  Notice& added = notices_.emplace(notice.id, std::move(notice)).first->second;
  schedule(added, now + delay);
  return added.id;
}

std::vector<Outbox::Task> Outbox::take(std::size_t room, NotifyFaults& faults, Instant now) {
  begin_attempts(faults, now);
  std::vector<Task> tasks;
  while (!dropped_.empty() && tasks.size() < room) {
    tasks.push_back(dropped_.front());
    dropped_.pop_front();
  }
  while (!bursts_.empty() && tasks.size() < room) {
    Burst& burst = bursts_.front();
    Notice& notice = notices_.at(burst.notice);
    Task task{burst.notice, burst.attempt, Attempt::Kind::sent};
    if (burst.forged > 0) {
      --burst.forged;
      task.kind = Attempt::Kind::forged;
    } else if (!burst.sent) {
      burst.sent = true;
    } else {
      --burst.copies;
      task.kind = Attempt::Kind::copy;
    }
    if (task.kind == Attempt::Kind::sent) notice.last_attempt = now;
    ++notice.sending;
    tasks.push_back(task);
    // A long row of copies must not hold everybody else up: the burst goes to the end.
    const Burst rest = burst;
    bursts_.pop_front();
    if (!rest.sent || rest.copies > 0) {
      if (rest.sent) {
        bursts_.push_back(rest);
      } else {
        bursts_.push_front(rest);
      }
    } else {
      --notice.sending;  // the burst's own share, see begin_attempt
    }
  }
  return tasks;
}

void Outbox::begin_attempts(NotifyFaults& faults, Instant now) {
  const Span gathered = faults.reorder ? kReorderWindow : Span{};
  if (due_.empty() || due_.begin()->first + gathered > now) return;
  std::vector<Burst> begun;
  while (!due_.empty() && due_.begin()->first <= now) {
    Notice& notice = notices_.at(due_.begin()->second);
    due_.erase(due_.begin());
    begin_attempt(notice, faults, now, begun);
  }
  if (faults.reorder) std::ranges::reverse(begun);
  bursts_.insert(bursts_.end(), begun.begin(), begun.end());
}

void Outbox::begin_attempt(Notice& notice, NotifyFaults& faults, Instant now,
                           std::vector<Burst>& begun) {
  ++notice.attempts;
  notice.last_attempt = now;
  ++notice.sending;  // of the dropped task, or of the burst until its last task was taken
  if (sandbox::take(faults.drop)) {
    dropped_.push_back({notice.id, notice.attempts, Attempt::Kind::dropped});
    return;
  }
  const std::int64_t forged = sandbox::take(faults.forge) ? 1 : 0;
  begun.push_back({notice.id, notice.attempts, forged, false, faults.duplicate});
}

Outbox::Then Outbox::answered(const Task& task, bool acknowledged, Instant now) {
  const auto found = notices_.find(task.notice);
  SLUICE_ASSERT(found != notices_.end(), "a notice is kept while something of it is under way");
  Notice& notice = found->second;
  --notice.sending;
  Then then = Then::waits;
  if (notice.over) {
    // A late answer of a copy changes nothing any more.
  } else if (acknowledged && task.kind != Attempt::Kind::forged) {
    due_.erase({notice.due, notice.id});
    notice.over = true;
    then = Then::acknowledged;
  } else if (task.kind == Attempt::Kind::sent || task.kind == Attempt::Kind::dropped) {
    if (notice.attempts > kRetryAfter.size()) {
      notice.over = true;
      then = Then::given_up;
    } else {
      schedule(notice, now + pause_after(notice.attempts));
    }
  }
  forget_if_over(notice);
  return then;
}

std::optional<Instant> Outbox::next_due(const NotifyFaults& faults, Instant now) const {
  if (!bursts_.empty() || !dropped_.empty()) return now;
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first + (faults.reorder ? kReorderWindow : Span{});
}

const Notice* Outbox::find(std::uint64_t id) const {
  const auto found = notices_.find(id);
  return found == notices_.end() ? nullptr : &found->second;
}

void Outbox::set_speed(double speed) {
  speed_ = speed;
  std::vector<std::uint64_t> waiting;
  waiting.reserve(due_.size());
  for (const auto& [due, id] : due_)
    waiting.push_back(id);
  for (const std::uint64_t id : waiting) {
    Notice& notice = notices_.at(id);
    if (notice.attempts == 0) continue;  // a delay is in real time
    due_.erase({notice.due, id});
    schedule(notice, notice.last_attempt + pause_after(notice.attempts));
  }
}

void Outbox::schedule(Notice& notice, Instant due) {
  notice.due = due;
  due_.insert({due, notice.id});
}

Span Outbox::pause_after(std::size_t attempts) const {
  SLUICE_ASSERT(attempts >= 1 && attempts <= kRetryAfter.size(), "an attempt that has a next one");
  return Span{std::llround(static_cast<double>(kRetryAfter[attempts - 1].ms) / speed_)};
}

void Outbox::forget_if_over(Notice& notice) {
  const bool waiting = due_.contains({notice.due, notice.id});
  if (notice.sending == 0 && !waiting) notices_.erase(notice.id);
}

}  // namespace sluice::sandbox
