// A record of a cluster as a file, for the audit.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mariadb/address.h"
#include "store/verify.h"

namespace sluice::store {

/// Writes what the record at `address` holds at one moment into `<directory>/record.db`, which must
/// not exist. Row for row the same, hash chain included; an embedded server cannot go on with it,
/// as it wants orders linked by shopper.
Result<> copy_record(const mariadb::Address& address, const std::string& directory,
                     const std::function<void(std::string_view)>& progress = {});

/// As verify(), of a cluster's record: copies it into a new directory below `scratch`, audits that,
/// and removes it. The record is only read; safe while the cluster runs.
Result<VerifyReport> verify_cluster(const mariadb::Address& address, const std::string& scratch,
                                    const std::function<void(std::string_view)>& progress = {},
                                    std::size_t most_findings = 100);

}  // namespace sluice::store
