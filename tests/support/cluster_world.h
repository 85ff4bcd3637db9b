// Sales, reservations and a database of their own for tests of the cluster's record.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/cluster_copy.h"
#include "store/cluster_record.h"
#include "support/mariadb_service.h"

namespace sluice::test::cluster {

inline constexpr Instant kNow{1'795'000'000'000};
/// The core expires in steps of 64 ms; with these an order is due in the very step of its deadline.
inline constexpr std::int64_t kStepMs = 64;
inline constexpr std::int64_t kHoldMs = 1000 * kStepMs;
inline constexpr std::int64_t kFirstId = std::int64_t{1} << 40;

/// Throws where it fails.
std::unique_ptr<store::ClusterRecord> open_record(const mariadb::Address& address,
                                                  store::ClusterOptions options = {});

/// Throws where there is none.
template <class T>
T value(mariadb::Outcome<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().message);
  return std::move(*outcome);
}

/// Open from a second ago for a day; items "<id>-0", "<id>-1", … for one yuan.
sale::OpenSale sale_of(const std::string& id, int items, std::int64_t stock,
                       std::int64_t limit = 1);
store::Reservation reservation(std::int64_t n, std::string user, std::uint32_t item = 0,
                               std::int64_t quantity = 1);
/// Of one unit for "user-<n>" each.
std::vector<store::Reservation> crowd(std::int64_t from, std::int64_t count,
                                      std::uint32_t item = 0);
sale::PaymentSucceeded payment_of(std::int64_t n, const std::string& transaction);
std::vector<store::GrantOutcome> outcomes(const std::vector<store::GrantReply>& replies);

class ClusterRecordTest : public testing::Test {
 protected:
  std::unique_ptr<store::ClusterRecord> open(store::ClusterOptions options = {}) {
    return open_record(database_.address(), std::move(options));
  }
  /// Everything in the database, as one number per table.
  std::string fingerprint();
  /// The audit finds nothing, and neither does the query of the manual.
  void expect_sound() { expect_sound(database_.address()); }
  void expect_sound(const mariadb::Address& address);
  std::int64_t number(const std::string& sql) { return value(database_.connection().integer(sql)); }

  TemporaryDirectory directory_;
  TestDatabase database_{MariadbService::shared()};
};

}  // namespace sluice::test::cluster
