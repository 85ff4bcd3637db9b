// Answers and notices on their way from the writer to the I/O threads, one wake-up per thread and
// batch.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "sale/effects.h"
#include "sale/state.h"

namespace sluice::engine {

/// Collects the deliveries of one batch per mailbox. One thread at a time.
class Outbox {
 public:
  void add(Mailbox* to, Continuation&& then, const Reply& reply) {
    slot(to).push_back(Delivery{std::move(then), reply});
  }
  /// Sends them, and says how many there were.
  std::size_t flush() {
    std::size_t sent = 0;
    for (auto& [mailbox, batch] : slots_) {
      sent += batch.size();
      if (!batch.empty()) mailbox->deliver(std::exchange(batch, {}));
    }
    return sent;
  }

 private:
  std::vector<Delivery>& slot(Mailbox* to) {
    for (auto& [mailbox, batch] : slots_) {
      if (mailbox == to) return batch;
    }
    return slots_.emplace_back(to, std::vector<Delivery>{}).second;
  }

  std::vector<std::pair<Mailbox*, std::vector<Delivery>>> slots_;  ///< one per I/O thread: few
};

/// Who wants to hear of committed changes of orders.
class NoticeBoard {
 public:
  /// Any thread; one sink per mailbox, the newest counts.
  void watch(Mailbox& to, NoticeSink sink);
  /// Tells every sink, on its mailbox's thread, what `changes` made of the orders. Writer thread.
  void post(const std::vector<sale::OrderChange>& changes, const sale::State& state);
  /// The same for who has no state. Any thread.
  void post(std::vector<OrderNotice>&& notices);

 private:
  std::mutex mutex_;
  std::vector<std::pair<Mailbox*, std::shared_ptr<NoticeSink>>> sinks_;
};

/// What the provider must be asked for, kept until somebody takes it over.
class DutyBoard {
 public:
  /// Any thread; once.
  void take(Mailbox& to, DutySink sink);
  /// Hands on the duties of a committed batch and leaves both lists empty. Writer thread.
  void post(sale::Effects& effects);

 private:
  void hand_over(Duties&& duties);

  std::mutex mutex_;
  Duties waiting_;  ///< before anybody took over; bounded by the orders that recovery loads
  Mailbox* to_ = nullptr;
  std::shared_ptr<DutySink> sink_;
};

}  // namespace sluice::engine
