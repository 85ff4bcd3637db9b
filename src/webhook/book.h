// webhooks.db: endpoints, how far the history was followed, deliveries and their attempts. The
// format is described in docs/formats/webhooks.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/result.h"
#include "sqlite/database.h"
#include "webhook/event.h"
#include "webhook/webhook.h"

namespace sluice::webhook {

/// Which deliveries of an endpoint an operator wants to see; newest first.
struct DeliveryFilter {
  std::optional<DeliveryState> state;  ///< `ready` stands for all that are pending
  std::optional<std::string> subject;
  std::optional<std::int64_t> before;  ///< continue below this number
  std::uint32_t limit = 50;            ///< 1 to kMaxDeliveriesPage
};

/// How one attempt ended for the delivery.
enum class Fate : std::uint8_t { delivered, retry, given_up };

/// One thread at a time. Everything that writes belongs between database().begin() and commit().
class Book {
 public:
  static Result<std::unique_ptr<Book>> open(const std::string& directory);

  sqlite::Database& database() { return *database_; }

  // Endpoints
  Result<std::vector<Endpoint>> endpoints();
  Result<> insert(Endpoint& endpoint);  ///< sets `no`
  Result<> update(const Endpoint& endpoint);
  /// Its deliveries go with the next prune().
  Result<> remove(std::int64_t endpoint);

  // Where the history was followed to
  Result<std::int64_t> position();
  Result<> set_position(std::int64_t history);
  Result<std::set<ItemNo>> told();
  Result<> tell(ItemNo item, bool sold_out);

  // Deliveries
  /// False: this endpoint has an entry for the event already. `next_at` is `now` unless given.
  Result<bool> enqueue(std::int64_t endpoint, const Event& event, Instant now,
                       std::optional<Instant> next_at = {});
  /// An entry that was given up before it was tried. False: as above.
  Result<bool> log_refused(std::int64_t endpoint, const Event& event, Instant now,
                           std::string_view why);
  /// What may be sent at `now`, the longest due first.
  Result<std::vector<Delivery>> due(std::int64_t endpoint, Instant now, std::size_t limit);
  /// When the next becomes due; empty: nothing is pending.
  Result<std::optional<Instant>> next_due(std::int64_t endpoint);
  Result<> finish(const Delivery& delivery, const Attempt& attempt, Fate fate, Instant next_at);
  /// Gives up what is pending and past its time; returns how much. At most 5,000 a call.
  Result<std::int64_t> give_up_overdue(std::int64_t endpoint, Instant now, std::string_view why);
  /// What is pending and would be given up before `before` is tried until `until`.
  Result<> extend(std::int64_t endpoint, Instant before, Instant until);
  /// Makes everything that is pending due at `now`.
  Result<> pull_ahead(std::int64_t endpoint, Instant now);
  /// How many were given up and come again.
  Result<std::int64_t> redeliver(std::int64_t endpoint, std::optional<std::int64_t> delivery,
                                 Instant now);

  Result<std::vector<Delivery>> list(std::int64_t endpoint, const DeliveryFilter& filter);
  /// With its attempts.
  Result<std::optional<Delivery>> find(std::int64_t endpoint, std::int64_t delivery);
  Result<std::int64_t> pending(std::int64_t endpoint);
  Result<std::int64_t> failed(std::int64_t endpoint);
  /// Removes what was finished before `before`, what is above the bound, and what belongs to no
  /// endpoint. True: there is more.
  Result<bool> prune(Instant before);

 private:
  enum class Sql : std::uint8_t;
  Book() = default;
  Result<> prepare();
  sqlite::Statement& at(Sql which);
  Result<> run(sqlite::Statement& statement);
  Result<std::int64_t> number(sqlite::Statement& statement);
  Result<std::vector<Delivery>> read(sqlite::Statement& statement);
  Result<bool> has(std::int64_t endpoint, const Event& event);
  Result<> arrange(std::int64_t endpoint, std::string_view subject);
  Result<> insert_delivery(std::int64_t endpoint, const Event& event, DeliveryState state,
                           Instant now, Instant next_at, std::string_view why);
  Error error(std::string_view doing);

  std::unique_ptr<sqlite::Database> database_;
  std::vector<sqlite::Statement> statements_;
};

}  // namespace sluice::webhook
