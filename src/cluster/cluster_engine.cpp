// The cluster engine: the engine interface over the parts of one node.
#include "cluster/cluster_engine.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "cluster/clerk.h"
#include "cluster/follower.h"
#include "cluster/gate.h"
#include "cluster/keeper.h"
#include "cluster/node_number.h"
#include "cluster/queued_order.h"
#include "cluster/read_pool.h"
#include "cluster/worker.h"
#include "redis/subscriber.h"

namespace sluice::cluster {

namespace {

constexpr std::size_t kReaders = 2;
/// Longer than a grab may wait, so that every shopper has an answer.
constexpr Span kStopPatience{kGrabPatience.ms + 1000};

class ClusterEngine final : public engine::Engine {
 public:
  ClusterEngine(const ClusterOptions& options, bus::TimedBus& bus)
      : redis_(options.redis, {}), node_(options, redis_, bus) {
    node_.refresh_catalog = [this] { follower_->refresh(); };
  }
  ~ClusterEngine() override { stop(); }

  Result<> open() {
    auto clerk = open_clerk(node_);
    if (!clerk) return std::unexpected(clerk.error());
    clerk_ = std::move(*clerk);
    auto follower = open_follower(node_, numbers_);
    if (!follower) return std::unexpected(follower.error());
    follower_ = std::move(*follower);
    auto readers = ReadPool::open(node_.options.record, kReaders, node_.options.read_bound);
    if (!readers) return std::unexpected(readers.error());
    readers_ = std::move(*readers);
    gate_ = open_gate(node_, numbers_);
    redis::Subscriber::Hears hears;
    hears.released = [this](const redis::Announcement& news) { gate_->released(news); };
    hears.began = [this] { gate_->forget_sold_out(); };
    subscriber_ = std::make_unique<redis::Subscriber>(node_.options.redis,
                                                      redis::SubscriberOptions{}, std::move(hears));
    if (node_.options.works) {
      auto worker = open_worker(node_);
      if (!worker) return std::unexpected(worker.error());
      worker_ = std::move(*worker);
    }
    if (!node_.options.keeps) return {};
    auto keeper = open_keeper(node_, *gate_);
    if (!keeper) return std::unexpected(keeper.error());
    keeper_ = std::move(*keeper);
    return {};
  }

  engine::Admission submit(sale::Command&& command, engine::Mailbox& to,
                           engine::Continuation&& then) override {
    if (stopped_) return engine::Admission::stopping;
    if (auto* grab = std::get_if<sale::Grab>(&command)) {
      if (!node_.options.takes_grabs) return engine::Admission::overloaded;
      return gate_->submit(std::move(*grab), to, std::move(then));
    }
    return clerk_->submit(std::move(command), to, std::move(then));
  }

  std::optional<sale::GrabOutcome> refuse(std::string_view user, const engine::CatalogItem* item,
                                          std::int64_t quantity, Instant now) const override {
    using sale::GrabOutcome;
    if (item == nullptr) return GrabOutcome::unknown_item;
    if (quantity < 1 || quantity > kMaxStock.units) return GrabOutcome::invalid_quantity;
    const auto closed = sale::window_refusal(item->sale->sale, item->live->frozen(), now);
    if (closed) return closed;
    if (gate_->knows_sold_out(user, item->item.no, quantity)) return GrabOutcome::sold_out;
    return std::nullopt;
  }

  const engine::Catalogs& catalogs() const override { return node_.catalogs; }
  Instant now() const override { return node_.clock.now(); }

  bool order(OrderId id, engine::Mailbox& to,
             Answer<std::optional<sale::OrderView>> then) override {
    return read(to, std::move(then), [this, id](store::ClusterReader& reader) {
      auto found = reader.order(id);
      // Reserved, and on its way into the record.
      if (found && !*found) found = find_queued(node_, id);
      return found;
    });
  }
  bool orders_of(std::string_view user, sale::PageRequest page, engine::Mailbox& to,
                 Answer<sale::Page<sale::OrderView>> then) override {
    return read(to, std::move(then),
                [user = std::string(user), page](store::ClusterReader& reader) {
                  return reader.orders_of(user, page);
                });
  }
  bool search(sale::OrderFilter filter, sale::PageRequest page, engine::Mailbox& to,
              Answer<sale::Page<sale::OrderView>> then) override {
    return read(to, std::move(then),
                [filter = std::move(filter), page](store::ClusterReader& reader) {
                  return reader.search(filter, page);
                });
  }
  bool timeline(OrderId id, engine::Mailbox& to,
                Answer<std::vector<sale::TimelineEntry>> then) override {
    return read(to, std::move(then),
                [id](store::ClusterReader& reader) { return reader.timeline(id); });
  }
  bool audit(sale::PageRequest page, engine::Mailbox& to,
             Answer<sale::Page<sale::AuditEntry>> then) override {
    return read(to, std::move(then),
                [page](store::ClusterReader& reader) { return reader.audit(page); });
  }

  void watch(engine::Mailbox& to, engine::NoticeSink sink) override {
    node_.notices.watch(to, std::move(sink));
  }
  std::atomic<std::int64_t>& watch_count() override { return node_.watchers; }
  void take_duties(engine::Mailbox& to, engine::DutySink sink) override {
    node_.duties.take(to, std::move(sink));
  }

  engine::Health health() const override {
    engine::Health health;
    health.storage_ok = node_.record_ok;
    health.conserved = node_.conserved;
    health.queue_depth = gate_->depth();
    health.queue_bound = node_.options.queue_bound;
    health.ready = !stopped_ && node_.record_ok && node_.redis_ok && node_.bus.healthy();
    return health;
  }
  const engine::Counts& counts() const override { return node_.counts; }

  void stop() override {
    if (stopped_.exchange(true)) return;
    // Downstream last: what the gate reserved is published, what is published here is written.
    if (gate_ != nullptr) gate_->stop(kStopPatience);
    if (keeper_ != nullptr) keeper_->stop();
    if (worker_ != nullptr) worker_->stop();
    if (clerk_ != nullptr) clerk_->stop();
    subscriber_.reset();
    if (follower_ != nullptr) follower_->stop();
    if (readers_ != nullptr) readers_->stop();
  }

 private:
  template <class T, class Query>
  bool read(engine::Mailbox& to, Answer<T>&& then, Query&& query) {
    return readers_->put([&to, then = std::move(then), query = std::forward<Query>(query)](
                             store::ClusterReader& reader) mutable {
      auto found = query(reader);
      Result<T> result = found ? Result<T>(std::move(*found)) : fail(found.error().message);
      to.post([then = std::move(then), result = std::move(result)]() mutable {
        then(std::move(result));
      });
    });
  }

  redis::Client redis_;
  Node node_;
  OrderNumbers numbers_;
  std::atomic<bool> stopped_{false};
  std::unique_ptr<Clerk> clerk_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<ReadPool> readers_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<redis::Subscriber> subscriber_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace

Result<std::unique_ptr<engine::Engine>> start_cluster(const ClusterOptions& options,
                                                      bus::TimedBus& bus) {
  auto engine = std::make_unique<ClusterEngine>(options, bus);
  if (auto opened = engine->open(); !opened) return std::unexpected(opened.error());
  return engine;
}

std::vector<bus::Binding> bindings_of(const Names& names) {
  return {{names.grab_exchange, names.grab_queue, names.grab_queue},
          {names.timer_exchange, names.timer_queue, names.timer_queue}};
}

}  // namespace sluice::cluster
