// RFC 4180 as written, and text that only looks like it.
#include "import/csv.h"

#include <gmock/gmock.h>

#include "import/recording_sink.h"

namespace sluice::importing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Cell> cells(std::initializer_list<const char*> texts) {
  return {texts.begin(), texts.end()};
}

TEST(Csv, ReadsTheGrammarOfTheStandard) {
  RecordingSink sink;
  ASSERT_TRUE(
      read_csv("\xEF\xBB\xBFid,title,note\r\n"
               "1,\"a \"\"quoted\"\" word\",\r\n"
               "2,\"two\r\nlines, and a comma\",x\r\n"
               "\r\n"
               "3,last without end,y",
               sink));
  EXPECT_THAT(sink.names, ElementsAre("id", "title", "note"));
  ASSERT_EQ(sink.rows.size(), 3U);
  EXPECT_EQ(sink.rows[0].cells, cells({"1", "a \"quoted\" word", ""}));
  EXPECT_EQ(sink.rows[0].line, 2U);
  EXPECT_EQ(sink.rows[1].cells, cells({"2", "two\r\nlines, and a comma", "x"}));
  EXPECT_EQ(sink.rows[1].line, 3U);
  EXPECT_EQ(sink.rows[2].cells, cells({"3", "last without end", "y"}));
  EXPECT_EQ(sink.rows[2].line, 6U);
  EXPECT_TRUE(sink.bad_rows.empty());
}

TEST(Csv, EndsRowsAtLineFeedsToo) {
  RecordingSink sink;
  ASSERT_TRUE(read_csv("a,b\n1,2\n3,\n", sink));
  ASSERT_EQ(sink.rows.size(), 2U);
  EXPECT_EQ(sink.rows[1].cells, cells({"3", ""}));
}

TEST(Csv, LeavesOutRowsOfAnotherWidth) {
  RecordingSink sink;
  ASSERT_TRUE(read_csv("a,b\n1\n1,2,3\n1,2\n", sink));
  EXPECT_EQ(sink.rows.size(), 1U);
  ASSERT_EQ(sink.bad_rows.size(), 2U);
  EXPECT_EQ(sink.bad_rows[0].line, 2U);
  EXPECT_THAT(sink.bad_rows[0].text, HasSubstr("1 cells where the header has 2"));
  EXPECT_THAT(sink.bad_rows[1].text, HasSubstr("3 cells"));
}

TEST(Csv, LeavesOutRowsWithStrayQuotesOrNul) {
  RecordingSink sink;
  ASSERT_TRUE(read_csv(std::string("a,b\nx\"y,1\n\"x\"y,2\nx") + '\0' + ",3\nok,4\n", sink));
  ASSERT_EQ(sink.rows.size(), 1U);
  EXPECT_EQ(sink.rows[0].cells, cells({"ok", "4"}));
  ASSERT_EQ(sink.bad_rows.size(), 3U);
  EXPECT_THAT(sink.bad_rows[0].text, HasSubstr("inside an unquoted cell"));
  EXPECT_THAT(sink.bad_rows[1].text, HasSubstr("follows the closing quote"));
  EXPECT_THAT(sink.bad_rows[2].text, HasSubstr("NUL"));
}

TEST(Csv, RefusesAnUnclosedQuoteWithItsLine) {
  RecordingSink sink;
  const auto read = read_csv("a,b\n1,2\n3,\"open\n4,5\n", sink);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("line 3"));
}

TEST(Csv, RefusesAFileWithoutHeader) {
  RecordingSink sink;
  EXPECT_FALSE(read_csv("", sink));
  EXPECT_FALSE(read_csv("\n\n\n", sink));
}

TEST(Csv, RefusesCellsAndWidthsAboveTheBounds) {
  RecordingSink sink;
  const std::string huge(kMaxCellBytes + 1, 'x');
  EXPECT_FALSE(read_csv("a\n" + huge + "\n", sink));
  EXPECT_FALSE(read_csv("a\n\"" + huge + "\"\n", sink));
  EXPECT_TRUE(read_csv("a\n" + huge.substr(1) + "\n", sink));
  EXPECT_FALSE(read_csv(std::string(kMaxColumns, ',') + "\n", sink));
  EXPECT_TRUE(read_csv(std::string(kMaxColumns - 1, ',') + "\n", sink));
}

TEST(Csv, RefusesMoreRowsThanTheBound) {
  struct Counting final : Sink {
    std::size_t rows = 0;
    void columns(Line, const std::vector<std::string>&) override {}
    void row(Line, std::vector<Cell>&) override { ++rows; }
    void sale(ListedSale&&) override {}
    void left_out(Line, std::string) override {}
    void note(Line, std::string) override {}
  } sink;
  std::string text = "a\n";
  for (std::size_t i = 0; i < kMaxRows; ++i)
    text += "1\n";
  EXPECT_TRUE(read_csv(text, sink));
  EXPECT_EQ(sink.rows, kMaxRows);
  EXPECT_FALSE(read_csv(text + "1\n", sink));
}

/// Every prefix of a file is either read or refused; nothing reads beyond its end.
TEST(Csv, SurvivesBeingCutAnywhere) {
  const std::string text = "id,t\r\n1,\"a\"\"b\"\r\n2,\"c\nd\"\r\n,\"\"\r\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    RecordingSink sink;
    const std::string prefix = text.substr(0, size);
    const auto read = read_csv(prefix, sink);
    EXPECT_LE(sink.rows.size(), 3U) << size << (read ? "" : read.error().message);
  }
}

}  // namespace
}  // namespace sluice::importing
