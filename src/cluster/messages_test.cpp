// Grabs and timers as JSON: what we write is read back, and what strangers write does no harm.
#include "cluster/messages.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <boost/json/parse.hpp>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.h"

namespace sluice::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Instant kNow{1'795'000'000'123};

/// Two sales, with an item each: "iphone" held for 30 min, "7" for 5 s.
std::shared_ptr<const engine::Catalog> two_items() {
  auto catalog = std::make_shared<engine::Catalog>();
  const auto add = [&](std::uint32_t no, const char* id, Span hold) {
    sale::Sale sale;
    sale.no = SaleNo{no};
    sale.id = std::string("s-") + id;
    sale.hold = hold;
    catalog->sales.push_back(
        std::make_unique<engine::CatalogSale>(engine::CatalogSale{std::move(sale), {}}));
    sale::Item item;
    item.no = ItemNo{no};
    item.sale = SaleNo{no};
    item.id = id;
    catalog->items.push_back(std::make_unique<engine::CatalogItem>(engine::CatalogItem{
        std::move(item), catalog->sales.back().get(), std::make_shared<engine::LiveCounters>()}));
    catalog->item_by_id.emplace(catalog->items.back()->item.id, catalog->items.back().get());
  };
  add(0, "iphone", Span::seconds(1800));
  add(1, "7", Span::seconds(5));
  return catalog;
}

store::Reservation grab(std::int64_t id = 382966440002584576) {
  store::Reservation grab;
  grab.id = OrderId{id};
  grab.user = "ann";
  grab.item = ItemNo{0};
  grab.quantity = 2;
  grab.amount = Money{19998};
  grab.created_at = kNow;
  grab.expires_at = kNow + Span::seconds(1800);
  return grab;
}

class Messages : public testing::Test {
 protected:
  Result<GrabMessage> parse(std::string_view body) { return parse_grabs(body, *catalog_); }
  std::string problem(std::string_view body) {
    const auto parsed = parse(body);
    return parsed ? "none" : parsed.error().message;
  }
  /// One good grab with one member written otherwise, or left out where `value` is empty.
  std::string with(std::string_view name, std::string_view value) {
    const std::vector<std::pair<std::string, std::string>> members = {
        {"orderId", R"("No382966440002584576")"},
        {"username", R"("ann")"},
        {"goodsId", R"("iphone")"},
        {"quantity", "1"},
        {"money", "9999"},
        {"currency", R"("CNY")"},
        {"createTime", R"("2026-11-18T11:06:40.123Z")"},
        {"status", "1"}};
    std::string body = "{";
    const auto member = [&body](std::string_view key, std::string_view text) {
      if (body.size() > 1) body += ',';
      body += '"' + std::string(key) + "\":" + std::string(text);
    };
    bool known = false;
    for (const auto& [key, good] : members) {
      known = known || key == name;
      if (key != name) member(key, good);
      if (key == name && !value.empty()) member(key, value);
    }
    if (!known) member(name, value);
    return body + "}";
  }

  std::shared_ptr<const engine::Catalog> catalog_ = two_items();
};

void expect_same(const store::Reservation& a, const store::Reservation& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.user, b.user);
  EXPECT_EQ(a.item, b.item);
  EXPECT_EQ(a.quantity, b.quantity);
  EXPECT_EQ(a.amount, b.amount);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.expires_at, b.expires_at);
  EXPECT_EQ(a.request, b.request);
  EXPECT_EQ(a.epoch, b.epoch);
}

TEST_F(Messages, AGrabIsTheTutorialsObject) {
  auto one = grab();
  one.request = {0x0123456789abcdef, 0xff};
  one.epoch = 7;
  const boost::json::value written = boost::json::parse(to_message({&one, 1}, *catalog_));
  EXPECT_EQ(written, boost::json::parse(R"([{
    "orderId":"No382966440002584576","username":"ann","goodsId":"iphone","quantity":2,
    "money":19998,"currency":"CNY","createTime":"2026-11-18T11:06:40.123Z","status":1,
    "expiresTime":"2026-11-18T11:36:40.123Z","epoch":7,
    "requestKey":"0123456789abcdef00000000000000ff"}])"));
}

RC_GTEST_FIXTURE_PROP(Messages, WhatIsWrittenIsReadBack, ()) {
  std::vector<store::Reservation> grabs(*rc::gen::inRange<std::size_t>(1, kMaxGrabsPerMessage));
  for (store::Reservation& one : grabs) {
    one.id = OrderId{*rc::gen::positive<std::int64_t>()};
    one.user =
        *rc::gen::element<std::string>("ann", "深圳", "a\"b\\c/d", "\xf0\x9f\x9b\x92", "<&>");
    one.item = ItemNo{*rc::gen::inRange<std::uint32_t>(0, 2)};
    one.quantity = *rc::gen::inRange<std::int64_t>(1, 1'000'000'001);
    one.amount = Money{*rc::gen::nonNegative<std::int64_t>()};
    one.created_at = Instant{*rc::gen::inRange<std::int64_t>(0, 200'000'000'000'000)};
    one.expires_at = one.created_at + Span{*rc::gen::inRange<std::int64_t>(0, 604'800'001)};
    one.request = {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>()};
    one.epoch = static_cast<std::uint64_t>(*rc::gen::nonNegative<std::int64_t>());
  }
  const auto read = parse(to_message(grabs, *catalog_));
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->unknown_goods.empty());
  RC_ASSERT(read->grabs.size() == grabs.size());
  for (std::size_t i = 0; i < grabs.size(); ++i)
    expect_same(read->grabs[i], grabs[i]);
}

