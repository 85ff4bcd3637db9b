// The judgement: every invariant of a sale, checked against the evidence of a run. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rush/control.h"
#include "rush/tally.h"

namespace sluice::rush {

/// What is known of one item before and after the crowd.
struct ItemEvidence {
  std::string id;
  std::string title;
  std::int64_t limit = 1;
  std::optional<ItemStats> before;
  std::optional<ItemStats> after;
  std::uint64_t granted = 0;      ///< distinct orders that the crowd knows of
  std::uint64_t found_later = 0;  ///< of these: orders whose answer was lost, found afterwards
  std::uint64_t sold_out_refusals = 0;
  std::uint64_t granted_after_sold_out = 0;
};

/// The server's own list of orders, read when the counters alone cannot tell.
struct RecordEvidence {
  std::uint64_t of_crowd = 0;    ///< orders of this crowd's shoppers
  std::uint64_t of_others = 0;   ///< orders of anyone else since the run began
  std::uint64_t missing = 0;     ///< acknowledged to the crowd but not in the list
  std::uint64_t never_told = 0;  ///< in the list, but the crowd was never told
  bool complete = true;          ///< false: the list was longer than rush reads
};

struct ReadbackEvidence {
  std::uint64_t asked = 0;
  std::uint64_t matched = 0;
  std::uint64_t wrong = 0;  ///< answered, but missing or another order
  std::uint64_t unanswered = 0;
  std::uint64_t foreign_asked = 0;
  std::uint64_t foreign_leaked = 0;  ///< another shopper was not told 404
};

struct Evidence {
  std::vector<ItemEvidence> items;
  OutcomeCounts outcomes{};
  Duplicates duplicates;
  std::uint64_t extra_grants = 0;
  std::uint64_t repeated_order_ids = 0;
  std::uint64_t unreadable_grants = 0;
  std::uint64_t unexpected = 0;
  std::uint64_t unknown = 0;              ///< shoppers with a request that got no answer
  std::uint64_t unknown_with_order = 0;   ///< of these: had an order after all
  std::uint64_t unresolved = 0;           ///< of these: the server would not say
  std::uint64_t undecided = 0;            ///< still queued at the end
  std::uint64_t phantom_orders = 0;       ///< refused as already queued without having any order
  bool own_holds_may_have_ended = false;  ///< the run lasted longer than the shortest hold
  bool units_may_have_come_back = false;  ///< the same, or someone else held units before
  std::optional<RecordEvidence> record;
  ReadbackEvidence readback;
  std::vector<std::string> troubles;  ///< what could not be asked
};

struct Check {
  std::string name;  ///< "sold exactly"
  bool passed = true;
  std::string detail;  ///< one sentence with the numbers
};

struct Verdict {
  std::vector<Check> checks;
  bool passed() const;
};

Verdict judge(const Evidence& evidence);

/// Whether the counters alone account for every grant; when not, the list of orders is needed.
bool counters_agree(const Evidence& evidence);

}  // namespace sluice::rush
