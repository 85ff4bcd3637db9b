// What the tests of several rooms share: an engine that has trouble, or only queues, when told to.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace sluice::engine::testing {

/// Another engine, except that commands are answered with `trouble` while there is some.
class TroubledEngine final : public Engine {
 public:
  explicit TroubledEngine(std::unique_ptr<Engine> real) : real_(std::move(real)) {}

  std::atomic<Reply::Trouble> trouble{Reply::Trouble::none};
  /// Grants are told as a cluster tells them: the order is only `queued`, also to who asks for it.
  std::atomic<bool> queues{false};

  Admission submit(sale::Command&& command, Mailbox& to, Continuation&& then) override {
    Reply reply;
    reply.trouble = trouble;
    if (reply.trouble == Reply::Trouble::none) {
      if (!queues) return real_->submit(std::move(command), to, std::move(then));
      return real_->submit(std::move(command), to,
                           [then = std::move(then)](const Reply& real) mutable {
                             Reply queued = real;
                             queued.order.status = sale::OrderStatus::queued;
                             then(queued);
                           });
    }
    std::vector<Delivery> batch;
    batch.push_back({std::move(then), reply});
    to.deliver(std::move(batch));
    return Admission::accepted;
  }
  std::optional<sale::GrabOutcome> refuse(std::string_view user, const CatalogItem* item,
                                          std::int64_t quantity, Instant now) const override {
    return real_->refuse(user, item, quantity, now);
  }
  const Catalogs& catalogs() const override { return real_->catalogs(); }
  Instant now() const override { return real_->now(); }
  bool order(OrderId id, Mailbox& to, Answer<std::optional<sale::OrderView>> then) override {
    if (!queues) return real_->order(id, to, std::move(then));
    return real_->order(
        id, to, [then = std::move(then)](Result<std::optional<sale::OrderView>>&& found) mutable {
          if (found && *found) (*found)->status = sale::OrderStatus::queued;
          then(std::move(found));
        });
  }
  bool orders_of(std::string_view user, sale::PageRequest page, Mailbox& to,
                 Answer<sale::Page<sale::OrderView>> then) override {
    return real_->orders_of(user, page, to, std::move(then));
  }
  bool search(sale::OrderFilter filter, sale::PageRequest page, Mailbox& to,
              Answer<sale::Page<sale::OrderView>> then) override {
    return real_->search(std::move(filter), page, to, std::move(then));
  }
  bool timeline(OrderId id, Mailbox& to, Answer<std::vector<sale::TimelineEntry>> then) override {
    return real_->timeline(id, to, std::move(then));
  }
  bool audit(sale::PageRequest page, Mailbox& to,
             Answer<sale::Page<sale::AuditEntry>> then) override {
    return real_->audit(page, to, std::move(then));
  }
  void watch(Mailbox& to, NoticeSink sink) override { real_->watch(to, std::move(sink)); }
  std::atomic<std::int64_t>& watch_count() override { return real_->watch_count(); }
  void take_duties(Mailbox& to, DutySink sink) override { real_->take_duties(to, std::move(sink)); }
  Health health() const override { return real_->health(); }
  const Counts& counts() const override { return real_->counts(); }
  void stop() override { real_->stop(); }

 private:
  std::unique_ptr<Engine> real_;
};

}  // namespace sluice::engine::testing
