// Leases in the cluster's record: who does what only one may do, until when.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/instant.h"
#include "mariadb/connection.h"

namespace sluice::store {

/// Numbers that take_number() deals in: the bits that order ids have for them.
inline constexpr std::uint16_t kNodeNumbers = 1024;

/// Time is the database's, so that clocks of nodes do not matter. A holder counts its lease from
/// before the call that gave it: whoever was stopped for longer than that holds nothing any more.
/// One thread at a time. After a lost connection the next call opens another.
class ClusterLeases {
 public:
  static mariadb::Outcome<std::unique_ptr<ClusterLeases>> open(const mariadb::Address& address);
  ~ClusterLeases();
  ClusterLeases(const ClusterLeases&) = delete;
  ClusterLeases& operator=(const ClusterLeases&) = delete;

  /// Takes or renews it. False: another holds it. `name` has at most 64 bytes, `holder` 128; a
  /// holder is one process in one life.
  mariadb::Outcome<bool> take(std::string_view name, std::string_view holder, Span length);
  /// Nothing where another holds it.
  mariadb::Outcome<> give_back(std::string_view name, std::string_view holder);

  /// Takes or renews the holder's number: one that nobody ever had, before the one that has been
  /// free the longest. Empty: all are held.
  mariadb::Outcome<std::optional<std::uint16_t>> take_number(std::string_view holder, Span length);

 private:
  struct Parts;
  explicit ClusterLeases(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::store
