// What can be sold and what cannot, rule by rule, and how rows become sales.
#include "import/plan.h"

#include <gmock/gmock.h>

#include "import/read.h"
#include "import/sql.h"
#include "sale/catalog.h"

namespace sluice::importing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Instant at(const char* text) {
  return *parse_rfc3339(text);
}

PlanOptions options() {
  PlanOptions options;
  options.now = at("2026-11-22T08:00:00Z");
  return options;
}

Plan plan_of(const std::string& text, Format format, const PlanOptions& with = options()) {
  Planner planner(with);
  const auto read = read_source(text, format, kDefaultTable, planner);
  EXPECT_TRUE(read) << (read ? "" : read.error().message);
  return planner.finish();
}

constexpr const char* kHeader = "id,title,price,list_price,stock,starts_at,ends_at\n";
constexpr const char* kWindow = "2026-12-01 10:00:00,2026-12-01 12:00:00\n";

Plan plan_of_row(const std::string& cells, const PlanOptions& with = options()) {
  return plan_of(kHeader + cells + "," + kWindow, Format::csv, with);
}

/// Why the one row of a file is left out; empty: it is not.
std::string reason(const std::string& cells) {
  const Plan plan = plan_of_row(cells);
  EXPECT_EQ(plan.rows, 1U);
  EXPECT_EQ(plan.left_out.size() + plan.sales.size(), 1U);
  return plan.left_out.empty() ? "" : plan.left_out[0].text;
}

TEST(Plan, TakesAGoodRowAsItIs) {
  const Plan plan = plan_of_row("17,Kettle,19.99,29.90,40");
  ASSERT_THAT(plan.sales, SizeIs(1));
  const PlannedSale& sale = plan.sales[0];
  EXPECT_EQ(sale.id, "sale-20261201T020000Z-20261201T040000Z");
  EXPECT_EQ(sale.title, "Flash sale 2026-12-01 10:00");
  EXPECT_EQ(sale.starts_at, at("2026-12-01T02:00:00Z"));  // local times are UTC+8 by default
  EXPECT_EQ(sale.ends_at, at("2026-12-01T04:00:00Z"));
  EXPECT_EQ(sale.hold, Span::seconds(1800));
  ASSERT_THAT(sale.items, SizeIs(1));
  const sale::ItemDraft& draft = sale.items[0].draft;
  EXPECT_EQ(draft.id, "17");
  EXPECT_EQ(draft.title, "Kettle");
  EXPECT_EQ(draft.price, Money{1999});
  EXPECT_EQ(draft.list_price, Money{2990});
  EXPECT_EQ(draft.stock, Quantity{40});
  EXPECT_EQ(draft.per_user_limit, Quantity{1});
  EXPECT_EQ(draft.currency.code(), "CNY");
}

TEST(Plan, LeavesOutRowsWithAReason) {
  EXPECT_EQ(reason("17,Kettle,19.99,,40"), "");
  EXPECT_THAT(reason(",Kettle,19.99,,40"), HasSubstr("no id"));
  EXPECT_THAT(reason("a b,Kettle,19.99,,40"), HasSubstr("the id is not"));
  EXPECT_THAT(reason("../x,Kettle,19.99,,40"), HasSubstr("the id is not"));
  EXPECT_THAT(reason("17,,19.99,,40"), HasSubstr("no title"));
  EXPECT_THAT(reason("17," + std::string(sale::kMaxTitleBytes + 1, 'x') + ",19.99,,40"),
              HasSubstr("above the limit of 512"));
  EXPECT_THAT(reason("17,\xC3\x28,19.99,,40"), HasSubstr("not UTF-8"));
  EXPECT_THAT(reason("17,Kettle,,,40"), HasSubstr("bad price: there is none"));
  EXPECT_THAT(reason("17,Kettle,0.00,,40"), HasSubstr("bad price: it is zero"));
  EXPECT_THAT(reason("17,Kettle,-1,,40"), HasSubstr("bad price"));
  EXPECT_THAT(reason("17,Kettle,1e3,,40"), HasSubstr("bad price"));
  EXPECT_THAT(reason("17,Kettle,0.001,,40"), HasSubstr("bad price"));
  EXPECT_THAT(reason("17,Kettle,99999999999999999999,,40"), HasSubstr("bad price"));
  EXPECT_THAT(reason("17,Kettle,19.99,x,40"), HasSubstr("bad list price"));
  EXPECT_THAT(reason("17,Kettle,19.99,,0"), HasSubstr("no stock"));
  EXPECT_THAT(reason("17,Kettle,19.99,,"), HasSubstr("the stock"));
  EXPECT_THAT(reason("17,Kettle,19.99,,-1"), HasSubstr("the stock"));
  EXPECT_THAT(reason("17,Kettle,19.99,,1.5"), HasSubstr("the stock"));
  EXPECT_THAT(reason("17,Kettle,19.99,,9223372036854775808"), HasSubstr("the stock"));
}

