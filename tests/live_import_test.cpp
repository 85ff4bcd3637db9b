// `sluice import --from`: a live table of the tutorial's shape, good rows and hostile ones.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "import/live_table.h"
#include "import/recording_sink.h"
#include "support/mariadb_service.h"
#include "support/server_process.h"
#include "support/wire.h"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kGoods =
    "CREATE TABLE tb_seckill_goods ("
    "id bigint(20) NOT NULL AUTO_INCREMENT, goods_id bigint(20), item_id bigint(20), "
    "title varchar(100), small_pic varchar(150), price decimal(10,2), cost_price decimal(10,2), "
    "seller_id varchar(100), create_time datetime, check_time datetime, status varchar(1), "
    "start_time datetime, end_time datetime, num int(11), stock_count int(11), "
    "introduction varchar(2000), PRIMARY KEY (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8";

class LiveImportTest : public testing::Test {
 protected:
  struct Done {
    int status;
    std::string output;
  };
  /// Both outputs together.
  Done import_from(const std::string& url, std::vector<std::string> more = {}) {
    const std::string file = directory_.path() + "/output";
    std::filesystem::remove(file);
    std::vector<std::string> all{"import", "--from", url, "--data", directory_.path() + "/data"};
    all.insert(all.end(), more.begin(), more.end());
    const int status = run_sluice(all, file);
    std::ifstream in(file, std::ios::binary);
    return {status, {std::istreambuf_iterator<char>(in), {}}};
  }
  Done import(std::vector<std::string> more = {}) {
    return import_from(url_of(database_.address()), std::move(more));
  }
  std::string file(const std::string& name, const std::string& text) const {
    std::string path = directory_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  void add_goods() {
    database_.execute(kGoods);
    database_.execute(
        "INSERT INTO tb_seckill_goods VALUES "
        "(1, 149187842867960, NULL, '秒杀精品女装', 'http://img.example/1.jpg', 100.00, 0.01, "
        "'qiandu', "
        "NULL, NULL, '1', '2017-10-14 18:07:27', '2017-10-14 18:07:31', 10, 5, NULL),"
        "(2, 149187842867953, NULL, '轻轻奶茶', NULL, 10.00, 0.01, 'yijia', NULL, NULL, '1', "
        "'2017-10-12 18:24:18', '2017-10-28 18:24:20', 10, 5, '清仓打折'),"
        "(4, 2, NULL, '测试', NULL, 10.00, 0.01, 'qiandu', NULL, NULL, '0', "
        "'2017-11-11 00:00:00', '2017-11-11 23:59:59', 100, 99, NULL)");
  }

  TemporaryDirectory directory_;
  TestDatabase database_{MariadbService::shared()};
};

const std::vector<std::string> kNow = {"--starts-at", "now", "--duration", "2h"};

TEST_F(LiveImportTest, PutsTheTutorialsGoodsOnSaleAndRepeatsItself) {
  add_goods();
  auto dry = kNow;
  dry.emplace_back("--dry-run");
  const auto tried = import(dry);
  EXPECT_EQ(tried.status, 0);
  EXPECT_THAT(tried.output, AllOf(HasSubstr("3 rows, 2 can be sold, 1 left out"),
                                  HasSubstr("row 3: left out id \"4\" \"测试\": not approved"),
                                  HasSubstr("would open"), HasSubstr("nothing was changed")));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/data"));
  const auto done = import(kNow);
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output,
              AllOf(HasSubstr("opened in"),
                    HasSubstr("1  \"秒杀精品女装\"  0.01 CNY (list 100.00)  stock 5  limit 1"),
                    Not(HasSubstr(database_.address().password))));
  const auto again = import(kNow);
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.output, HasSubstr("already there"));
  EXPECT_EQ(run_sluice({"verify", "--data", directory_.path() + "/data"}), 0);
}

