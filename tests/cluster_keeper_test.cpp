// The keeper at rest: sales are loaded, what happens in the record and what operators change is
// told to Redis, and duties are handed out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "support/keeper_world.h"

namespace sluice::cluster {
namespace {

using redis::Standing;
using sale::OrderStatus;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(ClusterKeeper, LoadsWhatIsOpenAndTheFollowerShowsIt) {
  open_sale();
  auto one = node();
  EXPECT_EQ(one->node().catalogs.current()->find_sale("drop")->items.size(), 1U);
  EXPECT_NE(one->numbers().next(test::wall_now()), std::nullopt);
  EXPECT_FALSE(one->node().keeps);
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  ASSERT_TRUE(eventually([&] { return one->has(1); }));
  EXPECT_TRUE(one->node().keeps);
  EXPECT_THAT(in_redis(), ElementsAre(kStock, 0, 0, 0));
  EXPECT_TRUE(one->node().redis_ok);

  grab(1);
  EXPECT_TRUE(eventually([&] { return one->live().held.units == 1; })) << "as Redis has it";
  EXPECT_EQ(one->live().available.units, kStock - 1);
  EXPECT_THAT(in_record(), ElementsAre(kStock, 0, 0, 0));

  auto two = node();
  EXPECT_NE(two->numbers().next(test::wall_now())->value >> 12 & 1023,
            one->numbers().next(test::wall_now())->value >> 12 & 1023);
  EXPECT_TRUE(eventually([&] { return two->has(1); })) << "every node finds it";
  one->stop_keeper();
  EXPECT_FALSE(one->node().keeps);
}

TEST_F(ClusterKeeper, LeavesAloneWhatIsFarAwayAndLongOver) {
  auto far = test::sale_of("far", 1, kStock, kHold);
  far.starts_at = test::wall_now() + Span::seconds(3600);
  auto over = test::sale_of("over", 1, kStock, kHold);
  over.starts_at = test::wall_now() - Span::seconds(7200);
  over.ends_at = test::wall_now() - Span::seconds(3600);
  shop_.define(far);
  shop_.define(over);
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return one->node().loadings.epoch_of(SaleNo{2}).has_value(); }));
  EXPECT_THAT(one->node().loadings.sales(), ElementsAre(SaleNo{2}));
  EXPECT_EQ(redis_.cli("EXISTS '" + redis::SaleCalls("far").key() + "'"), "0");
  EXPECT_EQ(redis_.cli("EXISTS '" + redis::SaleCalls("over").key() + "'"), "0");
}

TEST_F(ClusterKeeper, TellsRedisWhatHappenedToOrders) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  for (std::int64_t order = 1; order <= 4; ++order)
    buy(order);
  for (std::int64_t order = 1; order <= 4; ++order)
    EXPECT_TRUE(becomes(order, Standing::awaiting)) << order;
  pay(1);
  pay(2);
  cancel(3);
  EXPECT_TRUE(becomes(1, Standing::sold));
  EXPECT_TRUE(becomes(2, Standing::sold));
  EXPECT_TRUE(becomes(3, Standing::released));
  refund(2);
  EXPECT_TRUE(becomes(2, Standing::refunded));

  // One that the record does not take: its shopper has an order by another way.
  store::Reservation other = for_record(grab(5, 1, "somebody"), 1);
  other.id = OrderId{1000};
  test::must(shop_.record().grant({&other, 1}, test::wall_now()));
  other.id = OrderId{5};
  const auto refused = test::must(shop_.record().grant({&other, 1}, test::wall_now()));
  EXPECT_EQ(refused.front().outcome, store::GrantOutcome::already_queued);
  EXPECT_TRUE(becomes(5, Standing::failed));
  EXPECT_THAT(in_redis(), ElementsAre(kStock - 2, 1, 1, 1));
  EXPECT_TRUE(eventually([&] { return one->node().counts.orders == 5; }));
}