TEST(Plan, NamesEveryReasonOfARow) {
  EXPECT_EQ(reason(",,0,,0"), "no title; no id; bad price: it is zero; no stock");
}

TEST(Plan, ConvertsDecimalsExactly) {
  const Plan plan = plan_of_row("17,Kettle,0.29,1234567.89,1");
  ASSERT_THAT(plan.sales, SizeIs(1));
  EXPECT_EQ(plan.sales[0].items[0].draft.price.minor, 29);
  EXPECT_EQ(plan.sales[0].items[0].draft.list_price.minor, 123456789);
}

TEST(Plan, LeavesOutImageAddressesThatABrowserWouldTakeElsewhere) {
  const auto with = [](const std::string& image) {
    const Plan plan = plan_of("id,title,image_url,price,stock,starts_at,ends_at\n1,A," + image +
                                  ",1,1,2026-12-01 10:00:00,2026-12-01 12:00:00\n",
                              Format::csv);
    return plan.left_out.empty() ? "" : plan.left_out[0].text;
  };
  for (const std::string image : {"", "/a.jpg", "http://x/a.jpg", "https://x/a.jpg"})
    EXPECT_EQ(with(image), "") << image;
  for (const std::string image : {"a.jpg", "//x/a.jpg", "/\\x/a.jpg", "javascript:alert(1)"})
    EXPECT_THAT(with(image), HasSubstr("the image address does not start with")) << image;
}

TEST(Plan, LeavesOutBadWindows) {
  const auto window = [](const std::string& start, const std::string& end) {
    const Plan plan =
        plan_of(std::string(kHeader) + "17,Kettle,1,,1," + start + "," + end + "\n", Format::csv);
    return plan.left_out.empty() ? "" : plan.left_out[0].text;
  };
  EXPECT_EQ(window("2026-12-01 10:00:00", "2026-12-01T12:00:00+08:00"), "");
  EXPECT_THAT(window("", "2026-12-01 12:00:00"), HasSubstr("no start"));
  EXPECT_THAT(window("2026-12-01 12:00:00", ""), HasSubstr("no end"));
  EXPECT_THAT(window("soon", "2026-12-01 12:00:00"), HasSubstr("is not a time"));
  EXPECT_THAT(window("2026-13-01 12:00:00", "2026-12-01 12:00:00"), HasSubstr("is not a time"));
  EXPECT_THAT(window("2026-12-01 12:00:00", "2026-12-01 12:00:00"), HasSubstr("not after"));
  EXPECT_THAT(window("0000-00-00 00:00:00", "2026-12-01 12:00:00"), HasSubstr("is not a time"));
  EXPECT_THAT(window("2017-10-10 00:00:00", "2017-11-11 23:59:59"),
              HasSubstr("it ended at 2017-11-11T15:59:59.000Z"));
}