TEST_F(LiveImportTest, OwnWindowsCountWhereNoneIsGiven) {
  add_goods();
  const auto over = import();
  EXPECT_EQ(over.status, 0);
  EXPECT_THAT(over.output, AllOf(HasSubstr("3 rows, 0 can be sold"), HasSubstr("nothing to do")));
  database_.execute(
      "UPDATE tb_seckill_goods SET start_time='2097-01-01 08:00:00', "
      "end_time='2097-01-02 08:00:00' WHERE id=2");
  EXPECT_THAT(import().output, HasSubstr("2097-01-01T00:00:00.000Z to 2097-01-02T00:00:00.000Z"));
}

TEST_F(LiveImportTest, HostileRowsAreLeftOutOneByOne) {
  database_.execute(
      "CREATE TABLE odd (ID varchar(200), title longtext, cost_price varchar(50), price double, "
      "stock_count varchar(50), start_time varchar(50), end_time varchar(50), status char(1), "
      "surprise int) CHARSET=utf8mb4");
  // A server in another mode has let such things in.
  database_.execute(
      "INSERT INTO odd VALUES "
      "('01', 'bad money', '1e3', 1, '5', NULL, NULL, '1', 0),"
      "('02', 'too fine', '0.001', 1, '5', NULL, NULL, '1', 0),"
      "('03', 'negative', '-5', 1, '5', NULL, NULL, '1', 0),"
      "('04', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
      "('05', 'stock', '1', 1, '99999999999999999999', NULL, NULL, '1', 0),"
      "('../x', 'id', '1', 1, '5', NULL, NULL, '1', 0),"
      "('07', REPEAT('长', 400000), '1', 1, '5', NULL, NULL, '1', 0),"
      "('08', REPEAT('a', 2000), '1', 1, '5', NULL, NULL, '1', 0),"
      "('09', '\033[2Jclear', '1', 1, '5', NULL, NULL, '1', 0),"
      "('10', '😀 good', '12.30', 99.5, '5', NULL, NULL, '1', 0),"
      "('11', 'nul\\0byte', '1', 1, '5', NULL, NULL, '1', 0),"
      "(NULL, 'no id', '1', 1, '5', NULL, NULL, '1', 0)");
  auto flags = kNow;
  flags.insert(flags.end(), {"--table", "odd"});
  const auto done = import(flags);
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output, HasSubstr("12 rows, 3 can be sold, 9 left out"));
  EXPECT_THAT(done.output, HasSubstr("the column \"surprise\" is not known"));
  EXPECT_THAT(done.output, HasSubstr("1200000 bytes, the limit is 1048576"));
  EXPECT_THAT(done.output, HasSubstr("12.30 CNY (list 99.50)"));
  EXPECT_THAT(done.output, HasSubstr("\" [2Jclear\"")) << "control characters become blanks";
  EXPECT_THAT(done.output, Not(HasSubstr("\033")));
  flags = {"--table", "odd"};
  EXPECT_THAT(import(flags).output, HasSubstr("12 rows, 0 can be sold")) << "no windows";
  database_.execute("UPDATE odd SET start_time='2097-02-30 00:00:00', end_time='x' WHERE id='10'");
  EXPECT_THAT(import(flags).output, HasSubstr("12 rows, 0 can be sold")) << "bad dates";
}

TEST_F(LiveImportTest, ZeroDatesAndTimestampsAreReadAsTheyAre) {
  database_.execute("SET SESSION sql_mode=''");
  database_.execute(
      "CREATE TABLE t (id int, title text, price decimal(10,2), stock int, starts_at timestamp "
      "NULL, "
      "ends_at datetime)");
  database_.execute(
      "INSERT INTO t VALUES (1,'zero',1,1,'2030-01-01 00:00:00','0000-00-00'),"
      "(2,'utc',1,1,'2030-01-01 00:00:00','2030-01-02 00:00:00')");
  const auto done = import({"--table", "t", "--dry-run"});
  EXPECT_THAT(done.output, HasSubstr("2 rows, 1 can be sold"));
  // The timestamp is an instant (the fixture's session is in UTC), the datetime local time.
  EXPECT_THAT(done.output, HasSubstr("2030-01-01T00:00:00.000Z to 2030-01-01T16:00:00.000Z"));
}

