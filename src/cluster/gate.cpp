// Admission on one node: a thread over the lanes of all sales.
#include "cluster/gate.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "cluster/lane.h"

namespace sluice::cluster {

namespace {

constexpr std::chrono::milliseconds kIdle{20};

class NodeGate final : public Gate {
 public:
  NodeGate(Node& node, OrderNumbers& numbers)
      : desk_{.node = node,
              .numbers = numbers,
              .catalog = engine::CatalogReader(node.catalogs),
              .replies = {},
              .sold_out = {}} {
    desk_.thread->start("sluice-gate", kIdle, [this] { turn(); });
  }
  ~NodeGate() override { stop(Span{0}); }

  engine::Admission submit(sale::Grab&& grab, engine::Mailbox& to,
                           engine::Continuation&& then) override {
    PendingGrab pending;
    pending.grab.user = std::move(grab.user);
    pending.grab.item = grab.item;
    pending.grab.quantity = grab.quantity;
    pending.grab.request = grab.request;
    pending.to = &to;
    pending.then = std::move(then);
    pending.give_up_at = desk_.node.clock.now() + kGrabPatience;
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return engine::Admission::stopping;
      if (depth_ >= desk_.node.options.queue_bound) return engine::Admission::overloaded;
      ++depth_;
      first = arrived_.empty();
      arrived_.push_back(std::move(pending));
    }
    if (first) desk_.thread->wake();
    return engine::Admission::accepted;
  }

  bool knows_sold_out(std::string_view user, ItemNo item, std::int64_t quantity) const override {
    return desk_.sold_out.covers(user, item, quantity, desk_.node.clock.now());
  }

  void released(const redis::Announcement& announcement) override {
    desk_.sold_out.released(announcement.item, announcement.revision);
  }

  void forget_sold_out() override { desk_.sold_out.forget(); }

  void adopt(SaleNo sale, std::uint64_t epoch, std::vector<redis::OutboxEntry>&& entries) override {
    desk_.thread->post([this, sale, epoch, entries = std::move(entries)]() mutable {
      Lane* lane = lane_of(sale);
      if (lane != nullptr) lane->adopt(epoch, std::move(entries), desk_.node.clock.now());
    });
  }

  std::size_t depth() const override {
    const std::lock_guard lock(mutex_);
    return depth_;
  }

  void stop(Span patience) override {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(closed_, true)) return;
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience.ms);
    std::unique_lock lock(mutex_);
    idle_changed_.wait_until(lock, until, [this] { return idle_; });
    lock.unlock();
    desk_.thread->end();
  }

 private:
  Lane* lane_of(SaleNo sale) {
    const auto found = lanes_.find(sale);
    if (found != lanes_.end()) return found->second.get();
    const engine::Catalog& catalog = desk_.catalog.get();
    if (sale.value >= catalog.sales.size()) return nullptr;
    auto lane = std::make_unique<Lane>(desk_, sale, catalog.sales[sale.value]->sale.id);
    return lanes_.emplace(sale, std::move(lane)).first->second.get();
  }

  void distribute() {
    taken_.clear();
    {
      const std::lock_guard lock(mutex_);
      taken_.swap(arrived_);
    }
    for (PendingGrab& pending : taken_) {
      const engine::Catalog& catalog = desk_.catalog.get();
      const ItemNo item = pending.grab.item;
      Lane* lane = item.value < catalog.items.size() ? lane_of(catalog.items[item.value]->item.sale)
                                                     : nullptr;
      if (lane != nullptr) {
        lane->add(std::move(pending));
      } else {
        desk_.replies.add(pending.to, std::move(pending.then),
                          engine::Reply{sale::GrabOutcome::unknown_item});
      }
    }
  }

  void turn() {
    distribute();
    const Instant now = desk_.node.clock.now();
    bool idle = true;
    for (const auto& [sale, lane] : lanes_) {
      lane->turn(now);
      idle = idle && lane->idle();
    }
    const std::size_t answered = desk_.replies.flush();
    const std::lock_guard lock(mutex_);
    depth_ -= answered;
    idle_ = idle && arrived_.empty();
    if (idle_) idle_changed_.notify_all();
  }

  GateDesk desk_;
  std::map<SaleNo, std::unique_ptr<Lane>> lanes_;  // the thread's; at most as many as sales
  std::vector<PendingGrab> taken_;                 // the thread's
  mutable std::mutex mutex_;
  std::condition_variable idle_changed_;
  std::vector<PendingGrab> arrived_;  // guarded by mutex_
  std::size_t depth_ = 0;             // guarded by mutex_: accepted and not answered
  bool idle_ = true;                  // guarded by mutex_
  bool closed_ = false;               // guarded by mutex_
};

}  // namespace

std::unique_ptr<Gate> open_gate(Node& node, OrderNumbers& numbers) {
  return std::make_unique<NodeGate>(node, numbers);
}

}  // namespace sluice::cluster
