// Delivering notices of committed changes.
#include "engine/outbox.h"

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
  auto notices = std::make_shared<std::vector<OrderNotice>>();
  notices->reserve(changes.size());
  for (const sale::OrderChange& change : changes) {
    const sale::Order& order = state.order(change.slot);
    notices->push_back({order.id, order.status});
  }
  const std::lock_guard lock(mutex_);
  for (auto& [mailbox, sink] : sinks_) {
    mailbox->post([sink = sink, notices] { (*sink)(*notices); });
  }
}

}  // namespace sluice::engine
