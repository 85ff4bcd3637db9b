// Copies paid orders of the cluster's record into a table of a shop's own, in the shape of
// tb_seckill_order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/instant.h"
#include "mariadb/connection.h"

namespace sluice::store {

struct OrderTable {
  mariadb::Address address;
  std::string name = "tb_seckill_order";
  /// In the same database: where seller_id is taken from, if it has such a table.
  std::string goods = "tb_seckill_goods";
  Span utc_offset = Span::seconds(8 * 3600);  ///< of the local times that are written
};

/// Follows the history of the record from where the last copier of this table got to, which the
/// record keeps. An order has a row once it was paid: status '1', or '2' once its money goes back.
/// Rows are added, and of one that is there the status alone is changed, and to '2' alone: what the
/// shop itself writes into a row stays. So any number of copiers may do the same at once.
/// One thread at a time. After a lost connection the next step opens another.
class WriteBack {
 public:
  /// Errors: no such table or column there, a missing privilege, a record of another format.
  static mariadb::Outcome<std::unique_ptr<WriteBack>> open(const mariadb::Address& record,
                                                           const OrderTable& table);
  /// Looks without writing: whether sellers are known there, or the errors of open().
  static mariadb::Outcome<bool> probe(const OrderTable& table);
  ~WriteBack();
  WriteBack(const WriteBack&) = delete;
  WriteBack& operator=(const WriteBack&) = delete;

  struct Step {
    std::size_t orders = 0;             ///< that were written, new or not
    bool more = false;                  ///< there was a full page: go on at once
    std::vector<std::string> problems;  ///< orders that the table cannot take, and why
  };
  /// One page of history. Where it fails nothing is skipped: the next step does the page again.
  mariadb::Outcome<Step> step();

 private:
  struct Parts;
  explicit WriteBack(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::store
