// The keeper when Redis lost what it had: it waits for what is on its way, and loads from the
// record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/keeper_world.h"

namespace sluice::cluster {
namespace {

using redis::Standing;
using testing::ElementsAre;

TEST_F(ClusterKeeper, RebuildsWhatRedisLost) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  for (std::int64_t order = 1; order <= 4; ++order)
    buy(order);
  pay(1);
  pay(2);
  cancel(3);
  refund(2);
  const redis::Reservation unpublished = grab(9);
  redis_.cli("FLUSHALL");
  ASSERT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_EQ(in_redis(), in_record());
  EXPECT_THAT(in_redis(), ElementsAre(kStock - 2, 1, 1, 1));
  EXPECT_EQ(standing(1), Standing::sold);
  EXPECT_EQ(standing(2), Standing::refunded);
  EXPECT_EQ(standing(3), Standing::released);
  EXPECT_EQ(standing(4), Standing::awaiting);
  EXPECT_EQ(standing(9), std::nullopt);
  EXPECT_EQ(write(unpublished), store::GrantOutcome::stale_epoch) << "its unit may be somebody's";
  EXPECT_TRUE(eventually([&] { return one->has(2); }));
  buy(10, 2);
  EXPECT_TRUE(becomes(10, Standing::awaiting)) << "the mirror goes on";
}

TEST_F(ClusterKeeper, WaitsForTheWorkersBeforeItRebuilds) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  const redis::Reservation published = grab(1);
  one->bus().waiting = 1;
  redis_.cli("FLUSHALL");
  ASSERT_TRUE(eventually([&] { return !one->has(1); }));
  EXPECT_EQ(write(published), store::GrantOutcome::granted)
      << "its shopper was told that it queues";
  EXPECT_EQ(stats(), std::nullopt);
  one->bus().waiting = 0;
  ASSERT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_EQ(standing(1), Standing::awaiting);
}

TEST_F(ClusterKeeper, WaitsAsLongAsWorkersGetOnAndThenNoLonger) {
  constexpr Span patience = Span::seconds(2);
  open_sale();
  auto one = node(false, patience);
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  const redis::Reservation published = grab(1);
  std::uint64_t waiting = 1'000;
  one->bus().waiting = waiting;
  redis_.cli("FLUSHALL");
  ASSERT_TRUE(eventually([&] { return !one->has(1); }));
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(2 * patience.ms);
  while (std::chrono::steady_clock::now() < until) {
    one->bus().waiting = --waiting;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(write(published), store::GrantOutcome::granted)
      << "workers were getting on all the time";
  EXPECT_EQ(stats(), std::nullopt);
  EXPECT_TRUE(eventually([&] { return is_open(2); })) << "what nobody writes is not waited for";
}

TEST_F(ClusterKeeper, WaitsForABrokerThatMayHaveGrabs) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  const redis::Reservation published = grab(1);
  one->bus().answers = false;
  redis_.cli("FLUSHALL");
  ASSERT_TRUE(eventually([&] { return !one->has(1); }));
  const int asked = one->bus().asked;
  ASSERT_TRUE(eventually([&] { return one->bus().asked > asked + 60; }));
  EXPECT_EQ(write(published), store::GrantOutcome::granted)
      << "no epoch began while nobody knew what the broker has";
  EXPECT_EQ(stats(), std::nullopt);
  one->bus().answers = true;
  ASSERT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_EQ(standing(1), Standing::awaiting);
}

TEST_F(ClusterKeeper, AfterARestartOfRedisTheOutboxIsDrainedFirst) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  buy(1);
  publishes_ = false;
  grab(2);
  grab(3);
  redis_.kill();
  EXPECT_TRUE(eventually([&] { return !one->node().redis_ok; }));
  redis_.start();
  ASSERT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_THAT(one->gate().adopted(), ElementsAre(OrderId{2}, OrderId{3}));
  EXPECT_EQ(standing(2), Standing::awaiting);
  EXPECT_EQ(standing(3), Standing::awaiting);
  EXPECT_EQ(in_redis(), in_record());
  EXPECT_THAT(in_redis(), ElementsAre(kStock - 3, 3, 0, 0));
  EXPECT_TRUE(eventually([&] { return one->node().redis_ok.load(); }));
}

TEST_F(ClusterKeeper, StaysClosedWhileTheOutboxIsNotDrained) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1); }));
  publishes_ = false;
  grab(1);
  one->gate().block(true);
  redis_.kill();
  redis_.start();
  one->gate().await_adopt();
  EXPECT_EQ(stats()->state, "sealed");
  const redis::Grab more{OrderId{2}, "late", ItemNo{0}, 1, {}};
  const auto refused =
      redis::read_grabs(client_.ask(calls_.key(), calls_.grab({1}, {&more, 1})).value, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, redis::Refusal::Kind::not_loaded);
  one->gate().block(false);
  EXPECT_TRUE(eventually([&] { return is_open(2); }));
  EXPECT_EQ(standing(1), Standing::awaiting);
}

TEST_F(ClusterKeeper, TakesUpALoadingThatNobodyFinished) {
  open_sale();
  const auto loading = test::must(shop_.record().begin_loading(SaleNo{0}));
  const redis::ItemDefinition item{ItemNo{0}, Money{100}, 1, Quantity{kStock}, 1};
  client_.ask(calls_.key(), calls_.load_begin({loading.epoch}, {}, {&item, 1}));
  ASSERT_EQ(stats()->state, "loading");
  auto one = node();
  one->keep();
  EXPECT_TRUE(eventually([&] { return is_open(2); }));
  // Opened, but the record has gone on: whoever raised it may be reading orders already.
  test::must(shop_.record().begin_loading(SaleNo{0}));
  EXPECT_TRUE(eventually([&] { return is_open(4); }));
}

}  // namespace
}  // namespace sluice::cluster
