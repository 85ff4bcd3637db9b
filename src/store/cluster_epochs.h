// Under which epoch each sale was loaded for admission, as the record has it.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "mariadb/connection.h"
#include "store/cluster_record.h"

namespace sluice::store {

/// Inside a transaction that has locked the head, whose history ends at `history`.
mariadb::Outcome<Loading> raise_epoch(mariadb::Connection& connection, SaleNo sale,
                                      std::int64_t history);

/// Of every sale that was ever loaded, in order of number.
mariadb::Outcome<std::vector<Loading>> read_loadings(mariadb::Connection& connection);

/// What a reservation in a sale is held against.
struct Admission {
  bool cancelled = false;
  std::uint64_t epoch = 0;  ///< zero: never loaded
};
/// By number of sale.
mariadb::Outcome<std::unordered_map<std::int64_t, Admission>> read_admissions(
    mariadb::Connection& connection, std::span<const std::int64_t> sales);

}  // namespace sluice::store