TEST_F(Messages, TheLongestMessageFitsTheBus) {
  auto one = grab(std::numeric_limits<std::int64_t>::max());
  one.user = std::string(kMaxUserBytes, '"');
  one.amount = Money{std::numeric_limits<std::int64_t>::max()};
  one.quantity = 1'000'000'000;
  one.request = {~std::uint64_t{0}, ~std::uint64_t{0}};
  one.epoch = std::numeric_limits<std::int64_t>::max();
  const std::vector<store::Reservation> all(kMaxGrabsPerMessage, one);
  EXPECT_LE(to_message(all, *catalog_).size() + kMaxGrabsPerMessage * 64, bus::kMaxMessageBytes);
}

TEST_F(Messages, ASingleObjectIsTakenAsWell) {
  const auto parsed = parse(with("", "0"));
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->grabs.size(), 1U);
  const store::Reservation& one = parsed->grabs[0];
  EXPECT_EQ(one.id, OrderId{382966440002584576});
  EXPECT_EQ(one.amount, Money{9999});
  EXPECT_EQ(one.created_at, kNow);
  EXPECT_EQ(one.expires_at, kNow + Span::seconds(1800)) << "the hold of its sale";
  EXPECT_FALSE(one.request);
  EXPECT_EQ(one.epoch, 0U);
}

TEST_F(Messages, TakesWhatOthersWriteALittleOtherwise) {
  EXPECT_EQ(problem(with("status", R"("1")")), "none");
  EXPECT_EQ(problem(with("status", "")), "none");
  EXPECT_EQ(problem(with("extra", R"({"a":[1,{"b":null}]})")), "none");
  EXPECT_EQ(problem(with("createTime", R"("2026-11-18T19:06:40+08:00")")), "none");
  EXPECT_EQ(problem(" [ " + with("", "1") + " ] \n"), "none");
  const auto numbered = parse(with("goodsId", "7"));
  ASSERT_TRUE(numbered);
  EXPECT_EQ(numbered->grabs.at(0).item, ItemNo{1});
  EXPECT_EQ(numbered->grabs.at(0).expires_at, kNow + Span::seconds(5));
  const auto twice = parse(with("quantity", R"(1,"quantity":3)"));
  ASSERT_TRUE(twice);
  EXPECT_EQ(twice->grabs.at(0).quantity, 3) << "the last counts";
}

TEST_F(Messages, AnOrderThatIsThereTwiceIsTheRecordsToJudge) {
  const auto parsed = parse("[" + with("", "1") + "," + with("username", R"("bob")") + "]");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->grabs.size(), 2U);
}

TEST_F(Messages, GoodsThatAreNotInTheCatalogAreNamed) {
  const auto parsed = parse("[" + with("goodsId", R"("soon")") + "," + with("", "1") + "," +
                            with("goodsId", "8") + "]");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->unknown_goods, ElementsAre("soon", "8"));
  EXPECT_EQ(parsed->grabs.size(), 1U);
}

TEST_F(Messages, NumbersAreWholeAndInRange) {
  for (const char* bad :
       {"0", "-1", "1.0", "1e0", "0.5", "1000000001", "9223372036854775808", "18446744073709551616",
        "1e400", "-0.0", R"("1")", "true", "null", "[1]", "{}", ""}) {
    EXPECT_NE(problem(with("quantity", bad)), "none") << "quantity " << bad;
  }
  for (const char* bad : {"-1", "9223372036854775808", "1.5", "1E2", R"("9999")", "null", ""})
    EXPECT_NE(problem(with("money", bad)), "none") << "money " << bad;
  for (const char* bad : {"-1", "9223372036854775808", "0.1", R"("1")", "null"})
    EXPECT_NE(problem(with("epoch", bad)), "none") << "epoch " << bad;
  EXPECT_EQ(problem(with("money", "9223372036854775807")), "none");
  EXPECT_EQ(problem(with("money", "0")), "none");
  EXPECT_EQ(problem(with("quantity", "1000000000")), "none");
}

