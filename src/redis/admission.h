// The functions of library.lua as typed calls: which command each one is, and what its reply says.
// No socket inside. docs/adr/0020 has the layout.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "base/quantity.h"
#include "redis/value.h"
#include "sale/catalog.h"
#include "sale/commands.h"
#include "sale/order.h"

namespace sluice::redis {

/// The text of library.lua, as FUNCTION LOAD takes it.
std::string_view library_text();

/// Bounds of one call; library.lua has the same numbers.
inline constexpr std::size_t kMaxBatch = 256;
/// Where units that became free are announced: see parse_announcement.
inline constexpr std::string_view kReleasedChannel = "sluice:released";

/// Under what a sale was loaded, as this node knows it. A call under another epoch, or to a server
/// that was started anew since the loading, has no effect.
struct Stamp {
  std::uint64_t epoch = 0;
};

/// Why a call had no effect.
struct Refusal {
  enum class Kind : std::uint8_t {
    not_loaded,   ///< missing, sealed, being loaded, or loaded before the server began anew
    stale_epoch,  ///< loaded under another epoch
    not_drained,  ///< reservations wait in the outbox: publish them first
    not_sealed,   ///< live counters are never overwritten: seal first
    broken,       ///< no reply of these functions; `why` has it
  };
  Kind kind = Kind::broken;
  std::string why;
};
template <class T>
using Answer = std::expected<T, Refusal>;

/// Where an order stands in Redis.
enum class Standing : char {
  reserved = 'r',  ///< a unit is held; the order is not in the record yet
  awaiting = 'a',
  sold = 's',
  released = 'x',
  failed = 'f',    ///< the record did not take it
  refunded = 'c',  ///< it was sold, and its units are back
};

/// One row of the orders of a sale.
struct Reservation {
  OrderId id;
  Standing standing = Standing::reserved;
  ItemNo item;
  std::int64_t quantity = 1;
  Money price;  ///< of one unit; times quantity it fits 64 bits, which the grab checked
  Instant created_at;
  Instant expires_at;
  sale::RequestKey request;
  std::string user;

  Money amount() const { return Money{price.minor * quantity}; }
};
/// The inverse of what library.lua writes; empty for anything else.
std::optional<Reservation> parse_reservation(std::string_view id, std::string_view row);

// ---- shoppers ----------------------------------------------------------------------------------

/// `order` is given by the node, so that a grab of unknown outcome can be sent again: an order id
/// takes a unit once.
struct Grab {
  OrderId order;
  std::string user;
  ItemNo item;
  std::int64_t quantity = 1;
  sale::RequestKey request;
};
/// sale::GrabOutcome with the same numbers, and two more.
enum class GrabCode : std::uint8_t {
  replayed,
  key_mismatch,
  unknown_item,
  invalid_quantity,
  not_started,
  ended,
  paused,
  already_queued,
  limit_reached,
  sold_out,
  granted,
  overloaded,   ///< the outbox is full: the broker is behind
  id_conflict,  ///< another grab has this order id: two nodes have the same number
};
struct GrabAnswer {
  GrabCode code = GrabCode::unknown_item;
  OrderId order;                           ///< of granted, replayed and already_queued
  std::optional<Reservation> reservation;  ///< of granted and replayed
  std::int64_t available = 0;              ///< of sold_out and of a new granted
  std::uint64_t revision = 0;              ///< of sold_out: see SoldOutBoard
};
struct GrabReply {
  Instant decided_at;
  std::string outbox_entry;  ///< empty: nothing was granted
  std::vector<GrabAnswer> answers;
};

/// What happens to orders. The order's row in the record changes first; calls may be repeated.
enum class Verb : std::uint8_t { commit, release, fail, pay, refund };
enum class MoveCode : std::uint8_t {
  unknown_order,
  unchanged,  ///< it was there already
  moved,
  refused,     ///< sold and to be released, or unpaid and to be refunded
  moved_late,  ///< pay: it had been released, and a unit was free
  refund_due,  ///< pay: it had been released, and no unit was free
};

// ---- definitions -------------------------------------------------------------------------------

/// A sale as Redis needs it. A greater version wins, whatever arrives first.
struct Window {
  Instant starts_at;
  Instant ends_at;
  Span hold;
  bool paused = false;
  bool cancelled = false;
  std::uint64_t version = 1;
};
struct ItemDefinition {
  ItemNo item;
  Money price;
  std::int64_t per_user_limit = 1;
  Quantity stock;  ///< of a new item; a known one's stock is changed by adjust only
  std::uint64_t version = 1;
};
/// UNCHANGED and MOVED of the library.
enum class Change : std::uint8_t { unchanged, changed };

struct ItemRow {
  ItemNo item;
  sale::Counters counters;
  std::uint64_t revision = 0;
  bool frozen = false;
};
struct Stats {
  std::uint64_t epoch = 0;
  bool same_run = false;  ///< false: loaded before this server began anew; to be rebuilt
  std::string state;      ///< loading, open or sealed
  std::int64_t outbox_entries = 0;
  std::vector<ItemRow> items;  ///< in order of number
};
struct Stragglers {
  std::string cursor;  ///< "0": the scan is complete
  std::vector<Reservation> orders;
};

/// The keys of one sale, and the calls over them.
class SaleCalls {
 public:
  /// `sale_id` is a valid_catalog_id: no brace can end the hash tag early.
  explicit SaleCalls(std::string_view sale_id);

