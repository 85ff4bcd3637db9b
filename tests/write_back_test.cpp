// Paid orders in a table of the tutorial's shape: what is written, once, and what is left alone.
#include "store/write_back.h"

#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "app/write_back.h"
#include "support/cluster_world.h"

namespace sluice::store {
namespace {

using namespace test::cluster;  // NOLINT(google-build-using-namespace)
using mariadb::Failure;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The tables as the tutorial's shop has them, character set and all.
constexpr const char* kOrders =
    "CREATE TABLE tb_seckill_order(id bigint(20) NOT NULL, seckill_id bigint(20), "
    "money decimal(10,2), user_id varchar(50), seller_id varchar(50), create_time datetime, "
    "pay_time datetime, status varchar(1), receiver_address varchar(200), "
    "receiver_mobile varchar(20), receiver varchar(20), transaction_id varchar(30), "
    "PRIMARY KEY (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8";
constexpr const char* kGoods =
    "CREATE TABLE tb_seckill_goods(id bigint(20) NOT NULL AUTO_INCREMENT, title varchar(100), "
    "seller_id varchar(100), PRIMARY KEY (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8";

class WriteBackTest : public ClusterRecordTest {
 protected:
  WriteBackTest() {
    shop_.execute(kOrders);
    shop_.execute(kGoods);
    shop_.execute("INSERT INTO tb_seckill_goods VALUES (7, '秒杀', 'qiandu')");
    table_.address = shop_.address();
    record_ = open();
    sale::OpenSale sale = sale_of("s", 2, 1000, 5);
    sale.items[0].id = "7";
    value(record_->define(sale, kNow));
  }

  std::unique_ptr<WriteBack> copier() {
    return value(WriteBack::open(database_.address(), table_));
  }
  void pay(std::int64_t n, const std::string& transaction) {
    const sale::Command command = payment_of(n, transaction);
    value(record_->apply({&command, 1}, kNow));
  }
  /// Every row as text, columns apart by "|".
  std::vector<std::string> rows() {
    auto statement = value(shop_.connection().prepare(
        "SELECT CONCAT_WS('|', id, IFNULL(seckill_id, '-'), money, user_id, IFNULL(seller_id, "
        "'-'), "
        "create_time, pay_time, status, transaction_id, IFNULL(receiver, '-')) FROM "
        "tb_seckill_order ORDER BY id"));
    std::vector<std::string> all;
    if (auto asked = statement.query(); !asked) throw std::runtime_error(asked.error().message);
    while (value(statement.next()))
      all.emplace_back(statement.text(0));
    statement.reset();
    return all;
  }
  static std::string id(std::int64_t n) { return std::to_string(kFirstId + n); }

