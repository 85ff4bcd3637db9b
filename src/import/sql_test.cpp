// Dumps as MySQL, MariaDB and editors write them, and damaged ones.
#include "import/sql.h"

#include <gmock/gmock.h>

#include "import/recording_sink.h"

namespace sluice::importing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kTable = "tb_seckill_goods";

std::string with_table(const std::string& rest) {
  return "CREATE TABLE `tb_seckill_goods` (\n"
         "  `id` bigint(20) NOT NULL AUTO_INCREMENT COMMENT 'a, b) `c`',\n"
         "  price decimal(10,2) DEFAULT '0.00',\n"
         "  `key` varchar(9) DEFAULT NULL,\n"
         "  PRIMARY KEY (`id`),\n"
         "  KEY `k` (`price`,`key`),\n"
         "  CONSTRAINT `c` FOREIGN KEY (`id`) REFERENCES `o` (`id`)\n"
         ") ENGINE=InnoDB;\n" +
         rest;
}

RecordingSink read(const std::string& text) {
  RecordingSink sink;
  const auto done = read_sql(text, kTable, sink);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return sink;
}

std::string failure(const std::string& text) {
  RecordingSink sink;
  const auto done = read_sql(text, kTable, sink);
  return done ? "" : done.error().message;
}

std::vector<Cell> row(std::initializer_list<Cell> cells) {
  return cells;
}

TEST(Sql, TakesColumnsFromCreateTable) {
  const auto sink = read(with_table("INSERT INTO `tb_seckill_goods` VALUES (1,19.99,'x');"));
  EXPECT_THAT(sink.names, ElementsAre("id", "price", "key"));
  ASSERT_EQ(sink.rows.size(), 1U);
  EXPECT_EQ(sink.rows[0].cells, row({"1", "19.99", "x"}));
}

TEST(Sql, TakesColumnsFromTheStatement) {
  const auto sink = read(
      "insert ignore into shop.TB_SECKILL_GOODS (`title`, id) values ('a', 1), ('b', 2);"
      "REPLACE INTO tb_seckill_goods (id) VALUE (3)");
  ASSERT_EQ(sink.rows.size(), 3U);
  EXPECT_EQ(sink.rows[1].cells, row({"b", "2"}));
  EXPECT_THAT(sink.names, ElementsAre("id"));
}

TEST(Sql, DecodesEveryEscape) {
  const auto sink = read(
      "INSERT INTO tb_seckill_goods (a,b,c,d) VALUES "
      "('it''s \\'so\\'', \"say \"\"hi\"\" \\\"x\\\"\", 'a\\nb\\tc\\\\d\\%e\\_f\\Zg\\q', "
      "_utf8mb4'\xE7\xA7\x92');");
  ASSERT_EQ(sink.rows.size(), 1U);
  EXPECT_EQ(sink.rows[0].cells,
            row({"it's 'so'", "say \"hi\" \"x\"", "a\nb\tc\\d\\%e\\_f\x1Agq", "\xE7\xA7\x92"}));
}

TEST(Sql, ReadsNullNumbersAndBooleans) {
  const auto sink =
      read("INSERT INTO tb_seckill_goods (a,b,c,d,e,f) VALUES (NULL,null,-5,+2.50,TRUE,'0.01');");
  ASSERT_EQ(sink.rows.size(), 1U);
  EXPECT_EQ(sink.rows[0].cells, row({std::nullopt, std::nullopt, "-5", "2.50", "1", "0.01"}));
}

TEST(Sql, SkipsCommentsAndOtherStatements) {
  const auto sink = read(
      "-- INSERT INTO tb_seckill_goods (a) VALUES (1);\n"
      "--\n"
      "# INSERT INTO tb_seckill_goods (a) VALUES (2);\n"
      "/*!40101 SET NAMES utf8 */;\n"
      "/* INSERT INTO\n tb_seckill_goods (a) VALUES (3); */\n"
      "LOCK TABLES `tb_seckill_goods` WRITE;\n"
      "SET @x = ';';\n"
      "INSERT INTO tb_seckill_goods (a) VALUES /* here */ (4) -- and here\n ;\n"
      "UNLOCK TABLES;");
  ASSERT_EQ(sink.rows.size(), 1U);
  EXPECT_EQ(sink.rows[0].cells, row({"4"}));
  EXPECT_EQ(sink.rows[0].line, 9U);
}

TEST(Sql, CountsLinesThroughStringsAndRows) {
  const auto sink = read("INSERT INTO tb_seckill_goods (a) VALUES ('x\ny'),\n('z\\\nw'),\n\n(5);");
  ASSERT_EQ(sink.rows.size(), 3U);
  EXPECT_EQ(sink.rows[0].line, 1U);
  EXPECT_EQ(sink.rows[1].line, 3U);
  EXPECT_EQ(sink.rows[2].line, 6U);
}

TEST(Sql, MentionsOtherTablesWithTheirRows) {
  const auto sink =
      read(with_table("INSERT INTO `tb_seckill_order` VALUES (1,'a;b'),(2,'(');\n"
                      "INSERT INTO tb_seckill_order VALUES (3,'c');\n"));
  EXPECT_TRUE(sink.rows.empty());
  ASSERT_EQ(sink.notes.size(), 2U);
  EXPECT_THAT(sink.notes[0].text, HasSubstr("\"tb_seckill_order\" is not read: 3 rows skipped"));
  EXPECT_THAT(sink.notes[1].text, HasSubstr("no rows of table"));
}

