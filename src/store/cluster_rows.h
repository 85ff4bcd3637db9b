// Reads rows of the cluster's record: by keys, many at once, and all of them for a state.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mariadb/connection.h"
#include "sale/catalog.h"
#include "sale/state.h"
#include "store/encoder.h"

namespace sluice::store {

/// An order as its row has it; owns its text.
struct OrderRow {
  std::int64_t id = 0;
  std::string user;
  std::int64_t item_no = 0;
  std::int64_t quantity = 0;
  std::int64_t amount = 0;
  std::int64_t status = 0;
  std::int64_t reason = 0;
  std::int64_t created_at = 0;
  std::int64_t expires_at = 0;
  std::optional<std::int64_t> paid_at;
  std::int64_t paid_amount = 0;
  std::string transaction_id;
  std::vector<std::uint8_t> request_key;  ///< 16 bytes, or none
  std::int64_t close_attempts = 0;
  bool unit_sold = false;
  std::int64_t last_event = 0;
  std::int64_t sale_no = 0;

  bool was_granted() const {
    return status != static_cast<std::int64_t>(sale::OrderStatus::failed);
  }
  bool holds() const { return sale::holds_unit(static_cast<sale::OrderStatus>(status)); }
  sale::RequestKey request() const;
  /// For State::restore; refers to this row's text. `item` is the number in that state.
  sale::StoredOrder stored(ItemNo item) const;
};

/// What `conditions` select: "id IN (?,?)", values for each "?".
struct OrderQuery {
  std::string conditions;
  std::vector<std::int64_t> numbers;  ///< bound first
  std::vector<std::string_view> texts;
  std::vector<std::span<const std::uint8_t>> blobs;  ///< bound last
};
/// In order of id.
mariadb::Outcome<> read_orders(mariadb::Connection& connection, const OrderQuery& query,
                               const std::function<Result<>(OrderRow&)>& row);

/// "?,?,?"
std::string placeholders(std::size_t count);

/// Rows of `sql` whose `key` is one of `numbers` (none: all rows), in order of `key`.
mariadb::Outcome<> read_numbered(
    mariadb::Connection& connection, std::string sql, std::string_view key,
    std::span<const std::int64_t> numbers,
    const std::function<mariadb::Outcome<>(const mariadb::Statement&)>& row);

/// In order of number; empty `numbers` means all.
mariadb::Outcome<std::vector<sale::Sale>> read_sales(mariadb::Connection& connection,
                                                     std::span<const std::int64_t> numbers);
mariadb::Outcome<std::vector<sale::Item>> read_items(mariadb::Connection& connection,
                                                     std::span<const std::int64_t> numbers);

/// Locks the head until the transaction ends.
mariadb::Outcome<Heads> lock_head(mariadb::Connection& connection);
/// Without the lock: as of the last commit.
mariadb::Outcome<Heads> read_head(mariadb::Connection& connection);
/// The hash of a seal; empty: there is none.
mariadb::Outcome<std::optional<Hash>> seal_hash(mariadb::Connection& connection,
                                                std::int64_t sequence);

/// A row that is not as we write them.
mariadb::Failure damaged(std::string_view table, std::int64_t key, std::string_view what);

}  // namespace sluice::store
