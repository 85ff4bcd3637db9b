// The engine interface over one writer and one reader thread.
#include "engine/embedded.h"

#include <sys/random.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "engine/read_desk.h"
#include "engine/writer.h"

namespace sluice::engine {

namespace {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  while (seed == 0) {
    const ssize_t got = getrandom(&seed, sizeof seed, 0);
    SLUICE_ASSERT(got == sizeof seed || got < 0, "getrandom fills eight bytes or is interrupted");
  }
  return seed;
}

class EmbeddedEngine final : public Engine {
 public:
  explicit EmbeddedEngine(TimeSource time) : clock_(time) {}

  Result<> open(EmbeddedOptions options) {
    if (options.settings.hash_seed == 0) options.settings.hash_seed = random_seed();
    auto record = store::Record::open(
        options.directory, {.segment_bytes = options.journal_segment_bytes, .disk = nullptr});
    if (!record) return std::unexpected(record.error());
    auto writer = Writer::recover(std::move(*record), options, clock_, view_);
    if (!writer) return std::unexpected(writer.error());
    auto desk = ReadDesk::open(options.directory, options.read_bound);
    if (!desk) return std::unexpected(desk.error());
    writer_ = std::move(*writer);
    desk_ = std::move(*desk);
    writer_->start();
    return {};
  }

  ~EmbeddedEngine() override { stop(); }

  Admission submit(sale::Command&& command, Mailbox& to, Continuation&& then) override {
    return writer_->inbox().put(Submission{std::move(command), &to, std::move(then)});
  }

  std::optional<sale::GrabOutcome> refuse(std::string_view user, const CatalogItem* item,
                                          std::int64_t quantity, Instant now) const override {
    using sale::GrabOutcome;
    if (item == nullptr) return GrabOutcome::unknown_item;
    if (quantity < 1 || quantity > kMaxStock.units) return GrabOutcome::invalid_quantity;
    const auto closed = sale::window_refusal(item->sale->sale, item->live->frozen(), now);
    if (closed) return closed;
    // Both come after "already queued": only for a shopper who surely has no order can they be said
    // without the writer.
    const bool above_limit = quantity > item->item.per_user_limit.units;
    const bool too_few = item->live->available() < quantity;
    if ((above_limit || too_few) && !view_.shoppers.may_contain(user)) {
      return above_limit ? GrabOutcome::limit_reached : GrabOutcome::sold_out;
    }
    return std::nullopt;
  }

  const Catalogs& catalogs() const override { return view_.catalogs; }
  Instant now() const override { return clock_.now(); }

  bool order(OrderId id, Mailbox& to, Answer<std::optional<sale::OrderView>> then) override {
    return read(to, std::move(then), [id](store::Reader& reader) { return reader.order(id); });
  }

  bool orders_of(std::string_view user, sale::PageRequest page, Mailbox& to,
                 Answer<sale::Page<sale::OrderView>> then) override {
    // Only the writer knows where the shopper's chain of orders begins; the rest is a read.
    Inspection find_newest = [this, user = std::string(user), page, &to,
                              then = std::move(then)](const sale::State& state) mutable {
      const sale::OrderSlot slot = state.newest_order_of(user);
      OrderId from = slot == sale::kNoOrder ? OrderId{} : state.order(slot).id;
      if (page.before) from = OrderId{*page.before};
      read_chain(std::move(user), from, page.limit, to, std::move(then));
    };
    return writer_->inbox().put(Submission{std::move(find_newest), nullptr, {}}) ==
           Admission::accepted;
  }

  bool search(sale::OrderFilter filter, sale::PageRequest page, Mailbox& to,
              Answer<sale::Page<sale::OrderView>> then) override {
    return read(to, std::move(then), [filter = std::move(filter), page](store::Reader& reader) {
      return reader.search(filter, page);
    });
  }

  bool timeline(OrderId id, Mailbox& to, Answer<std::vector<sale::TimelineEntry>> then) override {
    return read(to, std::move(then), [id](store::Reader& reader) { return reader.timeline(id); });
  }

  bool audit(sale::PageRequest page, Mailbox& to,
             Answer<sale::Page<sale::AuditEntry>> then) override {
    return read(to, std::move(then), [page](store::Reader& reader) { return reader.audit(page); });
  }

  void watch(Mailbox& to, NoticeSink sink) override {
    writer_->notices().watch(to, std::move(sink));
  }
  std::atomic<std::int64_t>& watch_count() override { return view_.watchers; }

  void take_duties(Mailbox& to, DutySink sink) override {
    writer_->duties().take(to, std::move(sink));
  }

  Health health() const override {
    Health health;
    health.storage_ok = view_.storage_ok;
    health.storage_lost = view_.storage_lost;
    health.conserved = view_.conserved;
    health.queue_depth = writer_->inbox().depth();
    health.queue_bound = writer_->inbox().bound();
    health.ready = !stopped_ && health.storage_ok;
    return health;
  }

  const Counts& counts() const override { return view_.counts; }

  void stop() override {
    if (stopped_.exchange(true)) return;
    if (writer_ != nullptr) writer_->stop();
    if (desk_ != nullptr) desk_->stop();
  }

 private:
  template <class T, class Query>
  bool read(Mailbox& to, Answer<T>&& then, Query&& query) {
    return desk_->put([this, &to, then = std::move(then),
                       query = std::forward<Query>(query)](store::Reader& reader) mutable {
      // Whoever was told of a commit finds it in what is read.
      Result<> settled = writer_->settle();
      Result<T> result = settled ? Result<T>(query(reader))
                                 : Result<T>(std::unexpected(std::move(settled.error())));
      to.post([then = std::move(then), result = std::move(result)]() mutable {
        then(std::move(result));
      });
    });
  }

  /// Runs on the writer. `from` may come from a page token, so every row is held against the user.
  void read_chain(std::string user, OrderId from, std::uint32_t limit, Mailbox& to,
                  Answer<sale::Page<sale::OrderView>>&& then) {
    auto shared = std::make_shared<Answer<sale::Page<sale::OrderView>>>(std::move(then));
    const bool queued = read<sale::Page<sale::OrderView>>(
        to, [shared](auto&& page) { (*shared)(std::forward<decltype(page)>(page)); },
        [user = std::move(user), from, limit](store::Reader& reader) {
          using Found = Result<sale::Page<sale::OrderView>>;
          if (from == OrderId{}) return Found{};
          Found page = reader.orders_from(from, limit);
          const auto foreign = [&](const sale::OrderView& order) { return order.user != user; };
          if (page && std::ranges::any_of(page->entries, foreign)) page->entries.clear();
          if (page && page->entries.empty()) page->next.reset();
          return page;
        });
    if (!queued) {
      to.post([shared] { (*shared)(fail("too many reads are waiting; try again in a second")); });
    }
  }

  Clock clock_;
  View view_;
  std::atomic<bool> stopped_{false};
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<ReadDesk> desk_;
};

}  // namespace

Result<std::unique_ptr<Engine>> start_embedded(const EmbeddedOptions& options) {
  auto engine = std::make_unique<EmbeddedEngine>(options.time);
  if (auto opened = engine->open(options); !opened) return std::unexpected(opened.error());
  return engine;
}

}  // namespace sluice::engine
