// The checks of a verdict, one function each, in the order in which they are reported.
#include "rush/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::rush {
namespace {

/// Collects what is wrong; the check passes when nothing is.
class Finding {
 public:
  explicit Finding(std::string name) : name_(std::move(name)) {}

  void wrong(const std::string& text) {
    ++count_;
    if (count_ > kShown) return;
    if (!text_.empty()) text_ += "; ";
    text_ += text;
  }

  Check check(std::string when_passed) const {
    if (count_ == 0) return {name_, true, std::move(when_passed)};
    const std::string more = count_ > kShown ? fmt::format("; and {} more", count_ - kShown) : "";
    return {name_, false, text_ + more};
  }

 private:
  static constexpr std::size_t kShown = 5;
  std::string name_;
  std::string text_;
  std::size_t count_ = 0;
};

std::int64_t taken(const ItemStats& stats) {
  return stats.held + stats.sold;
}

std::int64_t growth(const ItemEvidence& item) {
  return taken(*item.after) - taken(*item.before);
}

Check check_conservation(const Evidence& evidence) {
  Finding finding("stock conserved");
  std::int64_t stock = 0;
  for (const ItemEvidence& item : evidence.items) {
    if (!item.after) {
      finding.wrong(fmt::format("item {} has no statistics", item.id));
      continue;
    }
    const ItemStats& now = *item.after;
    stock += now.stock;
    const bool adds_up = now.available + now.held + now.sold == now.stock;
    const bool negative = std::min({now.available, now.held, now.sold, now.refunded}) < 0;
    if (!adds_up || negative || !now.conserved) {
      finding.wrong(fmt::format("item {}: available {} + held {} + sold {} of stock {}{}", item.id,
                                now.available, now.held, now.sold, now.stock,
                                now.conserved ? "" : ", and the server says it is not conserved"));
    }
  }
  return finding.check(fmt::format("available + held + sold = stock for each of {} items, {} units",
                                   evidence.items.size(), stock));
}

Check check_accounts(const Evidence& evidence) {
  Finding finding("every grant accounted for");
  std::uint64_t granted = 0;
  for (const ItemEvidence& item : evidence.items)
    granted += item.granted;
  if (counters_agree(evidence)) {
    return finding.check(
        fmt::format("{} distinct orders granted, held + sold grew by {}", granted, granted));
  }
  if (!evidence.record) {
    for (const ItemEvidence& item : evidence.items) {
      if (!item.before || !item.after) {
        finding.wrong(fmt::format("item {} has no statistics from before and after", item.id));
      } else if (growth(item) != static_cast<std::int64_t>(item.granted)) {
        finding.wrong(fmt::format("item {}: {} orders granted, but held + sold grew by {}", item.id,
                                  item.granted, growth(item)));
      }
    }
    return finding.check("");
  }
  const RecordEvidence& record = *evidence.record;
  if (!record.complete) finding.wrong("the server's list of orders was longer than rush reads");
  if (record.missing > 0) {
    finding.wrong(
        fmt::format("{} acknowledged orders are not in the server's list", record.missing));
  }
  if (record.never_told > 0) {
    finding.wrong(fmt::format("the server lists {} orders of shoppers who were never told so",
                              record.never_told));
  }
  for (const ItemEvidence& item : evidence.items) {
    const auto most = static_cast<std::int64_t>(item.granted + record.of_others);
    if (item.before && item.after && growth(item) > most) {
      finding.wrong(fmt::format("item {}: held + sold grew by {}, more than the {} orders made",
                                item.id, growth(item), most));
    }
  }
  return finding.check(
      fmt::format("all {} granted orders are in the server's list ({} orders of other clients; "
                  "units came back during the run)",
                  granted, record.of_others));
}

Check check_sold_exactly(const Evidence& evidence) {
  Finding finding("sold exactly");
  std::size_t sold_out = 0;
  std::int64_t units = 0;
  // When every unit granted is still taken, none can have come back.
  const bool came_back = evidence.units_may_have_come_back && !counters_agree(evidence);
  for (const ItemEvidence& item : evidence.items) {
    if (!item.after) {
      finding.wrong(fmt::format("item {} has no statistics", item.id));
      continue;
    }
    const ItemStats& now = *item.after;
    if (taken(now) > now.stock) {
      finding.wrong(fmt::format("item {} is oversold: held + sold is {} of {}", item.id, taken(now),
                                now.stock));
    }
    if (taken(now) == now.stock) {
      ++sold_out;
      units += now.stock;
    }
    if (came_back) continue;
    if (item.sold_out_refusals > 0 && now.available > 0) {
      finding.wrong(fmt::format("item {} refused {} shoppers as sold out with {} units left",
                                item.id, item.sold_out_refusals, now.available));
    }
    if (item.granted_after_sold_out > 0) {
      finding.wrong(
          fmt::format("item {} granted {} orders to shoppers who asked after another had "
                      "been told sold out",
                      item.id, item.granted_after_sold_out));
    }
  }
  return finding.check(fmt::format(
      "{}, none oversold, {}",
      sold_out == 0 ? "no item sold out"
                    : fmt::format("{} of {} items sold out to the last of {} units", sold_out,
                                  evidence.items.size(), units),
      came_back ? "units came back from ended holds" : "nobody refused while units were left"));
}

Check check_one_each(const Evidence& evidence) {
  Finding finding("one unpaid order per shopper");
  if (evidence.extra_grants > 0 && !evidence.own_holds_may_have_ended) {
    finding.wrong(fmt::format("{} orders were granted to shoppers who already held one",
                              evidence.extra_grants));
  }
  return finding.check(evidence.extra_grants == 0
                           ? "no shopper was granted a second order"
                           : fmt::format("{} second orders, after the first hold may have ended",
                                         evidence.extra_grants));
}

Check check_distinct(const Evidence& evidence) {
  Finding finding("order numbers distinct");
  if (evidence.repeated_order_ids > 0) {
    finding.wrong(
        fmt::format("{} order numbers were given more than once", evidence.repeated_order_ids));
  }
  if (evidence.unreadable_grants > 0) {
    finding.wrong(
        fmt::format("{} grants came without a readable order number", evidence.unreadable_grants));
  }
  return finding.check("every granted order has a number of its own");
}

Check check_duplicates(const Evidence& evidence) {
  Finding finding("duplicates refused");
  const Duplicates& books = evidence.duplicates;
  const std::uint64_t wrong =
      books.wrong - (evidence.own_holds_may_have_ended ? books.granted_again : 0);
  if (wrong > 0) {
    finding.wrong(
        fmt::format("{} of {} requests by shoppers who held an order were not answered 409 with "
                    "legacy_code 100 "
                    "and that order's number",
                    wrong, books.sent));
  }
  std::string detail =
      fmt::format("{} of {} duplicates refused with code 100", books.refused_100, books.sent);
  const auto mention = [&detail](std::uint64_t count, const char* what) {
    if (count > 0) detail += fmt::format(", {} {}", count, what);
  };
  mention(books.replayed, "replayed by key");
  mention(books.limit_reached, "over the limit");
  mention(books.excused, "not decided (busy, paused, ended or lost)");
  mention(books.raced_refused_100, "more refused while racing the first");
  return finding.check(std::move(detail));
}

Check check_readback(const Evidence& evidence) {
  Finding finding("orders read back");
  const ReadbackEvidence& seen = evidence.readback;
  if (seen.wrong > 0) {
    finding.wrong(fmt::format("{} of {} orders were missing or different when their shopper asked",
                              seen.wrong, seen.asked));
  }
  if (seen.unanswered > 0) {
    finding.wrong(fmt::format("{} of {} orders could not be read", seen.unanswered, seen.asked));
  }
  return finding.check(
      fmt::format("{} orders read by their shoppers, all as granted", seen.matched));
}

Check check_private(const Evidence& evidence) {
  Finding finding("orders private");
  const ReadbackEvidence& seen = evidence.readback;
  if (seen.foreign_leaked > 0) {
    finding.wrong(fmt::format("{} of {} orders were not hidden from another shopper",
                              seen.foreign_leaked, seen.foreign_asked));
  }
  return finding.check(
      fmt::format("{} orders asked for by another shopper, all answered 404", seen.foreign_asked));
}

Check check_lost(const Evidence& evidence) {
  Finding finding("lost answers resolved");
  if (evidence.unresolved > 0) {
    finding.wrong(fmt::format("{} of {} shoppers whose answer was lost could not be looked up",
                              evidence.unresolved, evidence.unknown));
  }
  if (evidence.phantom_orders > 0) {
    finding.wrong(fmt::format("{} shoppers were refused as already queued but have no order",
                              evidence.phantom_orders));
  }
  if (evidence.undecided > 0) {
    finding.wrong(fmt::format("{} orders were still queued at the end", evidence.undecided));
  }
  return finding.check(fmt::format("{} shoppers lost an answer, {} of them have an order",
                                   evidence.unknown, evidence.unknown_with_order));
}

Check check_answers(const Evidence& evidence) {
  Finding finding("answers as documented");
  const auto count = [&evidence](Outcome outcome) {
    return evidence.outcomes[static_cast<std::size_t>(outcome)];
  };
  if (evidence.unexpected > 0) {
    finding.wrong(
        fmt::format("{} answers were none of the contract's ({} server errors, {} other refusals)",
                    evidence.unexpected, count(Outcome::server_error), count(Outcome::refused)));
  }
  return finding.check("no server error, no unknown code");
}

Check check_evidence(const Evidence& evidence) {
  Finding finding("evidence complete");
  for (const std::string& trouble : evidence.troubles)
    finding.wrong(trouble);
  return finding.check("every question to the server was answered");
}

}  // namespace

bool counters_agree(const Evidence& evidence) {
  return std::all_of(evidence.items.begin(), evidence.items.end(), [](const ItemEvidence& item) {
    return item.before && item.after && growth(item) == static_cast<std::int64_t>(item.granted);
  });
}

bool Verdict::passed() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& one) { return one.passed; });
}

Verdict judge(const Evidence& evidence) {
  return {{check_sold_exactly(evidence), check_conservation(evidence), check_accounts(evidence),
           check_one_each(evidence), check_distinct(evidence), check_duplicates(evidence),
           check_readback(evidence), check_private(evidence), check_lost(evidence),
           check_answers(evidence), check_evidence(evidence)}};
}

}  // namespace sluice::rush
