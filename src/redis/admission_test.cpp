// Calls as they go out, and replies that the functions never gave.
#include "redis/admission.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::redis {
namespace {

Value integer(std::int64_t number) {
  Value value;
  value.kind = Value::Kind::integer;
  value.integer = number;
  return value;
}
Value text(std::string words) {
  Value value;
  value.kind = Value::Kind::text;
  value.text = std::move(words);
  return value;
}
Value array(std::vector<Value> items) {
  Value value;
  value.kind = Value::Kind::array;
  value.items = std::move(items);
  return value;
}

TEST(Calls, NameEveryKeyUnderOneTag) {
  const SaleCalls calls("spring");
  const Grab grab{OrderId{77}, "bob", ItemNo{3}, -1, {0, 0xab}};
  const Command command = calls.grab({5}, {&grab, 1}, Instant{9});
  const Command expected = {"FCALL",
                            "sluice_1_grab",
                            "6",
                            "sluice:{spring}:sale",
                            "sluice:{spring}:items",
                            "sluice:{spring}:orders",
                            "sluice:{spring}:users",
                            "sluice:{spring}:requests",
                            "sluice:{spring}:outbox",
                            "5",
                            "9",
                            "77",
                            "bob",
                            "3",
                            "-1",
                            "000000000000000000000000000000ab"};
  EXPECT_EQ(command, expected);
}

TEST(Calls, TheLargestQuantityThatCanBePaidIsFoundExactly) {
  const SaleCalls calls("s");
  ItemDefinition item{ItemNo{0}, kMaxPrice, 1, Quantity{1}, 1};
  const Command command = calls.load_begin({1}, Window{}, {&item, 1});
  EXPECT_EQ(command.at(command.size() - 4), "9223372");  // (2^63 - 1) / 10^12
}

TEST(Rows, OfOrdersAreReadOrRefused) {
  const auto read = parse_reservation("7", "r,3,2,1999,10,20,,o,hara");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->user, "o,hara");
  EXPECT_EQ(read->amount(), Money{3998});
  EXPECT_EQ(read->standing, Standing::reserved);
  for (const char* row :
       {"", "r", "r,3,2,1999,10,20,", "q,3,2,1999,10,20,,u", "r,3,0,1999,10,20,,u",
        "r,-3,2,1999,10,20,,u", "r,3,2,1e3,10,20,,u", "r,3,2,1999,10,20,xyz,u",
        "r,3,1000000001,1999,10,20,,u", "r,3,1000000000,9223372036854775807,10,20,,u",
        "rr,3,2,1999,10,20,,u", "r,4294967296,2,1999,10,20,,u"}) {
    EXPECT_FALSE(parse_reservation("7", row)) << row;
  }
  EXPECT_FALSE(parse_reservation("0", "r,3,2,1999,10,20,,u"));
  EXPECT_FALSE(parse_reservation("9223372036854775808", "r,3,2,1999,10,20,,u"));
}

TEST(Replies, OfWholeCallsThatHadNoEffect) {
  const auto kind = [](std::int64_t number) { return read_grabs(integer(number), 1).error().kind; };
  EXPECT_EQ(kind(-1), Refusal::Kind::not_loaded);
  EXPECT_EQ(kind(-2), Refusal::Kind::stale_epoch);
  EXPECT_EQ(kind(-3), Refusal::Kind::not_drained);
  EXPECT_EQ(kind(-4), Refusal::Kind::not_sealed);
  EXPECT_EQ(kind(-5), Refusal::Kind::broken);
  EXPECT_EQ(kind(0), Refusal::Kind::broken);
}

TEST(Replies, ThatAreNotOurs) {
  const auto grabs = [](std::vector<Value> answers) {
    answers.insert(answers.begin(), {integer(1), text("1-0")});
    return read_grabs(array(std::move(answers)), 1).has_value();
  };
  EXPECT_TRUE(grabs({integer(2)}));
  EXPECT_TRUE(grabs({array({integer(9), integer(0), integer(4)})}));
  EXPECT_FALSE(grabs({}));
  EXPECT_FALSE(grabs({integer(2), integer(2)}));
  EXPECT_FALSE(grabs({integer(13)}));
  EXPECT_FALSE(grabs({integer(-1)}));
  EXPECT_FALSE(grabs({integer(10)}));  // granted, and no order
  EXPECT_FALSE(grabs({array({integer(10), text("7")})}));
  EXPECT_FALSE(grabs({array({integer(10), text("7"), text("nonsense")})}));
  EXPECT_FALSE(grabs({array({integer(7), text("-7")})}));
  EXPECT_FALSE(grabs({array({integer(9)})}));
  EXPECT_FALSE(grabs({array({})}));
  EXPECT_FALSE(read_moves(array({integer(6)}), 1));
  EXPECT_FALSE(read_moves(array({}), 1));
  EXPECT_FALSE(read_stats(array({text("1"), text("1"), text("open")})));
  EXPECT_FALSE(read_outbox(array({text("1-0")})));
  EXPECT_FALSE(read_stragglers(array({})));
}

RC_GTEST_PROP(Rows, AnyTextIsARowOrRefused, (const std::string& id, const std::string& row)) {
  const auto read = parse_reservation(id, row);
  if (read) RC_ASSERT(read->quantity > 0);
}

}  // namespace
}  // namespace sluice::redis
