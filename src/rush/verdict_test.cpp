// The verdict on made-up evidence: a clean run passes, and each broken promise is named.
#include "rush/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace sluice::rush {
namespace {

using testing::HasSubstr;

/// 10 units of one item, all granted to this crowd, 90 people refused, 4 duplicates refused.
Evidence clean() {
  Evidence evidence;
  ItemEvidence item;
  item.id = "cup";
  item.before = ItemStats{"cup", 10, 10, 0, 0, 0, true};
  item.after = ItemStats{"cup", 10, 0, 10, 0, 0, true};
  item.granted = 10;
  item.sold_out_refusals = 90;
  evidence.items.push_back(item);
  evidence.duplicates.sent = 4;
  evidence.duplicates.refused_100 = 4;
  evidence.readback.asked = evidence.readback.matched = 10;
  evidence.readback.foreign_asked = 10;
  return evidence;
}

std::string failures(const Verdict& verdict) {
  std::string text;
  for (const Check& check : verdict.checks) {
    if (!check.passed) text += check.name + ": " + check.detail + "\n";
  }
  return text;
}

TEST(Verdict, ACleanRunPasses) {
  const Verdict verdict = judge(clean());
  EXPECT_TRUE(verdict.passed()) << failures(verdict);
  EXPECT_THAT(verdict.checks[0].detail, HasSubstr("1 of 1 items sold out to the last of 10 units"));
}

struct Broken {
  const char* name;
  std::function<void(Evidence&)> how;
  const char* check;  ///< the only check that may fail
  const char* detail;
};

std::vector<Broken> broken_promises() {
  return {
      {"oversold",
       [](Evidence& e) {
         e.items[0].after->held = 11;
         e.items[0].after->available = -1;
         e.items[0].granted = 11;
       },
       "sold exactly", "item cup is oversold: held + sold is 11 of 10"},
      {"refused too early",
       [](Evidence& e) {
         e.items[0].after->available = 1;
         e.items[0].after->held = 9;
         e.items[0].granted = 9;
       },
       "sold exactly", "refused 90 shoppers as sold out with 1 units left"},
      {"granted after sold out", [](Evidence& e) { e.items[0].granted_after_sold_out = 2; },
       "sold exactly", "granted 2 orders to shoppers who asked after another had been told"},
      {"not conserved", [](Evidence& e) { e.items[0].after->stock = 12; }, "stock conserved",
       "available 0 + held 10 + sold 0 of stock 12"},
      {"frozen", [](Evidence& e) { e.items[0].after->conserved = false; }, "stock conserved",
       "the server says it is not conserved"},
      {"grant not counted", [](Evidence& e) { e.items[0].granted = 9; },
       "every grant accounted for", "9 orders granted, but held + sold grew by 10"},
      {"no statistics", [](Evidence& e) { e.items[0].before.reset(); }, "every grant accounted for",
       "no statistics from before and after"},
      {"second order", [](Evidence& e) { e.extra_grants = 1; }, "one unpaid order per shopper",
       "1 orders were granted to shoppers who already held one"},
      {"repeated id", [](Evidence& e) { e.repeated_order_ids = 3; }, "order numbers distinct",
       "3 order numbers were given more than once"},
      {"no id", [](Evidence& e) { e.unreadable_grants = 1; }, "order numbers distinct",
       "1 grants came without a readable order number"},
      {"duplicate sold out", [](Evidence& e) { e.duplicates.wrong = 1; }, "duplicates refused",
       "1 of 4 requests by shoppers who held an order were not answered 409"},
      {"order gone", [](Evidence& e) { e.readback.wrong = 1; }, "orders read back",
       "1 of 10 orders were missing or different"},
      {"order not readable", [](Evidence& e) { e.readback.unanswered = 2; }, "orders read back",
       "2 of 10 orders could not be read"},
      {"order shown to a stranger", [](Evidence& e) { e.readback.foreign_leaked = 1; },
       "orders private", "1 of 10 orders were not hidden from another shopper"},
      {"unresolved",
       [](Evidence& e) {
         e.unknown = 2;
         e.unresolved = 1;
       },
       "lost answers resolved", "1 of 2 shoppers whose answer was lost could not be looked up"},
      {"phantom", [](Evidence& e) { e.phantom_orders = 1; }, "lost answers resolved",
       "1 shoppers were refused as already queued but have no order"},
      {"undecided", [](Evidence& e) { e.undecided = 1; }, "lost answers resolved",
       "1 orders were still queued at the end"},
      {"server error",
       [](Evidence& e) {
         e.unexpected = 1;
         e.outcomes[static_cast<std::size_t>(Outcome::server_error)] = 1;
       },
       "answers as documented", "1 answers were none of the contract's (1 server errors"},
      {"server gone", [](Evidence& e) { e.troubles.emplace_back("no answer"); },
       "evidence complete", "no answer"},
  };
}

TEST(Verdict, EachBrokenPromiseFailsItsOwnCheck) {
  for (const Broken& broken : broken_promises()) {
    Evidence evidence = clean();
    broken.how(evidence);
    const Verdict verdict = judge(evidence);
    EXPECT_FALSE(verdict.passed()) << broken.name;
    bool found = false;
    for (const Check& check : verdict.checks) {
      if (check.name != broken.check) continue;
      found = true;
      EXPECT_FALSE(check.passed) << broken.name << "\n" << failures(verdict);
      EXPECT_THAT(check.detail, HasSubstr(broken.detail)) << broken.name;
    }
    EXPECT_TRUE(found) << broken.check;
  }
}

TEST(Verdict, OverloadAndRateLimitsBreakNothing) {
  Evidence evidence = clean();
  evidence.outcomes[static_cast<std::size_t>(Outcome::overloaded)] = 1000;
  evidence.outcomes[static_cast<std::size_t>(Outcome::rate_limited)] = 1000;
  evidence.outcomes[static_cast<std::size_t>(Outcome::timed_out)] = 10;
  EXPECT_TRUE(judge(evidence).passed());
}

TEST(Verdict, WhenHoldsEndedTheListOfOrdersDecides) {
  Evidence evidence = clean();
  evidence.own_holds_may_have_ended = evidence.units_may_have_come_back = true;
  evidence.items[0].after = ItemStats{"cup", 10, 7, 3, 0, 0, true};  // seven came back
  evidence.record = RecordEvidence{.of_crowd = 10};
  EXPECT_TRUE(judge(evidence).passed()) << failures(judge(evidence));

  evidence.record->missing = 1;
  EXPECT_THAT(failures(judge(evidence)), HasSubstr("1 acknowledged orders are not in the"));
  evidence.record = RecordEvidence{.of_crowd = 10, .never_told = 2};
  EXPECT_THAT(failures(judge(evidence)), HasSubstr("2 orders of shoppers who were never told"));
  evidence.record = RecordEvidence{.of_crowd = 10, .complete = false};
  EXPECT_THAT(failures(judge(evidence)), HasSubstr("longer than rush reads"));
}

TEST(Verdict, OrdersOfOthersExplainGrowthButNotMoreThanTheyAre) {
  Evidence evidence = clean();
  evidence.items[0].granted = 8;
  evidence.record = RecordEvidence{.of_crowd = 8, .of_others = 2};
  EXPECT_TRUE(judge(evidence).passed()) << failures(judge(evidence));
  evidence.record->of_others = 1;
  EXPECT_THAT(failures(judge(evidence)), HasSubstr("grew by 10, more than the 9 orders made"));
}

TEST(Verdict, ASecondOrderAfterTheHoldEndedIsNoFault) {
  Evidence evidence = clean();
  evidence.extra_grants = 1;
  evidence.duplicates.wrong = evidence.duplicates.granted_again = 1;
  EXPECT_FALSE(judge(evidence).passed());
  evidence.own_holds_may_have_ended = evidence.units_may_have_come_back = true;
  EXPECT_TRUE(judge(evidence).passed()) << failures(judge(evidence));
}

TEST(Verdict, ManyFaultsAreCountedNotListed) {
  Evidence evidence = clean();
  for (int i = 0; i < 20; ++i)
    evidence.troubles.emplace_back("trouble");
  EXPECT_THAT(failures(judge(evidence)), HasSubstr("and 15 more"));
}

}  // namespace
}  // namespace sluice::rush
