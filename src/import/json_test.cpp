// Sales and rows as JSON, and JSON that is meant to hurt.
#include "import/json.h"

#include <gmock/gmock.h>

#include "import/json_tree.h"
#include "import/recording_sink.h"

namespace sluice::importing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RecordingSink read(const std::string& text) {
  RecordingSink sink;
  const auto done = read_json(text, sink);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return sink;
}

std::string failure(const std::string& text) {
  RecordingSink sink;
  const auto done = read_json(text, sink);
  return done ? "" : done.error().message;
}

TEST(Json, ReadsASaleInTheShapeOfTheApi) {
  const auto sink = read(R"({
  "title": "秒杀", "starts_at": "2026-11-22T10:00:00Z", "ends_at": "2026-11-22T12:00:00Z",
  "hold_seconds": 900,
  "items": [
    {"id": "a", "title": "A", "price": 1999, "currency": "CNY", "stock": 10},
    {"title": "B", "price": 1, "stock": 2, "per_user_limit": 3}
  ]
})");
  ASSERT_EQ(sink.sales.size(), 1U);
  const ListedSale& sale = sink.sales[0];
  EXPECT_EQ(sale.title, "秒杀");
  EXPECT_EQ(sale.hold_seconds, "900");
  ASSERT_EQ(sale.items.size(), 2U);
  EXPECT_EQ(sale.items[0].line, 5U);
  EXPECT_EQ(sale.items[0].price, "1999");
  EXPECT_EQ(sale.items[1].id, std::nullopt);
  EXPECT_EQ(sale.items[1].per_user_limit, "3");
  EXPECT_TRUE(sink.notes.empty());
}

TEST(Json, ReadsListsOfSalesAndAnswersOfTheServer) {
  EXPECT_EQ(read(R"([{"items":[]},{"items":[]}])").sales.size(), 2U);
  const auto sink = read(
      R"({"now":"x","sales":[{"id":"s","phase":"open","items":[{"id":"a","sold_out":false}]}]})");
  ASSERT_EQ(sink.sales.size(), 1U);
  EXPECT_TRUE(sink.notes.empty());
}

TEST(Json, ReadsRowsAndKeepsNumbersAsWritten) {
  const auto sink = read(
      "\xEF\xBB\xBF[\n{\"id\": 7, \"cost_price\": 0.10, \"status\": \"1\",\n"
      "\"big\": 123456789012345678901234567890.00, \"e\": 1E2, \"t\": true, "
      "\"n\": null}\n]");
  EXPECT_THAT(sink.names, ElementsAre("id", "cost_price", "status", "big", "e", "t", "n"));
  ASSERT_EQ(sink.rows.size(), 1U);
  EXPECT_EQ(sink.rows[0].line, 2U);
  EXPECT_THAT(sink.rows[0].cells, ElementsAre(Cell("7"), Cell("0.10"), Cell("1"),
                                              Cell("123456789012345678901234567890.00"),
                                              Cell("1E2"), Cell("true"), Cell()));
}

TEST(Json, NamesTheNearestMember) {
  const auto sink = read(R"({"titel":"x","items":[{"stok":1}]})");
  ASSERT_EQ(sink.notes.size(), 2U);
  EXPECT_THAT(sink.notes[0].text, HasSubstr("did you mean title?"));
  EXPECT_THAT(sink.notes[1].text, HasSubstr("did you mean stock?"));
}

TEST(Json, LeavesOutWhatHasTheWrongShape) {
  const auto sink = read(R"([1, "x", null, [], {"items": 5}, {"items": [1, []]}])");
  EXPECT_EQ(sink.bad_rows.size(), 7U);
  EXPECT_EQ(sink.sales.size(), 1U);
}

TEST(Json, RefusesWhatIsNoJsonWithTheLine) {
  EXPECT_THAT(failure("{\"a\": 1,\n\"b\": }"), HasSubstr("line 2"));
  EXPECT_THAT(failure("[1,\n2"), HasSubstr("not valid JSON"));
  EXPECT_THAT(failure("[] x"), HasSubstr("not valid JSON"));
  EXPECT_THAT(failure("[]\n[]"), HasSubstr("line 2"));
  EXPECT_NE(failure(""), "");
  EXPECT_NE(failure("[\"\xFF\"]"), "");
  EXPECT_NE(failure("[\"\xED\xA0\x80\"]"), "");
  EXPECT_NE(failure(std::string("[1") + '\0' + "]"), "");
  EXPECT_NE(failure("[\"open"), "");
  EXPECT_NE(failure("[NaN]"), "");
  EXPECT_NE(failure("[01]"), "");
  EXPECT_NE(failure("// no comments\n[]"), "");
  EXPECT_THAT(failure("5"), HasSubstr("neither an object nor an array"));
}

TEST(Json, RefusesAMemberThatIsThereTwice) {
  EXPECT_THAT(failure("[{\"id\":1,\n\"id\":2}]"), HasSubstr("line 2: the member \"id\""));
}

TEST(Json, RefusesDepthAndCountsAboveTheBounds) {
  EXPECT_NE(failure(std::string(1'000'000, '[')), "");
  EXPECT_NE(failure(std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']')), "");
  std::string many = "[0";
  for (std::size_t i = 0; i < kMaxJsonNodes; ++i)
    many += ",0";
  EXPECT_THAT(failure(many + "]"), HasSubstr("more than"));
  EXPECT_NE(failure("[\"" + std::string(kMaxCellBytes + 1, 'x') + "\"]"), "");
  EXPECT_NE(failure("[" + std::string(kMaxCellBytes + 1, '1') + "]"), "");
}

TEST(Json, SurvivesBeingCutAnywhere) {
  const std::string text = R"([{"a":"é\u00e9\"","b":-1.5e3,"c":[true,null]}])";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(failure(text.substr(0, size)), "") << size;
  }
  EXPECT_EQ(failure(text), "");
}

}  // namespace
}  // namespace sluice::importing
