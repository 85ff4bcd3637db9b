// The format of the cluster's record: what the database itself refuses, the audit, migrations, and
// databases with other defaults.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "store/cluster_reader.h"
#include "support/cluster_world.h"

namespace sluice::store {
namespace {

using namespace test::cluster;  // NOLINT(google-build-using-namespace)
using mariadb::Failure;
using ::testing::HasSubstr;

TEST_F(ClusterRecordTest, TheDatabaseItselfRefusesWhatMustNotBe) {
  auto record = open();
  value(record->define(sale_of("s", 1, 10), kNow));
  value(record->grant(crowd(1, 2), kNow));
  auto& connection = database_.connection();
  EXPECT_FALSE(connection.execute("UPDATE item_stock SET available = -1"));
  EXPECT_FALSE(connection.execute("UPDATE item_stock SET sold = sold + 1"));
  EXPECT_EQ(connection.execute("UPDATE orders SET `user` = 'user-1'").error().kind,
            Failure::Kind::duplicate_key)
      << "two unpaid orders of one shopper in one sale";
  EXPECT_EQ(connection.execute("UPDATE orders SET transaction_id = 'x'").error().kind,
            Failure::Kind::duplicate_key);
  EXPECT_FALSE(
      connection.execute("INSERT INTO head SELECT 2, history, audit, seal, hash FROM head"));
}

TEST_F(ClusterRecordTest, VerifyFindsWhatSomebodyChanged) {
  auto record = open();
  value(record->define(sale_of("s", 1, 10), kNow));
  value(record->grant(crowd(1, 3), kNow));
  const std::string config = directory_.path() + "/cluster.toml";
  std::ofstream(config) << "[server]\ndata = \"" << directory_.path()
                        << "/data\"\n[engine]\nkind = \"cluster\"\n[database]\nurl = \""
                        << test::url_of(database_.address()) << "\"\n";
  const std::string output = directory_.path() + "/output";
  EXPECT_EQ(test::run_sluice({"verify", "--config", config}, output), 0);
  database_.execute("UPDATE orders SET quantity = 2 WHERE id = " + std::to_string(kFirstId + 2));
  EXPECT_EQ(test::run_sluice({"verify", "--config", config}, output), 1);
  std::ifstream in(output, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(text, HasSubstr("3 orders"));
  EXPECT_THAT(text, HasSubstr("FINDING chain"));
  EXPECT_THAT(text, HasSubstr("FINDING counters"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() + "/data")) << "the copy is gone";
  const auto none = verify_cluster(test::MariadbService::shared().admin(), directory_.path());
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("there is no record"));
}

TEST_F(ClusterRecordTest, MigratingIsRepeatableAndANewerFormatIsLeftAlone) {
  // Cut short after some statements: the rest is made up for.
  open();
  database_.execute("DELETE FROM migration");
  database_.execute("DROP TABLE seal");
  std::vector<std::jthread> starters;
  for (int i = 0; i < 4; ++i)
    starters.emplace_back([this] { open(); });
  starters.clear();
  EXPECT_EQ(number("SELECT COUNT(*) FROM migration"), 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM seal"), 0);
  database_.execute("INSERT INTO migration VALUES (99, 'later', 0)");
  const auto newer = ClusterRecord::open(database_.address());
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message, HasSubstr("has format 99"));
}

TEST_F(ClusterRecordTest, TheDatabasesDefaultsDoNotMatter) {
  database_.execute("ALTER DATABASE " + database_.name() +
                    " CHARACTER SET latin1 COLLATE latin1_swedish_ci");
  database_.reconnect();
  auto record = open();
  value(record->define(sale_of("s", 1, 10), kNow));
  value(record->define(sale_of("S", 1, 10), kNow));
  // Different bytes are different people, and different payments.
  const std::vector<std::string> names = {"ann", "Ann", "ann ", "änn", "秒😀"};
  std::vector<Reservation> batch;
  std::vector<sale::Command> payments;
  for (std::int64_t n = 0; n < std::ssize(names); ++n) {
    batch.push_back(reservation(n, names[static_cast<std::size_t>(n)]));
    payments.emplace_back(payment_of(n, "tx" + names[static_cast<std::size_t>(n)]));
  }
  for (const GrantReply& reply : value(record->grant(batch, kNow)))
    EXPECT_EQ(reply.outcome, GrantOutcome::granted);
  for (const sale::OrderStatus status : value(record->apply(payments, kNow)).statuses)
    EXPECT_EQ(status, sale::OrderStatus::paid);
  auto reader = value(ClusterReader::open(database_.address()));
  for (const std::string& name : names) {
    const auto page = value(reader->orders_of(name, {}));
    ASSERT_EQ(page.entries.size(), 1U) << name;
    EXPECT_EQ(page.entries[0].user, name);
    EXPECT_EQ(page.entries[0].transaction_id, "tx" + name);
  }
  expect_sound();
}

}  // namespace
}  // namespace sluice::store
