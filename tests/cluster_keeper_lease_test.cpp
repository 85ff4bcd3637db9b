// Keepers that follow one another: leases, two who think that they have it, what died nodes left
// lying, a record that was away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/leftovers.h"
#include "cluster/loader.h"
#include "cluster/mirror.h"
#include "store/cluster_feed.h"
#include "support/keeper_world.h"

namespace sluice::cluster {
namespace {

using redis::Standing;
using testing::ElementsAre;

TEST_F(ClusterKeeper, OneKeepsAndTheOtherTakesOverWhatTheFirstDidNotSee) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return one->node().keeps && is_open(1); }));
  auto two = node();
  two->keep();
  buy(1);
  ASSERT_TRUE(becomes(1, Standing::awaiting));
  ASSERT_TRUE(eventually([&] { return position() == "1:1"; })) << "it is kept where it cannot lie";
  EXPECT_FALSE(two->node().keeps);

  // The first one stops in the middle of its work, as a suspended process does.
  one->gate().block(true);
  publishes_ = false;
  const redis::Reservation left = grab(2);
  one->gate().await_adopt();
  EXPECT_EQ(write(left), store::GrantOutcome::granted);
  pay(1);
  ASSERT_TRUE(eventually([&] { return two->node().keeps.load(); }));
  EXPECT_TRUE(becomes(1, Standing::sold));
  EXPECT_TRUE(becomes(2, Standing::awaiting));
  EXPECT_TRUE(is_open(1)) << "what is open is not loaded again";

  // It wakes up, and does no harm.
  one->gate().block(false);
  EXPECT_TRUE(eventually([&] { return !one->node().keeps; }));
  publishes_ = true;
  buy(3);
  EXPECT_TRUE(becomes(3, Standing::awaiting));
  EXPECT_TRUE(is_open(1));
  EXPECT_EQ(in_redis(), in_record());
}

TEST_F(ClusterKeeper, GivesItsLeaseBackWhenItStops) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return one->node().keeps.load(); }));
  one->stop_keeper();
  EXPECT_EQ(shop_.number("SELECT until FROM lease WHERE name = 'keeper'"), 0);
  auto two = node();
  two->keep();
  EXPECT_TRUE(eventually([&] { return two->node().keeps.load(); }));
}

/// The keeper's rounds without its lease.
struct Rounds {
  explicit Rounds(KeeperNode& on, const mariadb::Address& address)
      : node(on),
        record(test::must(store::ClusterRecord::open(address))),
        feed(test::must(store::ClusterFeed::open(address))),
        loader(node.node(), node.gate(), *record, *feed),
        mirror(node.node(), *feed) {}
  void turn() {
    loader.turn(test::wall_now());
    mirror.turn(loader.open(), test::wall_now());
  }
  KeeperNode& node;
  std::unique_ptr<store::ClusterRecord> record;
  std::unique_ptr<store::ClusterFeed> feed;
  Loader loader;
  Mirror mirror;
};

TEST_F(ClusterKeeper, TwoAtOnceDoNoHarm) {
  constexpr std::int64_t kMany = 40;
  open_sale(kMany);
  auto one = node();
  auto two = node();
  std::atomic<bool> over{false};
  std::thread other([&] {
    Rounds rounds(*two, shop_.address());
    while (!over)
      rounds.turn();
  });
  Rounds rounds(*one, shop_.address());
  std::int64_t order = 0;
  // Everybody wants one, and twice Redis forgets everything.
  constexpr std::int64_t kGrabs = 3 * kMany;
  std::int64_t flushed = 0;
  const auto until = std::chrono::steady_clock::now() + 2 * kPatience;
  while (order < kGrabs && std::chrono::steady_clock::now() < until) {
    rounds.turn();
    if (flushed < 2 && order >= (flushed + 1) * kMany) {
      redis_.cli("FLUSHALL");
      ++flushed;
    }
    const auto now = stats();
    if (!now || now->state != "open") continue;
    const redis::Grab grab{OrderId{++order}, "user-" + std::to_string(order), ItemNo{0}, 1, {}};
    const auto read = redis::read_grabs(
        client_.ask(calls_.key(), calls_.grab({now->epoch}, {&grab, 1})).value, 1);
    if (!read || !read->answers[0].reservation) continue;
    client_.ask(calls_.key(),
                calls_.confirm(now->epoch, std::vector<std::string>{read->outbox_entry}));
    write(*read->answers[0].reservation, now->epoch);
    if (order % 3 == 0) cancel(order);
  }
  over = true;
  other.join();
  EXPECT_TRUE(eventually([&] {
    rounds.turn();
    const auto now = stats();
    return now && now->state == "open" && in_redis() == in_record();
  })) << testing::PrintToString(in_redis())
      << testing::PrintToString(in_record());
  EXPECT_EQ(order, kGrabs) << "the sale opened again after each loss";
  EXPECT_EQ(flushed, 2);
}

TEST_F(ClusterKeeper, FindsWhatNodesAndBrokerLeftLying) {
  open_sale();
  auto one = node();
  Rounds rounds(*one, shop_.address());
  ASSERT_TRUE(eventually([&] {
    rounds.turn();
    return is_open(1);
  }));
  grab(1);                                                  // published, and lost by the broker
  EXPECT_EQ(write(grab(2)), store::GrantOutcome::granted);  // in the record, not told to Redis
  publishes_ = false;
  grab(3);  // its node died
  redis::SweepPlan plan;
  plan.outbox_patience = Span{-1000};
  plan.straggler_patience = Span{-1000};
  Leftovers leftovers(one->node(), one->gate(), *rounds.feed, rounds.mirror, plan);
  EXPECT_TRUE(eventually([&] {
    leftovers.turn(rounds.loader.open(), test::wall_now());
    return standing(2) == Standing::awaiting && one->gate().adopted().contains(OrderId{1});
  }));
  EXPECT_THAT(one->gate().adopted(), ElementsAre(OrderId{1}, OrderId{3}));
  rounds.turn();
  EXPECT_TRUE(eventually([&] {
    rounds.turn();
    return standing(1) == Standing::awaiting && standing(3) == Standing::awaiting;
  }));
  EXPECT_EQ(in_redis(), in_record());
}

class ClusterKeeperAlone : public ClusterKeeper {
 protected:
  ClusterKeeperAlone() : ClusterKeeperAlone(std::make_unique<test::MariadbService>()) {}
  explicit ClusterKeeperAlone(std::unique_ptr<test::MariadbService> service)
      : ClusterKeeper(*service), service_(std::move(service)) {}
  std::unique_ptr<test::MariadbService> service_;
};

TEST_F(ClusterKeeperAlone, GetsOverARecordThatWasAway) {
  open_sale();
  auto one = node();
  one->keep();
  ASSERT_TRUE(eventually([&] { return is_open(1) && one->node().record_ok; }));
  service_->kill();
  EXPECT_TRUE(eventually([&] { return !one->node().record_ok; }));
  EXPECT_TRUE(eventually([&] { return !one->node().keeps; })) << "nobody knows who is the keeper";
  EXPECT_TRUE(is_open(1)) << "Redis goes on by itself";
  const redis::Reservation queued = grab(1);
  service_->start();
  EXPECT_TRUE(eventually([&] { return one->node().record_ok && one->node().keeps; }));
  shop_.reconnect();
  EXPECT_EQ(write(queued), store::GrantOutcome::granted);
  EXPECT_TRUE(becomes(1, Standing::awaiting));
  EXPECT_TRUE(is_open(1));
}

}  // namespace
}  // namespace sluice::cluster
