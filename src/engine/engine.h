// The engine interface: commands go in, outcomes come back after they are durable, reads see
// committed data. Handlers know this file only, whichever engine runs behind it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/result.h"
#include "engine/catalog.h"
#include "sale/commands.h"
#include "sale/effects.h"
#include "sale/order.h"
#include "sale/views.h"

namespace sluice::engine {

/// What a command came to, after it is durable.
struct Reply {
  sale::Outcome outcome;
  /// The order the outcome speaks of, where there is one: granted, replayed, already_queued,
  /// cancelled, closing, already_…; `order.id` is zero otherwise.
  sale::Order order{};
  SaleNo sale{};  ///< opened
  ItemNo item{};  ///< added
  /// Set instead of an outcome when the engine could not make the batch durable. `unavailable`: a
  /// service that a cluster needs did not answer in time; whether it was done is not known.
  enum class Trouble : std::uint8_t { none, storage_full, storage_broken, stopping, unavailable };
  Trouble trouble = Trouble::none;
};

using Continuation = std::move_only_function<void(const Reply&)>;

/// A reply on its way back to the thread that asked.
struct Delivery {
  Continuation continuation;
  Reply reply;
};

/// Where replies go: one per I/O thread. Implemented by the caller; called from the engine's
/// threads, at most once per batch, so that a batch costs one wake-up per I/O thread.
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  /// Takes the batch and runs every continuation on the owner's thread.
  virtual void deliver(std::vector<Delivery>&& batch) = 0;
  /// Runs `job` on the owner's thread.
  virtual void post(std::move_only_function<void()> job) = 0;
};

/// Whether a command was taken. A command that was not taken has no effect at all.
enum class Admission : std::uint8_t { accepted, overloaded, stopping };

/// An order changed and the change is committed.
struct OrderNotice {
  OrderId order;
  sale::OrderStatus status;
};
using NoticeSink = std::move_only_function<void(const std::vector<OrderNotice>&)>;

/// What the core asks of the payment provider, after it is committed.
struct Duties {
  std::vector<sale::ClosePayment> closes;
  std::vector<sale::RefundPayment> refunds;
};
using DutySink = std::move_only_function<void(Duties&&)>;

struct Health {
  bool ready = false;  ///< admissions are open
  bool storage_ok = true;
  bool storage_lost = false;  ///< for good, unlike a full disk: only a restart recovers
  bool conserved = true;      ///< no item is frozen
  std::uint64_t queue_depth = 0;
  std::uint64_t queue_bound = 0;
};

/// Counters since start, readable from any thread.
struct Counts {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> commands{0};
  std::atomic<std::uint64_t> commit_nanoseconds{0};
  std::atomic<std::uint64_t> log_bytes{0};
  std::atomic<std::uint64_t> orders{0};
  std::atomic<std::uint64_t> users{0};
  std::atomic<std::uint64_t> alarms{0};
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// Queues a command. When accepted, `then` runs exactly once, on the mailbox's thread, after the
  /// outcome is durable. Any thread. `to` must outlive the engine's stop().
  virtual Admission submit(sale::Command&& command, Mailbox& to, Continuation&& then) = 0;

  /// Answers a grab that needs no record from the read-only view: unknown_item, invalid_quantity,
  /// not_started, ended, paused, and for newcomers limit_reached and sold_out. Empty: only the
  /// writer can tell. Never wrong in a way that loses a unit: when in doubt it is empty. Not to be
  /// asked for a request that carries an idempotency key. Any thread; costs no lock.
  virtual std::optional<sale::GrabOutcome> refuse(std::string_view user, const CatalogItem* item,
                                                  std::int64_t quantity, Instant now) const = 0;

  /// The definitions and live counters of what is on sale. Any thread.
  virtual const Catalogs& catalogs() const = 0;

  /// The clock that decisions are made by: wall time that never jumps. Any thread.
  virtual Instant now() const = 0;

  // Reads of committed data, answered on the mailbox's thread. False: too many reads are waiting.
  template <class T>
  using Answer = std::move_only_function<void(Result<T>&&)>;
  virtual bool order(OrderId id, Mailbox& to, Answer<std::optional<sale::OrderView>> then) = 0;
  virtual bool orders_of(std::string_view user, sale::PageRequest page, Mailbox& to,
                         Answer<sale::Page<sale::OrderView>> then) = 0;
  virtual bool search(sale::OrderFilter filter, sale::PageRequest page, Mailbox& to,
                      Answer<sale::Page<sale::OrderView>> then) = 0;
  virtual bool timeline(OrderId id, Mailbox& to, Answer<std::vector<sale::TimelineEntry>> then) = 0;
  virtual bool audit(sale::PageRequest page, Mailbox& to,
                     Answer<sale::Page<sale::AuditEntry>> then) = 0;

  /// From now on `sink` runs on the mailbox's thread with every committed change of an order, while
  /// watch_count is above zero. One sink per mailbox; a second call replaces the first.
  virtual void watch(Mailbox& to, NoticeSink sink) = 0;
  /// Number of streams that want notices; raise before reading the order, lower when done.
  virtual std::atomic<std::int64_t>& watch_count() = 0;

  /// From now on `sink` runs on the mailbox's thread with every duty that a commit left, beginning
  /// with those that recovery found. Once; only for an engine with a gateway.
  virtual void take_duties(Mailbox& to, DutySink sink) = 0;

  virtual Health health() const = 0;
  virtual const Counts& counts() const = 0;

  /// Stops admissions (submit answers stopping), finishes and commits what was accepted, delivers
  /// the replies, closes the record. Returns when done; may be called once.
  virtual void stop() = 0;
};

}  // namespace sluice::engine
