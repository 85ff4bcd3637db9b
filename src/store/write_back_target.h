// Rows in the shop's own table of orders: what one says, and how they are written.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "mariadb/connection.h"
#include "store/cluster_bulk.h"
#include "store/write_back.h"

namespace sluice::store {

/// One row of the table, in its words.
struct CopiedOrder {
  std::int64_t id = 0;
  std::optional<std::int64_t> goods;  ///< the item's id, where it is a number as the tutorial's are
  std::string money;
  std::string user;
  std::string created_at;
  std::string paid_at;
  const char* status = "1";
  std::string transaction_id;
};

/// A connection to the shop's database with the statement that writes there. One thread at a time.
class WriteBackTarget {
 public:
  static mariadb::Outcome<WriteBackTarget> open(const OrderTable& table);

  /// Each is there afterwards, or all may or may not be. Doing it again is no harm.
  mariadb::Outcome<> write(std::span<const CopiedOrder> orders);
  bool has_sellers() const { return has_sellers_; }

 private:
  WriteBackTarget(mariadb::Connection connection, BulkInsert insert, bool has_sellers)
      : connection_(std::move(connection)), insert_(std::move(insert)), has_sellers_(has_sellers) {}
  mariadb::Outcome<> add(const CopiedOrder& order);

  mariadb::Connection connection_;
  BulkInsert insert_;
  bool has_sellers_ = false;
};

/// The values do not fit into the columns: too long, out of range, characters that the table's
/// character set lacks.
bool is_fault_of_row(const mariadb::Failure& failure);

}  // namespace sluice::store
