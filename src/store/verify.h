// The offline audit of a record: every invariant, the hash chain, stock per item.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::store {

/// One thing that is off, with where and by how much.
struct Finding {
  std::string check;  ///< "conservation", "limit", "chain", "links", "status", …
  std::string detail;
};

struct VerifyReport {
  std::uint64_t sales = 0;
  std::uint64_t items = 0;
  std::uint64_t orders = 0;
  std::uint64_t history_rows = 0;
  std::uint64_t seals = 0;
  /// Of these seals, how many were in the journal of a server that was killed, and not in the
  /// tables yet: the next start carries them over.
  std::uint64_t journal_batches = 0;
  std::vector<Finding> findings;  ///< at most `most_findings`; the count goes on
  std::uint64_t finding_count = 0;
  struct ItemLine {
    std::string id;
    std::string title;
    std::int64_t stock = 0, available = 0, held = 0, sold = 0, refunded = 0;
  };
  std::vector<ItemLine> lines;
  /// Hash of the last seal in hexadecimal: kept elsewhere, it shows later that nothing before it
  /// was changed or cut off.
  std::string head;
};

/// Reads the record of `directory` without changing it; safe while a server runs on it (whose
/// newest batches, of a fraction of a second, are then not looked at). What only the journal of a
/// killed server holds is audited with the rest. The error side means that it could not be read at
/// all. Without `linked`, orders need not name the shopper's order before them: those of a cluster
/// do not.
Result<VerifyReport> verify(const std::string& directory,
                            const std::function<void(std::string_view)>& progress = {},
                            std::size_t most_findings = 100, bool linked = true);

}  // namespace sluice::store