  test::TestDatabase shop_{test::MariadbService::shared()};
  OrderTable table_;
  std::unique_ptr<ClusterRecord> record_;
};

TEST_F(WriteBackTest, APaidOrderIsARowInTheTutorialsWords) {
  auto writes = copier();
  EXPECT_EQ(value(writes->step()).orders, 0U);
  value(record_->grant(crowd(1, 2, 0), kNow));
  value(record_->grant(crowd(3, 1, 1), kNow));
  EXPECT_EQ(value(writes->step()).orders, 0U) << "unpaid orders are no rows";
  EXPECT_THAT(rows(), IsEmpty());
  pay(1, "4200000013201710158227452548");
  pay(3, "tx-3");
  EXPECT_EQ(value(writes->step()).orders, 2U);
  // 1795000000 is 2026-11-18 19:06:40 in China.
  const std::string first = id(1) +
                            "|7|1.00|user-1|qiandu|2026-11-18 19:06:40|2026-11-18 19:06:40|1|"
                            "4200000013201710158227452548|-";
  const std::string third =
      id(3) + "|-|1.00|user-3|-|2026-11-18 19:06:40|2026-11-18 19:06:40|1|tx-3|-";
  EXPECT_THAT(rows(), testing::ElementsAre(first, third))
      << "an id that is no number names no goods there";
  const auto idle = value(writes->step());
  EXPECT_EQ(idle.orders, 0U) << "it knows how far it got";
  EXPECT_FALSE(idle.more);
}

TEST_F(WriteBackTest, DoingItAgainChangesNothingAndTheShopsOwnWordsStay) {
  value(record_->grant(crowd(1, 3), kNow));
  pay(1, "tx-1");
  pay(2, "tx-2");
  value(copier()->step());
  shop_.execute("UPDATE tb_seckill_order SET receiver = '张三', status = '3' WHERE id = " + id(1));
  // Somebody else's row under the number of an order that is paid only now.
  shop_.execute("INSERT INTO tb_seckill_order(id, user_id, status) VALUES (" + id(3) +
                ", 'stranger', '1')");
  pay(3, "tx-3");
  const sale::Command back = sale::Refund{{"operator", "test"}, OrderId{kFirstId + 3}};
  value(record_->apply({&back, 1}, kNow));
  value(copier()->step());
  const auto before = rows();
  // How far it got is lost: everything is told again.
  database_.execute("DELETE FROM follower");
  auto again = copier();
  EXPECT_EQ(value(again->step()).orders, 3U);
  EXPECT_EQ(rows(), before);
  EXPECT_THAT(before[0], HasSubstr("|3|tx-1|张三"));
  EXPECT_EQ(value(shop_.connection().integer(
                "SELECT COUNT(*) FROM tb_seckill_order WHERE user_id = 'stranger' AND status = '1' "
                "AND transaction_id IS NULL")),
            1);
}

TEST_F(WriteBackTest, WhatIsRefundedIsSaidAndWhatNeverWasAnOrderIsNot) {
  ClusterOptions options;
  options.settings.has_gateway = true;
  auto record = open(options);
  value(record->grant(crowd(1, 2), kNow));
  pay(1, "tx-1");
  auto writes = copier();
  value(writes->step());
  const sale::Command back = sale::Refund{{"operator", "test"}, OrderId{kFirstId + 1}};
  value(record->apply({&back, 1}, kNow));
  // The second one is given up, its unit is gone, and then its money comes.
  const sale::Command cancel = sale::CancelByUser{"user-2", OrderId{kFirstId + 2}};
  const sale::Command closed = sale::PaymentClosed{OrderId{kFirstId + 2}, {}, {}};
  value(record->apply({&cancel, 1}, kNow));
  value(record->apply({&closed, 1}, kNow));
  value(record->define(sale::AdjustStock{{"operator", "test"}, ItemNo{0}, Quantity{1}}, kNow));
  const sale::Command late = payment_of(2, "tx-2");
  EXPECT_EQ(std::get<sale::PaymentOutcome>(value(record->apply({&late, 1}, kNow)).outcomes[0]),
            sale::PaymentOutcome::refund_due);
  value(writes->step());
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_THAT(rows()[0], HasSubstr("|2|tx-1|"));
}

TEST_F(WriteBackTest, WhatTheTableCannotTakeIsNamedAndTheRestIsWritten) {
  auto batch = crowd(1, 4);
  batch[1].user = std::string(51, 'x');  // varchar(50)
  batch[2].user = "smile-😀";             // utf8 has three bytes there
  value(record_->grant(batch, kNow));
  for (std::int64_t n = 1; n <= 4; ++n)
    pay(n, n == 4 ? std::string(31, '4') : "tx-" + std::to_string(n));
  auto writes = copier();
  const auto step = value(writes->step());
  EXPECT_EQ(step.orders, 1U);
  ASSERT_EQ(step.problems.size(), 3U);
  EXPECT_THAT(step.problems[0], HasSubstr("No" + id(2)));
  EXPECT_THAT(step.problems[0], HasSubstr("user_id"));
  EXPECT_EQ(rows().size(), 1U);
  EXPECT_EQ(value(writes->step()).problems.size(), 0U) << "told once";
}

TEST_F(WriteBackTest, APageAtATimeAndASharedStartIsNoHarm) {
  std::vector<sale::Command> payments;
  for (std::int64_t n = 1; n <= 900; ++n)
    payments.emplace_back(payment_of(n, "tx-" + std::to_string(n)));
  for (int round = 0; round < 4; ++round) {
    std::vector<Reservation> batch = crowd(1 + round * 225, 225, round % 2 == 0 ? 0 : 1);
    value(record_->grant(batch, kNow));
  }
  value(record_->apply(payments, kNow));
  // History of refusals in between: more than a page.
  value(record_->grant(crowd(5000, 4000), kNow));
  auto one = copier();
  auto two = copier();
  for (bool more = true; more;) {
    value(two->step());
    more = value(one->step()).more;
  }
  EXPECT_EQ(rows().size(), 900U);
  EXPECT_EQ(number("SELECT history FROM follower"), number("SELECT MAX(seq) FROM history"));
}

TEST_F(WriteBackTest, ATableThatIsNotThereIsAnErrorAndALostConnectionIsNot) {
  value(record_->grant(crowd(1, 1), kNow));
  pay(1, "tx-1");
  auto writes = copier();
  for (const auto* of : {&shop_, &database_}) {
    const std::int64_t victim = value(database_.connection().integer(
        "SELECT MAX(id) FROM information_schema.processlist WHERE command = 'Sleep' AND db = '" +
        of->name() + "'"));
    database_.execute("KILL " + std::to_string(victim));
  }
  const auto step = writes->step();
  EXPECT_EQ((step ? step : writes->step())->orders, 1U);
  EXPECT_EQ(rows().size(), 1U);
  table_.name = "elsewhere";
  const auto none = WriteBack::open(database_.address(), table_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, Failure::Kind::no_table);
  EXPECT_THAT(none.error().message, HasSubstr("elsewhere"));
}

class CopierTest : public WriteBackTest {
 protected:
  std::unique_ptr<app::Copier> start() {
    app::ConfigSources sources;
    sources.flags = {{"database.url", test::url_of(database_.address()), "--set"},
                     {"write_back.url", test::url_of(shop_.address()), "--set"}};
    const auto config = app::Config::load(sources);
    if (!config) throw std::runtime_error(config.error().message);
    auto copier = app::Copier::start(*config);
    if (!copier) throw std::runtime_error(copier.error().message);
    return std::move(*copier);
  }
  static void eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
};

TEST_F(CopierTest, OneNodeCopiesAnotherFollowsAndAnOutageIsMadeUpFor) {
  value(record_->grant(crowd(1, 5), kNow));
  pay(1, "tx-1");
  auto one = start();
  eventually([this] { return rows().size() == 1; });
  const auto holder = [this] { return number("SELECT CRC32(holder) FROM lease WHERE until > 0"); };
  const std::int64_t first = holder();
  auto two = start();
  pay(2, "tx-2");
  eventually([this] { return rows().size() == 2; });
  EXPECT_EQ(holder(), first);
  one->stop();
  pay(3, "tx-3");
  eventually([this] { return rows().size() == 3; });
  EXPECT_NE(holder(), first);
  shop_.execute("RENAME TABLE tb_seckill_order TO gone");
  pay(4, "tx-4");
  shop_.execute("RENAME TABLE gone TO tb_seckill_order");
  eventually([this] { return rows().size() == 4; });
  two->stop();
  EXPECT_EQ(number("SELECT COUNT(*) FROM lease WHERE until > 0"), 0) << "given back";
}

TEST_F(CopierTest, DoctorSaysWhetherTheTableTakesOrders) {
  const std::string output = directory_.path() + "/output";
  const auto doctor = [&](const std::string& table) {
    std::ofstream(output, std::ios::trunc).close();
    test::run_sluice(
        {"doctor", "--data", directory_.path() + "/data", "--listen", "127.0.0.1:0", "--set",
         "write_back.url=" + test::url_of(shop_.address()), "--set", "write_back.table=" + table},
        output);
    std::ifstream in(output, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return text.substr(std::min(text.size(), text.find("write-back  ")));
  };
  EXPECT_THAT(doctor("tb_seckill_order"),
              testing::AllOf(HasSubstr("OK"), HasSubstr("sellers: from tb_seckill_goods")));
  EXPECT_THAT(doctor("nowhere"), testing::AllOf(HasSubstr("FAILED"), HasSubstr("nowhere")));
}

}  // namespace
}  // namespace sluice::store
