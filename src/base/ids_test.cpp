// Identifiers: what is accepted, what is refused, and that text and number agree.
#include "base/ids.h"

#include <gtest/gtest.h>

#include <limits>
#include <unordered_set>

namespace sluice {
namespace {

TEST(OrderIdText, RoundTrips) {
  for (const std::int64_t raw : {std::int64_t{1}, std::int64_t{9}, std::int64_t{412'316'860'416},
                                 std::numeric_limits<std::int64_t>::max()}) {
    const OrderId id{raw};
    EXPECT_EQ(parse_order_id(to_text(id)), id) << to_text(id);
  }
  EXPECT_EQ(to_text(OrderId{42}), "No42");
  EXPECT_EQ(to_text(OrderId{std::numeric_limits<std::int64_t>::max()}), "No9223372036854775807");
}

TEST(OrderIdText, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "No",
                                      "no1",
                                      "NO1",
                                      "1",
                                      "N1",
                                      "No0",
                                      "No00",
                                      "No01",
                                      "No-1",
                                      "No+1",
                                      "No 1",
                                      "No1 ",
                                      " No1",
                                      "No1a",
                                      "No1e3",
                                      "No9223372036854775808",
                                      "No99999999999999999999",
                                      "No１",
                                      "No1.0",
                                      "NoNo1"}) {
    EXPECT_EQ(parse_order_id(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_order_id(std::string_view("No1\0", 4)), std::nullopt);
}

TEST(CatalogId, AcceptsPlainNamesOnly) {
  for (const std::string_view text :
       {"a", "1", "s1", "A.b_c-D", "-", "_", "a.", "149187842867960"}) {
    EXPECT_TRUE(valid_catalog_id(text)) << text;
  }
  for (const std::string_view text : {"", ".", "..", ".hidden", "a b", "a/b", "a\\b", "ä", "a\n",
                                      "a%2f", "a?b", "a:b", "a\x7f"}) {
    EXPECT_FALSE(valid_catalog_id(text)) << text;
  }
  EXPECT_FALSE(valid_catalog_id(std::string_view("a\0b", 3)));
}

TEST(CatalogId, LengthBounds) {
  EXPECT_TRUE(valid_catalog_id(std::string(64, 'x')));
  EXPECT_FALSE(valid_catalog_id(std::string(65, 'x')));
}

TEST(User, AcceptsUtf8WithoutControls) {
  for (const std::string_view user :
       {"a", "用户", "user@example.com", "00000000-0000-4000-8000-000", " spaced name ", "😀",
        "\u00a0", "\u00e9"}) {
    EXPECT_TRUE(valid_user(user)) << user;
  }
  for (const std::string_view user : {"", "a\nb", "a\rb", "a\x1b[31m", "\x7f", "a\tb", "\xff",
                                      "\xc3", "\xed\xa0\x80", "\xc0\xaf", "\u0085", "a\u009f"}) {
    EXPECT_FALSE(valid_user(user)) << user;
  }
  EXPECT_FALSE(valid_user(std::string_view("a\0b", 3)));
}

TEST(User, LengthBounds) {
  EXPECT_TRUE(valid_user(std::string(kMaxUserBytes, 'u')));
  EXPECT_FALSE(valid_user(std::string(kMaxUserBytes + 1, 'u')));
  EXPECT_FALSE(valid_user(std::string(8192, 'u')));
}

TEST(Strong, KindsHashAndCompareWithinThemselves) {
  const std::unordered_set<OrderId> ids{OrderId{1}, OrderId{2}, OrderId{1}};
  EXPECT_EQ(ids.size(), 2U);
  EXPECT_LT(OrderId{1}, OrderId{2});
  static_assert(!std::is_convertible_v<SaleNo, ItemNo>);
  static_assert(!std::is_convertible_v<std::uint32_t, SaleNo>);
}

}  // namespace
}  // namespace sluice
