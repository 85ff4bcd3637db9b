// Whether Redis has what the record says: for `sluice verify`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "mariadb/address.h"
#include "redis/client.h"

namespace sluice::cluster {

struct RedisAudit {
  std::uint64_t sales = 0;   ///< loaded into Redis
  std::uint64_t orders = 0;  ///< of these sales, in the record
  std::vector<std::string> findings;
};

/// Compares each sale that is loaded: the counters of its items, where every order of the record
/// stands, and that nothing waits in the outbox. Redis follows the record, so a difference counts
/// when it lasts for `patience`. An open sale that is not loaded is a finding too. Waits; changes
/// nothing. The error: a service that does not answer.
Result<RedisAudit> audit_redis(const mariadb::Address& record, const redis::Address& redis,
                               Span patience);

}  // namespace sluice::cluster
