// One statement for many orders; it adds, and changes what is there to "refunded" only.
#include "store/write_back_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;

/// Where there is no such table, or none that may be read, sellers are not known.
Outcome<bool> knows_sellers(Connection& on, const std::string& goods) {
  using Kind = Failure::Kind;
  const auto found =
      on.prepare(fmt::format("SELECT seller_id FROM {} WHERE id = 0", mariadb::quoted_name(goods)));
  if (found) return true;
  const Kind kind = found.error().kind;
  const bool none = kind == Kind::no_table || kind == Kind::no_column || kind == Kind::denied;
  return none ? Outcome<bool>(false) : std::unexpected(found.error());
}

InsertShape shape_of(const OrderTable& table, bool has_sellers) {
  InsertShape shape;
  shape.into = mariadb::quoted_name(table.name) +
               "(id, seckill_id, money, user_id, create_time, pay_time, `status`, transaction_id";
  shape.row = "(?,?,?,?,?,?,?,?";
  shape.columns = 8;
  if (has_sellers) {
    shape.into += ", seller_id";
    shape.row +=
        fmt::format(",(SELECT seller_id FROM {} WHERE id = ?)", mariadb::quoted_name(table.goods));
    ++shape.columns;
  }
  shape.into += ')';
  shape.row += ')';
  // A row of somebody else under this number is left alone.
  shape.rest =
      " ON DUPLICATE KEY UPDATE `status` = IF(VALUES(`status`) = '2' AND user_id <=> "
      "VALUES(user_id), '2', `status`)";
  return shape;
}

}  // namespace

bool is_fault_of_row(const Failure& failure) {
  // Numbers of the MariaDB knowledge base, "MariaDB Error Codes".
  constexpr std::array<unsigned, 6> kCodes = {1264, 1265, 1292, 1366, 1406, 3988};
  return std::ranges::find(kCodes, failure.code) != kCodes.end();
}

Outcome<WriteBackTarget> WriteBackTarget::open(const OrderTable& table) {
  auto connection = Connection::open(table.address);
  if (!connection) return std::unexpected(connection.error());
  const auto has_sellers = knows_sellers(*connection, table.goods);
  if (!has_sellers) return std::unexpected(has_sellers.error());
  BulkInsert insert(shape_of(table, *has_sellers));
  if (auto prepared = insert.prepare(*connection); !prepared) {
    return std::unexpected(prepared.error());
  }
  return WriteBackTarget(std::move(*connection), std::move(insert), *has_sellers);
}

Outcome<> WriteBackTarget::add(const CopiedOrder& order) {
  using Value = BulkInsert::Value;
  std::vector<Value> row = {order.id,
                            order.goods ? Value{*order.goods} : Value{},
                            std::string_view(order.money),
                            std::string_view(order.user),
                            std::string_view(order.created_at),
                            std::string_view(order.paid_at),
                            std::string_view(order.status),
                            std::string_view(order.transaction_id)};
  if (has_sellers_) row.push_back(row[1]);
  return insert_.add(row);
}

Outcome<> WriteBackTarget::write(std::span<const CopiedOrder> orders) {
  Outcome<> done;
  for (const CopiedOrder& order : orders) {
    if (done) done = add(order);
  }
  if (done) done = insert_.flush();
  insert_.clear();
  return done;
}

}  // namespace sluice::store
