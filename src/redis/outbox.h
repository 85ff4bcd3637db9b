// What follows a reservation, as logic without sockets: the relay that brings the outbox to the
// broker, the sweeper that finds what was left lying, and the node's memory of what is sold out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "redis/admission.h"
#include "sale/order.h"

namespace sluice::redis {

struct RelayLimits {
  std::size_t entries = 1024;  ///< that are known here; the others stay in the outbox
  Span first_retry{100};       ///< doubles with each refusal by the broker
  Span last_retry = Span::seconds(10);
};

/// The entries of one sale's outbox that one node is bringing to the broker. An entry is published
/// until the broker confirms it and is then removed from Redis: at least once, so that consumers go
/// by order id. The node offers the entries of its own batches at once; what it finds by
/// outbox_before() is left by a node that died. Two nodes may bring the same entry.
/// One thread at a time.
class Relay {
 public:
  explicit Relay(const RelayLimits& limits = {}) : limits_(limits) {}

  /// False: known already, or no room; it stays in the outbox and is found again.
  bool offer(OutboxEntry entry, Instant now);
  /// Entries to be published now, oldest first; each waits for confirmed() or refused() after it.
  /// References stay valid until then.
  std::vector<const OutboxEntry*> to_publish(Instant now, std::size_t most);
  /// The broker confirmed it and did not return it: its shoppers may be told that they queue.
  /// Empty: not known here.
  std::vector<Reservation> confirmed(const std::string& entry);
  /// Returned as unroutable, refused, or the connection was lost before the confirm.
  void refused(const std::string& entry, Instant now);

  /// Confirmed entries to be removed by SaleCalls::confirm; each waits for removed() or kept().
  std::vector<std::string> to_remove(std::size_t most);
  void removed(std::span<const std::string> entries);
  /// The call did not come through, or nobody knows: it is made again, which does no harm.
  void kept(std::span<const std::string> entries);
  /// The sale is loaded under another epoch: its outbox is gone, and so is what was known of it.
  void forget();

  /// When to_publish() or to_remove() has something: `now` or later; empty: nothing is scheduled.
  std::optional<Instant> next(Instant now) const;
  std::size_t size() const { return entries_.size(); }

 private:
  enum class Step : std::uint8_t { waiting, publishing, confirmed, removing };
  struct Known {
    OutboxEntry entry;
    Step step = Step::waiting;
    int refusals = 0;
    Instant due;
  };
  /// "milliseconds-sequence" of a stream, in the order of the stream.
  struct Older {
    bool operator()(const std::string& a, const std::string& b) const;
  };
  RelayLimits limits_;
  std::map<std::string, Known, Older> entries_;
};

struct SweepPlan {
  Span outbox_every = Span::seconds(2);
  /// An entry younger than this is on its way through its own node.
  Span outbox_patience = Span::seconds(5);
  std::uint32_t outbox_entries = 64;
  Span stragglers_every = Span::seconds(30);
  /// A reservation younger than this may still lie in the broker's queue.
  Span straggler_patience = Span::seconds(60);
  std::uint32_t straggler_rows = 500;
};

/// Says what to read of one sale next, so that nothing stays reserved without being in the record:
/// the outbox for entries whose node died, the orders for reservations that the broker lost.
/// Times are of the Redis clock, as the deadlines are. One thread at a time.
class Sweeper {
 public:
  Sweeper(const SweepPlan& plan, Instant now) : plan_(plan), outbox_at_(now), scan_at_(now) {}

  struct Task {
    enum class Kind : std::uint8_t { outbox, stragglers };
    Kind kind = Kind::outbox;
    Instant before;      ///< for SaleCalls::outbox_before and stragglers
    std::string cursor;  ///< for stragglers
  };
  /// What to do now; empty: nothing until next(). One task at a time.
  std::optional<Task> take(Instant now);
  Instant next() const;

  /// How many entries the outbox had; a full part is followed by another look at once.
  void outbox_read(std::size_t entries, Instant now);
  void stragglers_read(const std::string& cursor, Instant now);
  /// The call failed: again in a while.
  void failed(Instant now);

 private:
  SweepPlan plan_;
  Instant outbox_at_, scan_at_;
  std::string cursor_ = "0";
  std::optional<Task::Kind> busy_;
};

/// What Redis has to hear of an order, by what the record says of it. Nothing: it lies as it
/// should.
struct Correction {
  enum class Kind : std::uint8_t {
    nothing,
    publish_again,  ///< the record does not know it: the message was lost
    apply,          ///< `verbs`, one after the other
  };
  Kind kind = Kind::nothing;
  std::vector<Verb> verbs;
};
/// `in_record` is empty where there is no row; `unit_sold` as the record has it.
Correction correction(Standing standing, std::optional<sale::OrderStatus> in_record,
                      bool unit_sold);

/// Which items this node knows to have too few units, so that it refuses grabs without asking. What
/// is known is given up as soon as units come back, and never lasts longer than `most`: an
/// announcement may be lost. One thread at a time.
class SoldOutBoard {
 public:
  explicit SoldOutBoard(Span most = Span::seconds(1)) : most_(most) {}

  /// Redis answered sold_out with this number left, at this revision of the item.
  void sold_out(ItemNo item, std::int64_t available, std::uint64_t revision, Instant now);
  /// Units came back. A refusal from before, of a lower revision, may still arrive on another
  /// connection and then counts for nothing.
  void released(ItemNo item, std::uint64_t revision);
  /// Announcements were missed, or the sale was loaded anew.
  void forget();
  /// Whether `quantity` units are more than there are.
  bool refuses(ItemNo item, std::int64_t quantity, Instant now) const;

 private:
  struct Entry {
    std::uint64_t revision = 0;
    std::int64_t available = 0;
    std::optional<Instant> until;
  };
  Span most_;
  std::unordered_map<ItemNo, Entry> items_;  // at most as many as there are items
};

/// A message of kReleasedChannel.
struct Announcement {
  std::string sale_id;
  ItemNo item;
  std::uint64_t revision = 0;
  std::int64_t available = 0;
};
std::optional<Announcement> parse_announcement(std::string_view message);

}  // namespace sluice::redis