TEST(Plan, MovesWindows) {
  PlanOptions moved = options();
  moved.starts_at = at("2026-11-22T09:00:00Z");
  moved.duration = Span::seconds(7200);
  const std::string rows = std::string(kHeader) + "1,A,1,,1,2017-1-1 00:00:00,2017-12-1 0:00:00\n" +
                           "2,B,1,,1,,\n3,C,1,,1,never,never\n";
  const Plan plan = plan_of(rows, Format::csv, moved);
  ASSERT_THAT(plan.sales, SizeIs(1));
  EXPECT_THAT(plan.sales[0].items, SizeIs(3));
  EXPECT_EQ(plan.sales[0].ends_at, at("2026-11-22T11:00:00Z"));

  moved.duration.reset();  // each window keeps its own length
  const Plan kept = plan_of(rows, Format::csv, moved);
  ASSERT_THAT(kept.sales, SizeIs(1));
  EXPECT_EQ(kept.sales[0].starts_at, *moved.starts_at);
  EXPECT_EQ(kept.sales[0].ends_at, *moved.starts_at + Span::seconds(334 * 86'400));
  EXPECT_THAT(kept.left_out, SizeIs(2));
}

TEST(Plan, MakesOneSaleOfEachWindow) {
  std::string text = kHeader;
  text += "1,A,1,,1,2026-12-01 10:00:00,2026-12-01 12:00:00\n";
  text += "2,B,1,,1,2026-12-01 10:00:00,2026-12-01 13:00:00\n";
  text += "3,C,1,,1,2026-12-01T02:00:00Z,2026-12-01 12:00:00\n";
  const Plan plan = plan_of(text, Format::csv);
  ASSERT_THAT(plan.sales, SizeIs(2));
  EXPECT_THAT(plan.sales[0].items, SizeIs(2));
  EXPECT_NE(plan.sales[0].id, plan.sales[1].id);
  EXPECT_TRUE(valid_catalog_id(plan.sales[0].id));
}

TEST(Plan, SplitsASaleThatIsTooLarge) {
  std::string text = kHeader;
  for (std::size_t i = 0; i <= sale::kMaxItemsPerSale; ++i) {
    text += std::to_string(i) + ",A,1,,1," + kWindow;
  }
  const Plan plan = plan_of(text, Format::csv);
  ASSERT_THAT(plan.sales, SizeIs(2));
  EXPECT_THAT(plan.sales[0].items, SizeIs(sale::kMaxItemsPerSale));
  EXPECT_EQ(plan.sales[1].id, plan.sales[0].id + "-2");
}

TEST(Plan, LeavesOutIdsThatAreThereBefore) {
  const std::string row = std::string("7,A,1,,1,") + kWindow;
  const Plan plan = plan_of(kHeader + row + row, Format::csv);
  ASSERT_THAT(plan.left_out, SizeIs(1));
  EXPECT_EQ(plan.left_out[0].line, 3U);
  EXPECT_THAT(plan.left_out[0].text, HasSubstr("on line 2"));
}

TEST(Plan, KnowsTheColumnsOfTheTutorial) {
  const Plan plan = plan_of(
      "ID,GOODS_ID,title,small_pic,price,cost_price,status,start_time,end_time,num,stock_count,"
      "introduction,per_user_limit,currency\n"
      "1,9,A,http://x/a.jpg,100.00,0.01,1,2026-12-01 10:00:00,2026-12-01 12:00:00,10,5,\"two\n"
      "lines\",2,USD\n"
      "2,9,B,,100.00,0.01,0,2026-12-01 10:00:00,2026-12-01 12:00:00,10,5,,,\n",
      Format::csv);
  ASSERT_THAT(plan.sales, SizeIs(1));
  const sale::ItemDraft& draft = plan.sales[0].items[0].draft;
  EXPECT_EQ(draft.price, Money{1});
  EXPECT_EQ(draft.list_price, Money{10000});
  EXPECT_EQ(draft.stock, Quantity{5});
  EXPECT_EQ(draft.image_url, "http://x/a.jpg");
  EXPECT_EQ(draft.description, "two lines");
  EXPECT_EQ(draft.per_user_limit, Quantity{2});
  EXPECT_EQ(draft.currency.code(), "USD");
  EXPECT_THAT(plan.notes, IsEmpty());
  ASSERT_THAT(plan.left_out, SizeIs(1));
  EXPECT_EQ(plan.left_out[0].line, 4U);
  EXPECT_THAT(plan.left_out[0].text, HasSubstr("not approved (status \"0\""));
}

TEST(Plan, MentionsColumnsItDoesNotKnow) {
  const Plan plan = plan_of("id,titel,colour,stock,stock_count\n", Format::csv);
  ASSERT_THAT(plan.notes, SizeIs(3));
  EXPECT_THAT(plan.notes[0].text, HasSubstr("did you mean title?"));
  EXPECT_THAT(plan.notes[1].text, HasSubstr("\"colour\" is not known"));
  EXPECT_THAT(plan.notes[2].text, HasSubstr("says what a column before it says"));
}

TEST(Plan, TakesSalesInTheShapeOfTheApi) {
  const std::string sale =
      R"({"title":"S","starts_at":"2026-12-01T00:00:00Z","ends_at":"2026-12-01T01:00:00Z",)"
      R"("hold_seconds":60,"items":[{"title":"A","price":1999,"stock":1},)"
      R"({"id":"b","title":"B","price":19.99,"stock":1},{"title":"A","price":1,"stock":1}]})";
  const Plan plan = plan_of("[" + sale + "]", Format::json);
  ASSERT_THAT(plan.sales, SizeIs(1));
  EXPECT_EQ(plan.sales[0].title, "S");
  EXPECT_EQ(plan.sales[0].hold, Span::seconds(60));
  ASSERT_THAT(plan.sales[0].items, SizeIs(1));
  EXPECT_EQ(plan.sales[0].items[0].draft.price, Money{1999});
  // The made-up id is the same each time, or a second import would sell everything twice.
  EXPECT_EQ(plan.sales[0].items[0].draft.id, "item-af63fc4c860222ec");
  ASSERT_THAT(plan.left_out, SizeIs(2));
  EXPECT_THAT(plan.left_out[0].text, HasSubstr("minor units"));
  EXPECT_THAT(plan.left_out[1].text, HasSubstr("duplicate id"));
}

TEST(Plan, LeavesOutTheItemsOfABadSale) {
  const Plan plan =
      plan_of(R"([{"id":"a b","title":"S","starts_at":"2026-12-01T00:00:00Z","ends_at":"x",)"
              R"("hold_seconds":0,"items":[{"title":"A","price":1,"stock":1}]}])",
              Format::json);
  EXPECT_THAT(plan.sales, IsEmpty());
  ASSERT_THAT(plan.left_out, SizeIs(1));
  EXPECT_THAT(plan.left_out[0].text, HasSubstr("the end \"x\" is not a time"));
  EXPECT_THAT(plan.left_out[0].text, HasSubstr("hold_seconds"));
  EXPECT_THAT(plan.left_out[0].text, HasSubstr("the id of the sale"));
}

TEST(Plan, KeepsABoundedNumberOfNotices) {
  std::string text = "id\n";
  for (std::size_t i = 0; i < kMaxNotices + 5; ++i)
    text += "x\n";
  const Plan plan = plan_of(text, Format::csv);
  EXPECT_THAT(plan.left_out, SizeIs(kMaxNotices));
  EXPECT_EQ(plan.left_out_count, kMaxNotices + 5);
}

TEST(Plan, ReadsStartsAndOffsets) {
  const Instant now{1'000'123};
  EXPECT_EQ(parse_start("now", now, {})->ms, 1'000'000);
  EXPECT_EQ(*parse_start("2026-11-22T10:00:00Z", now, {}), at("2026-11-22T10:00:00Z"));
  EXPECT_EQ(*parse_start("2026-11-22 18:00:00", now, Span::seconds(28'800)),
            at("2026-11-22T10:00:00Z"));
  EXPECT_FALSE(parse_start("tomorrow", now, {}));
  EXPECT_EQ(parse_utc_offset("+08:00")->ms, 28'800'000);
  EXPECT_EQ(parse_utc_offset("-03:30")->ms, -12'600'000);
  EXPECT_EQ(parse_utc_offset("Z")->ms, 0);
  for (const char* bad : {"", "8", "+8:00", "+0800", "+15:00", "+08:60", "+08:0x", " +08:00"}) {
    EXPECT_FALSE(parse_utc_offset(bad)) << bad;
  }
}

TEST(Plan, TellsFormats) {
  EXPECT_EQ(detect_format("a.csv", "[]"), Format::csv);
  EXPECT_EQ(detect_format("a.json", ""), Format::json);
  EXPECT_EQ(detect_format("dump", "-- MySQL dump"), Format::sql);
  EXPECT_EQ(detect_format("x.txt", " \n{"), Format::json);
  EXPECT_EQ(detect_format("x", "id,title"), Format::csv);
  Planner planner(options());
  EXPECT_FALSE(read_source("\xFF\xFEi", Format::csv, kDefaultTable, planner));
  EXPECT_FALSE(read_file("/nonexistent/file"));
  EXPECT_FALSE(read_file("/"));
}

}  // namespace
}  // namespace sluice::importing