TEST_F(LiveImportTest, WhatIsMissingIsNamedWithTheRemedy) {
  const auto empty = import();
  EXPECT_EQ(empty.status, 1);
  EXPECT_THAT(empty.output, AllOf(HasSubstr("there is no table \"tb_seckill_goods\""),
                                  HasSubstr("check the database name")));
  database_.execute("CREATE TABLE tb_goods (id int, title text, price int)");
  EXPECT_THAT(import().output, HasSubstr("there are \"tb_goods\"; name one with --table"));
  const auto short_one = import({"--table", "tb_goods"});
  EXPECT_EQ(short_one.status, 1);
  EXPECT_THAT(short_one.output,
              HasSubstr("has no column for a stock: stock_count or stock is needed"));
  const auto injected = import({"--table", "tb_goods`; DROP TABLE tb_goods; -- "});
  EXPECT_THAT(injected.output, HasSubstr("there is no table"));
  EXPECT_THAT(import().output, HasSubstr("tb_goods"));
  auto address = database_.address();
  address.database = "no_such_database";
  EXPECT_THAT(import_from(url_of(address)).output, HasSubstr("Unknown database"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/data"));
}

TEST_F(LiveImportTest, PasswordsComeByUrlFileOrEnvironment) {
  add_goods();
  auto address = database_.address();
  const std::string secret = file("secret", address.password + "\n");
  address.password = "wrong";
  const auto wrong = import_from(url_of(address));
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.output, AllOf(HasSubstr("Access denied"), HasSubstr("check user, password"),
                                  Not(HasSubstr("wrong@"))));
  const std::string url =
      "mysql://admin@127.0.0.1:" + std::to_string(address.port) + "/" + database_.name();
  EXPECT_EQ(import_from(url, {"--dry-run"}).status, 1) << "without a password";
  EXPECT_EQ(import_from(url, {"--dry-run", "--password-file", secret}).status, 0);
  EXPECT_EQ(import_from(url_of(address), {"--password-file", secret}).status, 2) << "two passwords";
  EXPECT_EQ(import_from(url, {"--password-file", "none"}).status, 2);
  setenv("SLUICE_IMPORT_PASSWORD", database_.address().password.c_str(), 1);
  EXPECT_EQ(import_from(url, {"--dry-run"}).status, 0);
  unsetenv("SLUICE_IMPORT_PASSWORD");
}

TEST_F(LiveImportTest, AMissingPrivilegeIsNamed) {
  add_goods();
  const std::string user = database_.name();
  database_.execute("CREATE TABLE mine (a INT)");
  database_.execute("CREATE USER '" + user + "'@'127.0.0.1' IDENTIFIED BY 'x'");
  database_.execute("GRANT SELECT ON " + database_.name() + ".mine TO '" + user + "'@'127.0.0.1'");
  const auto done =
      import_from("mysql://" + user + ":x@127.0.0.1:" + std::to_string(database_.address().port) +
                  "/" + database_.name());
  database_.execute("DROP USER '" + user + "'@'127.0.0.1'");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, HasSubstr("GRANT SELECT ON `" + database_.name() +
                                     "`.`tb_seckill_goods` TO the user"));
}

TEST_F(LiveImportTest, TlsIsAskedForAndNotGivenUp) {
  add_goods();
  const auto done = import_from(url_of(database_.address()) + "?tls=required", {"--dry-run"});
  EXPECT_EQ(done.status, 1) << "the server has none";
  EXPECT_THAT(done.output, HasSubstr("TLS"));
  EXPECT_EQ(import_from(url_of(database_.address()) + "?tls=maybe").status, 2);
}

