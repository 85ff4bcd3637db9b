// One message per length of hold; acknowledgements follow confirms.
#include "cluster/hold_timers.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "cluster/messages.h"

namespace sluice::cluster {

namespace {

/// A broker that does not take timers is short of something: it is left alone for a while.
constexpr std::chrono::seconds kResendPause{1};
constexpr int kMostSends = 4;
/// How long a queue that takes nothing is left alone. A crash of the broker while it makes a quorum
/// queue may leave one that never takes anything again.
constexpr std::chrono::seconds kShutFor{30};
constexpr Span kShortestWait = Span::seconds(1);
/// The catalog of this node follows the record's in a second at most; rounded up by the bus.
constexpr Span kFirstPause{500};
constexpr Span kLongestPause = Span::seconds(60);

Span pause_of(std::uint32_t attempt) {
  return std::min(Span{kFirstPause.ms * std::int64_t{attempt}}, kLongestPause);
}

}  // namespace

void settle(OpenGrab& open) {
  switch (open.fate) {
    case OpenGrab::Fate::acknowledge:
      return open.delivery->acknowledge();
    case OpenGrab::Fate::again:
      return open.delivery->give_back(pause_of(open.delivery->attempt()));
    case OpenGrab::Fate::park:
      return open.delivery->park();
  }
}

bus::WaitingRoom waiting_room(const Names& names, Span hold, bool known) {
  Span wait = hold;
  if (hold != names.plain_hold && !known) {
    wait = kShortestWait;
    while (wait < hold && wait < bus::kLongestWait)
      wait = std::min(Span{wait.ms * 2}, bus::kLongestWait);
  }
  return {wait == names.plain_hold ? names.delay_queue
                                   : fmt::format("{}.{}ms", names.delay_queue, wait.ms),
          wait, names.timer_exchange, names.timer_queue};
}

void HoldTimers::send(std::span<const store::Reservation> orders, std::vector<OpenGrab>&& grabs,
                      const engine::Catalog& catalog) {
  std::map<std::string, std::pair<bus::WaitingRoom, std::vector<store::Reservation>>> rooms;
  for (const store::Reservation& order : orders) {
    const Span hold = order.expires_at - order.created_at;
    const bool known = hold == catalog.items[order.item.value]->sale->sale.hold;
    bus::WaitingRoom room = waiting_room(node_.options.names, hold, known);
    auto& waiting = rooms[room.queue];
    waiting.first = std::move(room);
    waiting.second.push_back(order);
  }
  auto batch = std::make_shared<Batch>();
  batch->grabs = std::move(grabs);
  std::vector<Timer> timers;
  for (const auto& [name, waiting] : rooms) {
    if (is_shut(name)) continue;
    std::span<const store::Reservation> rest(waiting.second);
    while (!rest.empty()) {
      const auto some = rest.first(std::min(rest.size(), kMaxGrabsPerMessage));
      rest = rest.subspan(some.size());
      bus::Message message;
      message.id = "timer-" + to_text(some.front().id);
      message.timestamp = node_.clock.now();
      message.body = to_message(some, catalog);
      timers.push_back({waiting.first, std::move(message), batch});
    }
  }
  if (timers.empty()) {
    for (OpenGrab& open : batch->grabs)
      settle(open);
    return;
  }
  batch->open = timers.size();  // nobody else knows of it yet
  for (Timer& timer : timers)
    publish(std::move(timer));
}

void HoldTimers::publish(Timer timer) {
  ++timer.sends;
  {
    const std::lock_guard lock(books_->mutex);
    ++books_->unanswered;
  }
  const bus::WaitingRoom room = timer.room;
  bus::Message message = timer.message;  // kept for another try
  node_.bus.publish_later(
      room, std::move(message),
      [books = books_, timer = std::move(timer), &bus = node_.bus](Result<> result) mutable {
        confirm(books, std::move(timer), result, bus.healthy());
      });
}

bool HoldTimers::is_shut(const std::string& queue) {
  const std::lock_guard lock(books_->mutex);
  const auto found = books_->shut_until.find(queue);
  return found != books_->shut_until.end() && std::chrono::steady_clock::now() < found->second;
}

void HoldTimers::confirm(const std::shared_ptr<Books>& books, Timer timer, const Result<>& result,
                         bool broker_answers) {
  std::shared_ptr<Batch> done;
  {
    const std::lock_guard lock(books->mutex);
    --books->unanswered;
    const bool again = !result && !broker_answers && timer.sends < kMostSends;
    if (!result && broker_answers) {
      const auto now = std::chrono::steady_clock::now();
      auto& until = books->shut_until[timer.room.queue];
      if (now >= until) {
        spdlog::critical(
            "alarm: the queue {} takes no timers; for {} s its orders are left to the sweep. If "
            "this comes again, delete the queue: it is made anew ({})",
            timer.room.queue, kShutFor.count(), result.error().message);
      }
      until = now + kShutFor;
    } else if (!result && books->failed.empty()) {
      spdlog::error("{} was not taken by the broker and is {}: {}", timer.message.id,
                    again ? "sent again" : "left to the sweep", result.error().message);
    }
    if (again) {
      books->retry_at = std::chrono::steady_clock::now() + kResendPause;
      books->failed.push_back(std::move(timer));
    } else if (--timer.batch->open == 0) {
      done = std::move(timer.batch);
    }
  }
  if (done) {
    for (OpenGrab& open : done->grabs)
      settle(open);
  }
  books->answered.notify_all();
}

void HoldTimers::resend() {
  std::vector<Timer> again;
  {
    const std::lock_guard lock(books_->mutex);
    if (books_->failed.empty() || std::chrono::steady_clock::now() < books_->retry_at) return;
    again = std::exchange(books_->failed, {});
  }
  for (Timer& timer : again)
    publish(std::move(timer));
}

void HoldTimers::drain(std::chrono::milliseconds most) {
  std::unique_lock lock(books_->mutex);
  books_->answered.wait_for(lock, most, [this] { return books_->unanswered == 0; });
}

}  // namespace sluice::cluster
