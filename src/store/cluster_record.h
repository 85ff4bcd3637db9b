// The record of a cluster, in MariaDB or MySQL: many workers write it, each with a connection of
// its own. Every writing transaction first locks the one row of table `head`, so that history and
// seals are one chain and what a transaction has read stays true until it commits. Applying the
// same thing again changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "mariadb/connection.h"
#include "sale/commands.h"
#include "sale/effects.h"
#include "sale/state.h"

namespace sluice::store {

/// A unit that the cluster's admission has set aside for a shopper.
struct Reservation {
  OrderId id;
  std::string user;
  ItemNo item;
  std::int64_t quantity = 1;
  Money amount;
  Instant created_at;
  Instant expires_at;
  sale::RequestKey request;
  /// Under which loading of its sale it was admitted, see begin_loading(); zero: not known, and not
  /// looked at.
  std::uint64_t epoch = 0;
};

/// What the record says of a reservation, in order of precedence. What comes after `unknown_item`
/// leaves a row: a reservation that was refused once stays refused.
enum class GrantOutcome : std::uint8_t {
  malformed,     ///< no valid user, id, quantity, amount or times; nothing is stored
  replayed,      ///< the order is there, with `status` as it is now
  contradicts,   ///< another order has this id; nothing is stored
  unknown_item,  ///< nothing is stored
  stale_epoch,   ///< admitted under an epoch that a later loading has ended
  sale_cancelled,
  key_used,        ///< the request key made another order
  already_queued,  ///< the shopper has an unpaid order in this sale
  limit_reached,
  sold_out,  ///< fewer units free than asked for, or the item is frozen
  granted,
};
const char* to_text(GrantOutcome outcome);

struct GrantReply {
  GrantOutcome outcome = GrantOutcome::malformed;
  sale::OrderStatus status = sale::OrderStatus::failed;
};

/// What commands came to, and what they leave to be done at the provider.
struct Applied {
  std::vector<sale::Outcome> outcomes;      ///< one per command
  std::vector<sale::OrderStatus> statuses;  ///< of the order of each; failed where there is none
  std::vector<sale::ClosePayment> closes;
  std::vector<sale::RefundPayment> refunds;
  std::vector<std::string> alarms;
  std::optional<SaleNo> sale;  ///< that was opened
  std::optional<ItemNo> item;  ///< that was added
};

/// Under which number a sale was last loaded for admission.
struct Loading {
  SaleNo sale;
  std::uint64_t epoch = 0;
  std::int64_t history = 0;  ///< the last row of history when that loading began
};

struct ClusterOptions {
  sale::Settings settings;  ///< has_gateway and max_close_attempts count
  /// Deadlocks, lock timeouts and lost connections that one call gets over before it gives up.
  int attempts = 5;
  /// How long one attempt waits for the writers before it, at most.
  int lock_wait_s = 10;
  /// A worker that stops in the middle of a transaction (a machine that is suspended, a cut cable)
  /// holds up all others: after so long MariaDB ends its connection. MySQL knows no such limit.
  int idle_limit_s = 5;
  /// For tests: called between the last row and COMMIT, and after COMMIT. True: go on as if the
  /// connection had been lost at this point.
  std::function<bool(bool committed)> at_commit;
};

/// One thread at a time. A failure of kind lost or unreachable means: not known whether it was
/// done; call again with the same arguments when the server is back. Any other: nothing was done.
class ClusterRecord {
 public:
  static constexpr std::size_t kMaxBatch = 4096;

  /// Connects and applies missing migrations.
  static mariadb::Outcome<std::unique_ptr<ClusterRecord>> open(const mariadb::Address& address,
                                                               const ClusterOptions& options = {});
  ~ClusterRecord();
  ClusterRecord(const ClusterRecord&) = delete;
  ClusterRecord& operator=(const ClusterRecord&) = delete;

  /// At most kMaxBatch reservations in one transaction. One reply each, in order; what an earlier
  /// one of the batch took counts for a later one.
  mariadb::Outcome<std::vector<GrantReply>> grant(std::span<const Reservation> batch, Instant now);

  /// At most kMaxBatch commands about orders (everything but Grab, Pulse and the definitions of
  /// sales and items) in one transaction, decided by the core.
  mariadb::Outcome<Applied> apply(std::span<const sale::Command> commands, Instant now);

  /// One command about sales and items: OpenSale, AddItem, ChangeSale, ChangeItem, PauseSale,
  /// CancelSale, AdjustStock.
  mariadb::Outcome<Applied> define(const sale::Command& command, Instant now);

  /// The sweeper: gives up at most `most` orders that are past their deadline or of a cancelled
  /// sale. `outcomes` has one PulseOutcome.
  mariadb::Outcome<Applied> sweep(std::uint32_t most, Instant now);

  /// Raises the sale's epoch. From the commit on, reservations of a lower one are refused: what the
  /// record holds of the sale when this returns is all that the earlier epochs will ever sell.
  /// An epoch may be raised for nothing, never lowered. An unknown sale is a failure of kind other.
  mariadb::Outcome<Loading> begin_loading(SaleNo sale);

  /// Closings and refunds that are under way, of at most `most` orders above `after`; `next` is
  /// where to go on, zero at the end. For a worker that starts: nobody else may be asking.
  struct Unfinished {
    std::vector<sale::ClosePayment> closes;
    std::vector<sale::RefundPayment> refunds;
    OrderId next{};
  };
  mariadb::Outcome<Unfinished> unfinished(OrderId after, std::uint32_t most);

  /// Feeds every sale, item and order to `state`, as of one moment, as Record::load does; orders
  /// that were never granted are left out.
  mariadb::Outcome<> load(sale::State& state);
  /// The same without orders.
  mariadb::Outcome<> load_catalog(sale::State& state);

  /// "user@host:port/database".
  const std::string& where() const;

 private:
  struct Parts;
  explicit ClusterRecord(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::store