/// Kills the connection that feeds it, in the middle of the table.
struct KillingSink final : importing::Sink {
  KillingSink(TestDatabase& database, std::uint64_t victim)
      : database_(database), victim_(victim) {}
  void columns(importing::Line, const std::vector<std::string>&) override {}
  void row(importing::Line line, std::vector<importing::Cell>&) override {
    if (line == 1) database_.execute("KILL " + std::to_string(victim_));
    ++rows;
  }
  void sale(importing::ListedSale&&) override {}
  void left_out(importing::Line, std::string) override {}
  void note(importing::Line, std::string) override {}
  std::size_t rows = 0;

 private:
  TestDatabase& database_;
  std::uint64_t victim_;
};

TEST_F(LiveImportTest, AConnectionLostInTheMiddleIsAnError) {
  add_goods();
  // More than fits into buffers on the way.
  database_.execute(
      "INSERT INTO tb_seckill_goods (title, introduction) "
      "SELECT 'x', REPEAT('y', 2000) FROM seq_1_to_100000");
  auto connection = mariadb::Connection::open(database_.address());
  ASSERT_TRUE(connection);
  KillingSink sink(database_, connection->id());
  const importing::LiveTable table{database_.address(), "tb_seckill_goods", Span{}};
  const auto done = importing::read_table(*connection, table, sink);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, AllOf(HasSubstr("was lost after"), HasSubstr("try again")));
  EXPECT_LT(sink.rows, 100'000U);
}

/// What a shopper sees of an item, once it is there.
std::optional<Answer> wait_for_item(std::uint16_t port, const std::string& item) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < until) {
    Wire wire(port);
    auto answer = wire.request("GET", "/api/v1/items/" + item);
    if (answer && answer->status == 200) return answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return std::nullopt;
}

TEST_F(LiveImportTest, AWatchedTableGoesOnSaleByItselfAndOnce) {
  add_goods();
  const auto set_window = [this](int id) {
    database_.execute(
        "UPDATE tb_seckill_goods SET start_time='2017-01-01', end_time='2097-01-02', "
        "status='1' WHERE id=" +
        std::to_string(id));
  };
  set_window(2);
  const std::string config = file(
      "watch.toml", "[goods_source]\nurl = \"" + url_of(database_.address()) +
                        "\"\nevery = \"1s\"\n[log]\nfile = \"" + directory_.path() + "/log\"\n");
  const std::string data = directory_.path() + "/data";
  const auto log = [this] {
    std::ifstream in(directory_.path() + "/log", std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  {
    const ServerProcess server(data, {"--config", config});
    const auto first = wait_for_item(server.port(), "2");
    ASSERT_TRUE(first);
    EXPECT_EQ(first->member("available"), "5");
    set_window(4);  // approved now
    EXPECT_TRUE(wait_for_item(server.port(), "4"));
    database_.execute("UPDATE tb_seckill_goods SET stock_count=50 WHERE id=2");
    database_.execute("RENAME TABLE tb_seckill_goods TO away");
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!log().contains("tried again") && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_THAT(log(), HasSubstr("tried again every 1 s"));
    database_.execute("RENAME TABLE away TO tb_seckill_goods");
    database_.execute("UPDATE tb_seckill_goods SET id=9, end_time='2097-01-03' WHERE id=1");
    EXPECT_TRUE(wait_for_item(server.port(), "9"));
    EXPECT_EQ(wait_for_item(server.port(), "2")->member("available"), "5")
        << "what is on sale is the shop's, whatever the table says";
  }
  const std::string told = log();
  EXPECT_THAT(told, HasSubstr("it works again"));
  const std::string left_out = "not approved";
  EXPECT_EQ(told.find(left_out), told.rfind(left_out)) << "a row is named once:\n" << told;
  EXPECT_THAT(told, Not(HasSubstr(database_.address().password)));
  EXPECT_EQ(run_sluice({"verify", "--data", data}), 0);
}

}  // namespace
}  // namespace sluice::test