  /// All keys of the sale are in the slot of this one.
  const std::string& key() const { return keys_[0]; }
  const std::string& outbox() const { return keys_[5]; }
  /// A hash with a field for every shopper who has, or had, an order in the sale.
  const std::string& users() const { return keys_[3]; }

  /// At most kMaxBatch grabs. Without `now` the clock of the server decides.
  Command grab(const Stamp& stamp, std::span<const Grab> grabs,
               std::optional<Instant> now = std::nullopt) const;
  Command move(const Stamp& stamp, Verb verb, std::span<const OrderId> orders) const;
  /// The broker has confirmed what these entries of the outbox hold.
  Command confirm(std::uint64_t epoch, std::span<const std::string> entries) const;
  Command define(const Stamp& stamp, const Window& window) const;
  Command define(const Stamp& stamp, const ItemDefinition& item) const;
  Command adjust(const Stamp& stamp, ItemNo item, std::int64_t stock) const;

  // Loading, in this order; a rebuild seals and drains before it. Orders are never `reserved`.
  Command seal(std::uint64_t epoch) const;
  Command load_begin(const Stamp& stamp, const Window& window,
                     std::span<const ItemDefinition> items) const;
  Command load_orders(const Stamp& stamp, std::span<const Reservation> orders) const;
  Command load_open(const Stamp& stamp) const;

  Command stats() const;
  Command find(std::span<const OrderId> orders) const;
  Command stragglers(std::string_view cursor, std::uint32_t rows, Instant before) const;
  /// Entries that are older than `before`, oldest first.
  Command outbox_before(Instant before, std::uint32_t most) const;

 private:
  Command call(std::string_view function) const;
  Command call(std::string_view function, const Stamp& stamp) const;

  std::string keys_[6];
};

// What the replies say. `count` is how many were asked about.
Answer<GrabReply> read_grabs(const Value& reply, std::size_t count);
Answer<std::vector<MoveCode>> read_moves(const Value& reply, std::size_t count);
Answer<std::int64_t> read_number(const Value& reply);  ///< confirm, seal, load_orders
Answer<Change> read_change(const Value& reply);        ///< define, load_begin
Answer<sale::AdjustStockOutcome> read_adjust(const Value& reply);
Answer<std::vector<ItemNo>> read_frozen(const Value& reply);  ///< load_open
Answer<Stats> read_stats(const Value& reply);
Answer<std::vector<std::optional<Reservation>>> read_found(const Value& reply,
                                                           std::span<const OrderId> orders);
Answer<Stragglers> read_stragglers(const Value& reply);

/// One batch of reservations as it lies in the outbox.
struct OutboxEntry {
  std::string id;
  std::vector<Reservation> orders;
};
Answer<std::vector<OutboxEntry>> read_outbox(const Value& reply);

}  // namespace sluice::redis
