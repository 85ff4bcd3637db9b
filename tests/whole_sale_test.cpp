// A real sale from start to finish with the real commands: import, serve, a crowd, verify.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <boost/json.hpp>

#include "support/server_process.h"
#include "support/wire.h"

namespace sluice::test {
namespace {

/// Three goods that can be sold (7 units), one not approved, one without stock.
constexpr std::string_view kDump = R"(
CREATE TABLE `tb_seckill_goods` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `title` varchar(100) DEFAULT NULL,
  `price` decimal(10,2) DEFAULT NULL,
  `cost_price` decimal(10,2) DEFAULT NULL,
  `status` varchar(1) DEFAULT NULL,
  `start_time` datetime DEFAULT NULL,
  `end_time` datetime DEFAULT NULL,
  `num` int(11) DEFAULT NULL,
  `stock_count` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`)
);
INSERT INTO `tb_seckill_goods` VALUES
  (1,'茶壶',100.00,9.90,'1','2017-10-14 18:00:00','2017-10-14 20:00:00',10,4),
  (2,'Umbrella',30.00,0.01,'1','2017-10-14 18:00:00','2017-10-14 20:00:00',10,2),
  (3,'Lamp',80.00,40.00,'1','2017-10-14 18:00:00','2017-10-14 20:00:00',10,1),
  (4,'Unapproved',80.00,40.00,'0','2017-10-14 18:00:00','2017-10-14 20:00:00',10,1),
  (5,'Nothing left',80.00,40.00,'1','2017-10-14 18:00:00','2017-10-14 20:00:00',10,0);
)";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SaleTest : public testing::Test {
 protected:
  SaleTest() { std::ofstream(dump_) << kDump; }

  int import(const std::string& output) {
    return run_sluice({"import", dump_, "--starts-at", "now", "--duration", "2h", "--data", data_},
                      output);
  }

  TemporaryDirectory directory_;
  const std::string dump_ = directory_.path() + "/goods.sql";
  const std::string data_ = directory_.path() + "/data";
  const std::string output_ = directory_.path() + "/output.txt";
};

TEST_F(SaleTest, ACrowdBuysAnImportedSaleOutToTheLastUnit) {
  ASSERT_EQ(import(output_), 0) << read_file(output_);
  ServerProcess server(data_);
  const std::string report = directory_.path() + "/report.json";
  const std::string log = directory_.path() + "/rush.txt";
  EXPECT_EQ(
      run_sluice({"rush", "--data", data_, "--shoppers", "5000", "--rate", "10000", "--report-json",
                  report, "--report-html", directory_.path() + "/report.html"},
                 log),
      0)
      << read_file(log);
  EXPECT_NE(read_file(log).find("PASS"), std::string::npos) << read_file(log);
  for (const std::string item : {"1", "2", "3"}) {
    const auto answer = Wire(server.port()).request("GET", "/api/v1/items/" + item);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->member("available"), "0") << answer->body;
    EXPECT_EQ(answer->member("sold_out"), "true") << answer->body;
  }
  EXPECT_EQ(server.terminate(), 0);
  EXPECT_EQ(run_sluice({"verify", "--data", data_}, log), 0) << read_file(log);
}

TEST_F(SaleTest, ImportingTwiceChangesNothingWhetherTheServerRunsOrNot) {
  ASSERT_EQ(import(output_), 0) << read_file(output_);
  const auto catalog = [&](const ServerProcess& server) {
    const auto answer = Wire(server.port()).request("GET", "/api/v1/sales");
    auto parsed = boost::json::parse(answer.value().body);
    return boost::json::serialize(parsed.at("sales"));
  };
  std::string before;
  {
    ServerProcess server(data_);
    before = catalog(server);
    EXPECT_EQ(import(output_), 0) << read_file(output_);
    EXPECT_EQ(catalog(server), before);
    EXPECT_EQ(server.terminate(), 0);
  }
  EXPECT_EQ(import(output_), 0) << read_file(output_);
  const ServerProcess server(data_);
  EXPECT_EQ(catalog(server), before);
}

TEST_F(SaleTest, ImportIntoARunningServerIsOnSaleAtOnce) {
  const ServerProcess server(data_);
  ASSERT_EQ(import(output_), 0) << read_file(output_);
  const auto answer =
      Wire(server.port()).request("POST", "/api/v1/items/1/orders", server.token("alice"));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 201) << answer->body;
  EXPECT_EQ(answer->member("amount"), "990");
}

}  // namespace
}  // namespace sluice::test