TEST_F(ClusterKeeper, RedisLearnsWhatTheOperatorChanges) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  const sale::Operator by{"operator", "test"};
  shop_.define(sale::AdjustStock{by, ItemNo{0}, Quantity{25}});
  one->follower().refresh();
  EXPECT_EQ(one->node().catalogs.current()->items[0]->item.counters.stock, Quantity{25});
  EXPECT_TRUE(eventually([&] { return in_redis() == std::vector<std::int64_t>{25, 0, 0, 0}; }));
  sale::AddItem add{by, SaleNo{0}, {}};
  add.item.id = "second";
  add.item.title = "second";
  add.item.price = Money{5};
  add.item.stock = Quantity{7};
  shop_.define(add);
  EXPECT_TRUE(eventually([&] { return stats()->items.size() == 2; }));
  EXPECT_EQ(stats()->items[1].counters.stock, Quantity{7});
  sale::ChangeItem change;
  change.by = by;
  change.item = ItemNo{0};
  change.price = Money{150};
  shop_.define(change);
  EXPECT_TRUE(eventually([&] {
    return redis_.cli("HGET '" + redis::SaleCalls("drop").key() + "' version") ==
           std::to_string(one->node().catalogs.current()->version);
  }));
  shop_.define(sale::PauseSale{by, SaleNo{0}, true});
  const auto field = [&](const std::string& name) {
    return redis_.cli("HGET '" + calls_.key() + "' " + name);
  };
  EXPECT_TRUE(eventually([&] { return field("paused") == "1"; }));
  EXPECT_EQ(stats()->epoch, 1U) << "without loading it anew";
  shop_.define(sale::PauseSale{by, SaleNo{0}, false});
  EXPECT_TRUE(eventually([&] { return field("paused") == "0"; }));
  EXPECT_TRUE(eventually([&] { return one->live(1).stock.units == 7; }));
  EXPECT_EQ(grab(1).price, Money{150});
}

TEST_F(ClusterKeeper, ALatePaymentWaitsUntilRedisHasTheUnit) {
  open_sale(1);
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  buy(1);
  cancel(1);
  ASSERT_TRUE(becomes(1, Standing::released));
  const redis::Reservation second = grab(2);
  pay(1);  // the record has the unit free
  EXPECT_EQ(shop_.order(OrderId{1})->status, OrderStatus::paid);
  EXPECT_EQ(write(second), store::GrantOutcome::sold_out);
  EXPECT_TRUE(becomes(2, Standing::failed));
  EXPECT_TRUE(becomes(1, Standing::sold));
  EXPECT_THAT(in_redis(), ElementsAre(0, 0, 1, 0));
}

TEST_F(ClusterKeeper, SweepsAndHandsOutDutiesThatNobodyHas) {
  open_sale(kStock, Span{1000});
  auto one = node(true);
  ASSERT_NE(one, nullptr);
  // A payment that another node began to close before it died.
  auto long_ago = for_record({}, 0);
  long_ago.id = OrderId{1};
  long_ago.user = "user-1";
  long_ago.amount = Money{100};
  long_ago.created_at = test::wall_now() - Span::seconds(100);
  long_ago.expires_at = test::wall_now() - Span::seconds(90);
  auto later = long_ago;
  later.id = OrderId{2};
  later.user = "user-2";
  const std::vector<store::Reservation> both{long_ago, later};
  store::ClusterOptions options;
  options.settings.has_gateway = true;
  auto record = test::must(store::ClusterRecord::open(shop_.address(), options));
  test::must(record->grant({&long_ago, 1}, long_ago.created_at));
  const sale::Command begin = sale::BeginPayment{"user-1", OrderId{1}};
  test::must(record->apply({&begin, 1}, long_ago.created_at));
  ASSERT_THAT(test::must(record->sweep(10, test::wall_now())).closes, SizeIs(1));
  test::must(record->grant({&later, 1}, later.created_at));
  const sale::Command begin_later = sale::BeginPayment{"user-2", OrderId{2}};
  test::must(record->apply({&begin_later, 1}, later.created_at));

  std::mutex mutex;
  std::map<OrderId, int> closes;
  DirectMailbox mailbox;
  one->node().duties.take(mailbox, [&](engine::Duties&& duties) {
    const std::lock_guard lock(mutex);
    for (const sale::ClosePayment& close : duties.closes)
      ++closes[close.order];
  });
  one->keep();
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return closes[OrderId{1}] == 1 && closes[OrderId{2}] >= 1;
  }));
  EXPECT_EQ(shop_.orders(OrderStatus::closing), 2);
}

TEST_F(ClusterKeeper, TheFollowerTellsWhoWatches) {
  open_sale();
  auto one = node();
  std::mutex mutex;
  std::map<OrderId, OrderStatus> told;
  DirectMailbox mailbox;
  one->node().notices.watch(mailbox, [&](const std::vector<engine::OrderNotice>& notices) {
    const std::lock_guard lock(mutex);
    for (const engine::OrderNotice& notice : notices)
      told[notice.order] = notice.status;
  });
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  buy(1);
  ASSERT_TRUE(eventually([&] { return one->node().counts.orders == 1; }));
  {
    const std::lock_guard lock(mutex);
    EXPECT_THAT(told, IsEmpty()) << "nobody watches";
  }
  one->node().watchers = 1;
  buy(2);
  pay(2);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return told.size() == 1 && told[OrderId{2}] == OrderStatus::paid;
  }));
}

}  // namespace
}  // namespace sluice::cluster
