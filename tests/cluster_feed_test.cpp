// What follows the cluster's record: history without gaps, the orders of a sale, loadings, leases.
#include "store/cluster_feed.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "store/cluster_leases.h"
#include "support/cluster_world.h"

namespace sluice::store {
namespace {

using namespace test::cluster;  // NOLINT(google-build-using-namespace)

class ClusterFeedTest : public ClusterRecordTest {
 protected:
  std::unique_ptr<ClusterFeed> feed() { return value(ClusterFeed::open(database_.address())); }
  std::unique_ptr<ClusterLeases> leases() {
    return value(ClusterLeases::open(database_.address()));
  }
};

TEST_F(ClusterFeedTest, HistoryComesInPagesWithTheOrderAsItIsNow) {
  auto record = open();
  value(record->define(sale_of("s", 1, 3), kNow));
  auto following = feed();
  const auto before = value(following->position());
  EXPECT_EQ(before.history, 0);
  auto batch = crowd(1, 4);
  batch[0].request = {1, 2};
  value(record->grant(batch, kNow));
  const sale::Command paid = payment_of(1, "tx-1");
  value(record->apply({&paid, 1}, kNow));
  const auto after = value(following->position());
  EXPECT_EQ(after.history, 5);
  EXPECT_EQ(after.audit, before.audit);
  EXPECT_EQ(after.seal, before.seal + 2);

  std::vector<FeedEvent> events;
  for (std::vector<FeedEvent> page = value(following->events_after(0, 2)); !page.empty();
       page = value(following->events_after(events.back().sequence, 2))) {
    events.insert(events.end(), page.begin(), page.end());
  }
  ASSERT_EQ(events.size(), 5U);
  for (std::size_t i = 0; i < events.size(); ++i)
    EXPECT_EQ(events[i].sequence, static_cast<std::int64_t>(i) + 1);
  EXPECT_EQ(events[0].event, sale::HistoryEvent::granted);
  EXPECT_EQ(events[0].order.status, sale::OrderStatus::paid) << "as it is now";
  EXPECT_TRUE(events[0].order.unit_sold);
  EXPECT_EQ(events[0].order.user, "user-1");
  EXPECT_EQ(events[0].order.request, (sale::RequestKey{1, 2}));
  EXPECT_EQ(events[0].order.amount, Money{100});
  EXPECT_EQ(events[3].event, sale::HistoryEvent::refused);
  EXPECT_EQ(events[3].order.status, sale::OrderStatus::failed);
  EXPECT_EQ(events[4].event, sale::HistoryEvent::paid);
  EXPECT_EQ(events[4].order.id.value, kFirstId + 1);

  const std::vector<OrderId> ids = {OrderId{kFirstId + 4}, OrderId{7}, OrderId{kFirstId + 2}};
  const auto found = value(following->orders(ids));
  ASSERT_EQ(found.size(), 2U) << "those that are there, in order of id";
  EXPECT_EQ(found[0].id, ids[2]);
}

TEST_F(ClusterFeedTest, TheOrdersOfASaleAreWhatItsCountersSay) {
  auto record = open();
  value(record->define(sale_of("s", 2, 4), kNow));
  value(record->define(sale_of("t", 1, 9), kNow));
  auto batch = crowd(1, 5);  // one of them is refused
  for (const auto& [n, item] : {std::pair{6, 1U}, {7, 2U}, {8, 1U}})
    batch.push_back(reservation(n, "user-" + std::to_string(n), item));
  value(record->grant(batch, kNow));
  std::vector<sale::Command> commands = {payment_of(1, "tx-1"),
                                         sale::CancelByUser{"user-2", OrderId{kFirstId + 2}}};
  value(record->apply(commands, kNow));

  auto following = feed();
  EXPECT_THAT(value(following->loadings()), testing::IsEmpty());
  const Loading loading = value(record->begin_loading(SaleNo{0}));
  value(record->begin_loading(SaleNo{1}));
  ASSERT_EQ(value(following->loadings()).size(), 2U);
  EXPECT_EQ(value(following->loadings())[0].epoch, loading.epoch);
  EXPECT_EQ(value(following->loadings())[0].history, value(following->position()).history);

  std::int64_t held = 0, sold = 0, count = 0;
  OrderId after{};
  for (;;) {
    const auto page = value(following->orders_of_sale(SaleNo{0}, after, 2));
    if (page.empty()) break;
    for (const FeedOrder& order : page) {
      EXPECT_GT(order.id, after);
      EXPECT_EQ(order.sale, SaleNo{0});
      after = order.id;
      ++count;
      held += sale::holds_unit(order.status) ? order.quantity : 0;
      sold += order.unit_sold ? order.quantity : 0;
    }
  }
  EXPECT_EQ(count, 6);
  EXPECT_EQ(held, number("SELECT SUM(held) FROM item_stock WHERE item_no < 2"));
  EXPECT_EQ(sold, number("SELECT SUM(sold) FROM item_stock WHERE item_no < 2"));

  const std::int64_t victim = number(
      "SELECT MAX(id) FROM information_schema.processlist WHERE db = DATABASE() AND command = "
      "'Sleep'");
  database_.execute("KILL " + std::to_string(victim));
  EXPECT_TRUE(following->position()) << "it gets over a connection that was ended";
}

TEST_F(ClusterFeedTest, ALeaseIsHeldByOneAndPassesOnWhenItsTimeIsOver) {
  open();
  auto one = leases();
  auto two = leases();
  constexpr Span kLong = Span::seconds(3600);
  EXPECT_TRUE(value(one->take("keeper", "a", kLong)));
  EXPECT_FALSE(value(two->take("keeper", "b", kLong)));
  EXPECT_TRUE(value(one->take("keeper", "a", kLong))) << "renewed";
  EXPECT_TRUE(value(two->take("another", "b", kLong)));
  ASSERT_TRUE(two->give_back("keeper", "b")) << "not b's: nothing happens";
  EXPECT_FALSE(value(two->take("keeper", "b", kLong)));
  // Its time is over.
  database_.execute("UPDATE lease SET until = until - 3600000 WHERE name = 'keeper'");
  EXPECT_TRUE(value(two->take("keeper", "b", kLong)));
  EXPECT_FALSE(value(one->take("keeper", "a", kLong))) << "woken up, it is told";
  const std::int64_t left = number(
      "SELECT until - CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED) FROM lease WHERE name = "
      "'keeper'");
  EXPECT_GT(left, 3'500'000);
  EXPECT_LE(left, 3'600'000);
  ASSERT_TRUE(two->give_back("keeper", "b"));
  EXPECT_TRUE(value(one->take("keeper", "a", kLong)));
}

TEST_F(ClusterFeedTest, OfManyWhoWantALeaseOneHasIt) {
  open();
  std::atomic<int> holders{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      holders += value(leases()->take("keeper", std::to_string(i), Span::seconds(3600))) ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(holders, 1);
}

TEST_F(ClusterFeedTest, NumbersOfNodesAreNeverHeldTwice) {
  open();
  constexpr Span kLong = Span::seconds(3600);
  std::mutex mutex;
  std::set<std::uint16_t> numbers;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const auto number = value(leases()->take_number("node-" + std::to_string(i), kLong));
      const std::lock_guard lock(mutex);
      numbers.insert(number.value());
    });
  }
  threads.clear();
  EXPECT_EQ(numbers.size(), 8U);
  auto one = leases();
  const auto mine = value(one->take_number("node-3", kLong));
  EXPECT_TRUE(numbers.contains(mine.value())) << "renewed, not another";
  // A number that was given back rests while there are new ones.
  database_.execute("UPDATE lease SET until = 5 WHERE name = 'node.2'");
  EXPECT_EQ(value(one->take_number("late", kLong)), 8);
  for (int number = 9; number < kNodeNumbers; ++number) {
    database_.execute("INSERT INTO lease VALUES('node." + std::to_string(number) +
                      "', 'x', 9000000000000000)");
  }
  database_.execute("UPDATE lease SET until = 7 WHERE name = 'node.1'");
  EXPECT_EQ(value(one->take_number("later", kLong)), 2) << "free the longest";
  EXPECT_EQ(value(one->take_number("last", kLong)), 1);
  EXPECT_EQ(value(one->take_number("too late", kLong)), std::nullopt);
}

}  // namespace
}  // namespace sluice::store
