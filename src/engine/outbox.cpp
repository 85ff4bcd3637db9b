// Delivering notices of committed changes.
#include "engine/outbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace sluice::engine {

void NoticeBoard::watch(Mailbox& to, NoticeSink sink) {
  auto shared = std::make_shared<NoticeSink>(std::move(sink));
  const std::lock_guard lock(mutex_);
  for (auto& [mailbox, present] : sinks_) {
    if (mailbox == &to) {
      present = std::move(shared);
      return;
    }
  }
  sinks_.emplace_back(&to, std::move(shared));
}

void NoticeBoard::post(const std::vector<sale::OrderChange>& changes, const sale::State& state) {
  std::vector<OrderNotice> notices;
  notices.reserve(changes.size());
  for (const sale::OrderChange& change : changes) {
    const sale::Order& order = state.order(change.slot);
    notices.push_back({order.id, order.status});
  }
  post(std::move(notices));
}

void NoticeBoard::post(std::vector<OrderNotice>&& changed) {
  const auto notices = std::make_shared<const std::vector<OrderNotice>>(std::move(changed));
  const std::lock_guard lock(mutex_);
  for (auto& [mailbox, sink] : sinks_) {
    mailbox->post([sink = sink, notices] { (*sink)(*notices); });
  }
}

void DutyBoard::take(Mailbox& to, DutySink sink) {
  const std::lock_guard lock(mutex_);
  SLUICE_ASSERT(to_ == nullptr, "one desk takes the duties of an engine");
  to_ = &to;
  sink_ = std::make_shared<DutySink>(std::move(sink));
  if (!waiting_.closes.empty() || !waiting_.refunds.empty()) hand_over(std::exchange(waiting_, {}));
}

void DutyBoard::post(sale::Effects& effects) {
  if (effects.closes.empty() && effects.refunds.empty()) return;
  const std::lock_guard lock(mutex_);
  if (to_ != nullptr) {
    hand_over({std::move(effects.closes), std::move(effects.refunds)});
  } else {
    std::ranges::move(effects.closes, std::back_inserter(waiting_.closes));
    std::ranges::move(effects.refunds, std::back_inserter(waiting_.refunds));
  }
  effects.closes.clear();
  effects.refunds.clear();
}

void DutyBoard::hand_over(Duties&& duties) {
  to_->post([sink = sink_, duties = std::move(duties)]() mutable { (*sink)(std::move(duties)); });
}

}  // namespace sluice::engine