TEST(Sql, LeavesOutWhatIsNoPlainValue) {
  const auto sink = read(
      "INSERT INTO tb_seckill_goods (a,b) VALUES (1,NOW()),(2,1+1),(3,x'41'),(4,),(5,'a' 'b'),"
      "(6,'ok'),(7),(8,'a','b'),(9,-'5'),(10,@v),(11,(1)),(12,1e);");
  ASSERT_EQ(sink.rows.size(), 2U);
  EXPECT_EQ(sink.rows[0].cells, row({"6", "ok"}));
  EXPECT_EQ(sink.rows[1].cells, row({"12", "1e"}));
  EXPECT_EQ(sink.bad_rows.size(), 10U);
  EXPECT_THAT(sink.bad_rows[0].text, HasSubstr("value 2 is not a plain value"));
}

TEST(Sql, LeavesOutStatementsWithoutColumnsOrValues) {
  const auto sink = read(
      "INSERT INTO tb_seckill_goods VALUES (1);"
      "INSERT INTO tb_seckill_goods SET a = 1;"
      "INSERT INTO tb_seckill_goods (a) SELECT 1;");
  EXPECT_TRUE(sink.rows.empty());
  ASSERT_EQ(sink.bad_rows.size(), 3U);
  EXPECT_THAT(sink.bad_rows[0].text, HasSubstr("names no columns"));
  EXPECT_THAT(sink.bad_rows[1].text, HasSubstr("only INSERT … VALUES"));
}

TEST(Sql, RefusesDamagedDumpsWithTheLine) {
  EXPECT_THAT(failure("\nINSERT INTO tb_seckill_goods (a) VALUES ('x"), HasSubstr("line 2"));
  EXPECT_THAT(failure("INSERT INTO t VALUES ('x\\"), HasSubstr("string"));
  EXPECT_THAT(failure("\n\n/* open"), HasSubstr("comment that begins on line 3"));
  EXPECT_THAT(failure("INSERT INTO `t"), HasSubstr("name"));
  EXPECT_THAT(failure("INSERT INTO tb_seckill_goods (a) VALUES (1"), HasSubstr("no end"));
  EXPECT_THAT(failure("INSERT INTO tb_seckill_goods (a) VALUES (1;"), HasSubstr("no end"));
}

TEST(Sql, RefusesStringsAndColumnsAboveTheBounds) {
  const std::string huge(kMaxCellBytes + 1, 'x');
  EXPECT_THAT(failure("INSERT INTO tb_seckill_goods (a) VALUES ('" + huge + "');"),
              HasSubstr("above"));
  std::string columns = "c";
  for (std::size_t i = 0; i < kMaxColumns; ++i)
    columns += ",c";
  EXPECT_THAT(failure("INSERT INTO tb_seckill_goods (" + columns + ") VALUES (1);"),
              HasSubstr("columns"));
  // Values of tables that are skipped may be of any size: they are not kept.
  RecordingSink sink;
  EXPECT_TRUE(read_sql("INSERT INTO pictures VALUES ('" + huge + "');", kTable, sink));
  // A row of a million values costs no more than the columns it should have had.
  std::string wide = "INSERT INTO tb_seckill_goods (a) VALUES (1";
  for (std::size_t i = 0; i < 1'000'000; ++i)
    wide += ",1";
  EXPECT_TRUE(read_sql(wide + ");", kTable, sink));
  EXPECT_THAT(sink.bad_rows.back().text, HasSubstr("values for 1 columns"));
}

TEST(Sql, SurvivesNulAndParenthesesWithoutEnd) {
  EXPECT_EQ(failure(std::string("INSERT INTO tb_seckill_goods (a) VALUES (1) ") + '\0' + " ;"), "");
  EXPECT_NE(failure("INSERT INTO tb_seckill_goods (a) VALUES (" + std::string(100'000, '(')), "");
  EXPECT_EQ(failure("CREATE TABLE tb_seckill_goods (" + std::string(100'000, '(')), "");
  EXPECT_EQ(failure("CREATE TABLE tb_seckill_goods )))"), "");
  EXPECT_EQ(failure("INSERT"), "");
  EXPECT_EQ(failure("INSERT INTO a. ;;;; CREATE"), "");
}

TEST(Sql, SurvivesBeingCutAnywhere) {
  const std::string text = with_table(
      "INSERT INTO `tb_seckill_goods` (`id`) VALUES (-1,'a''b\\n',NULL),(x'00');"
      "/* c */ # d\n-- e\n");
  for (std::size_t size = 0; size <= text.size(); ++size) {
    RecordingSink sink;
    const std::string prefix = text.substr(0, size);
    const auto done = read_sql(prefix, kTable, sink);
    EXPECT_TRUE(sink.rows.empty()) << size << (done ? "" : done.error().message);
  }
}

}  // namespace
}  // namespace sluice::importing