TEST_F(Messages, TextsAreWhatTheyShouldBe) {
  for (const char* bad : {R"("382966440002584576")", R"("No0")", R"("No01")", R"("No-1")",
                          R"("No9223372036854775808")", R"("no1")", "5", "null", ""}) {
    EXPECT_THAT(problem(with("orderId", bad)), HasSubstr("orderId")) << bad;
  }
  const std::string long_name = '"' + std::string(kMaxUserBytes + 1, 'x') + '"';
  for (const char* bad :
       {R"("")", R"("a\u0000b")", R"("a\nb")", "1", "null", "[]", "", long_name.c_str()}) {
    EXPECT_THAT(problem(with("username", bad)), HasSubstr("username")) << bad;
  }
  for (const char* bad : {R"("")", R"("a b")", R"("../x")", "-1", "1.5", "null", ""})
    EXPECT_THAT(problem(with("goodsId", bad)), HasSubstr("goodsId")) << bad;
  for (const char* bad : {R"("USD")", R"("cny")", R"("")", "1", ""})
    EXPECT_THAT(problem(with("currency", bad)), HasSubstr("currency")) << bad;
  for (const char* bad :
       {R"("0123")", R"("0123456789abcdef0123456789abcdeg")", "1",
        R"("0x23456789abcdef0123456789abcdef")", R"("0123456789abcdef0123456789abcdef0")",
        R"("-123456789abcdef-123456789abcdef")"}) {
    EXPECT_THAT(problem(with("requestKey", bad)), HasSubstr("requestKey")) << bad;
  }
  for (const char* bad : {"2", "0", R"("2")", "1.0", "null", "[]"})
    EXPECT_THAT(problem(with("status", bad)), HasSubstr("status")) << bad;
}

TEST_F(Messages, TimesAreTimesAndHoldsAreBounded) {
  for (const char* name : {"createTime", "expiresTime"}) {
    for (const char* bad : {R"("yesterday")", R"("2026-11-18 11:06:40")", "1795000000123",
                            R"("10000-01-01T00:00:00Z")", R"("1969-12-31T23:59:59Z")", "null"}) {
      EXPECT_THAT(problem(with(name, bad)), HasSubstr(name)) << bad;
    }
  }
  EXPECT_THAT(problem(with("createTime", "")), HasSubstr("is missing"));
  EXPECT_EQ(problem(with("expiresTime", R"("2026-11-18T11:06:40.123Z")")), "none");
  EXPECT_EQ(problem(with("expiresTime", R"("2026-11-25T11:06:40.123Z")")), "none");
  EXPECT_NE(problem(with("expiresTime", R"("2026-11-18T11:06:40.122Z")")), "none");
  EXPECT_NE(problem(with("expiresTime", R"("2026-11-25T11:06:40.124Z")")), "none");
}

TEST_F(Messages, WhatIsNoMessageIsRefused) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const std::string nested = "[[" + with("", "1") + "]]";
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("1"), std::string("\"x\""),
        std::string("[]"), std::string("{}"), std::string("[1]"), std::string("[null]"),
        std::string("not json"), std::string("[{}"), with("", "1") + with("", "1"), deep, nested,
        with("extra", std::string(50, '[') + std::string(50, ']')),
        with("username", "\"\xff\xfe\""), with("username", "\"\xed\xa0\x80\""),
        std::string("\0[]", 3)}) {
    EXPECT_NE(problem(bad), "none") << bad.substr(0, 200);
  }
  EXPECT_THAT(problem("[" + with("", "1") + "," + with("money", "-1") + "]"),
              HasSubstr("entry 1: \"money\""));
}

TEST_F(Messages, AMessageHasAtMost256Entries) {
  std::string body = "[" + with("", "1");
  for (std::size_t i = 1; i < kMaxGrabsPerMessage; ++i)
    body += "," + with("", "1");
  EXPECT_EQ(problem(body + "]"), "none");
  EXPECT_THAT(problem(body + "," + with("", "1") + "]"), HasSubstr("257 entries"));
}

TEST_F(Messages, ATimerNamesOrdersAndTheLatestDeadline) {
  std::vector<store::Reservation> orders = {grab(5), grab(6)};
  orders[0].expires_at = kNow + Span{9};
  orders[1].expires_at = kNow + Span{7};
  const auto timer = parse_timer(to_message(orders, *catalog_));
  ASSERT_TRUE(timer);
  EXPECT_THAT(timer->orders, ElementsAre(OrderId{5}, OrderId{6}));
  EXPECT_EQ(timer->due, kNow + Span{9});
  const auto single =
      parse_timer(R"({"orderId":"No5","expiresTime":"2026-11-18T11:06:40.123Z","goodsId":[]})");
  ASSERT_TRUE(single) << "nothing else counts";
  EXPECT_EQ(single->due, kNow);
  for (const char* bad :
       {"", "[]", "{}", R"({"orderId":"No5"})", R"({"orderId":"No5","expiresTime":5})",
        R"([{"orderId":5,"expiresTime":"2026-11-18T11:06:40.123Z"}])"}) {
    EXPECT_FALSE(parse_timer(bad)) << bad;
  }
}

}  // namespace
}  // namespace sluice::cluster
