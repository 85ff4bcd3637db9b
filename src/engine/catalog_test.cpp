// What other threads see of the writer: counters of one moment, the newest catalog, the filter.
#include "engine/catalog.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "engine/clock.h"
#include "engine/shopper_filter.h"

namespace sluice::engine {
namespace {

TEST(LiveCountersTest, EveryReadingIsOneMoment) {
  LiveCounters live;
  constexpr std::int64_t kStock = 200'000;
  live.publish({{kStock}, {kStock}, {0}, {0}, {0}}, false);
  std::thread writer([&] {
    for (std::int64_t held = 1; held <= kStock; ++held) {
      live.publish({{kStock}, {kStock - held}, {held}, {0}, {0}}, false);
    }
  });
  while (live.available() > 0)
    ASSERT_TRUE(live.read().conserved());
  writer.join();
  EXPECT_EQ(live.read().held.units, kStock);
}

TEST(CatalogReaderTest, SeesTheNewestCatalogAndKeepsTheOldOneAlive) {
  Catalogs catalogs;
  auto first = std::make_shared<Catalog>();
  first->version = 1;
  catalogs.publish(first);
  CatalogReader reader(catalogs);
  EXPECT_EQ(reader.get().version, 1U);

  auto second = std::make_shared<Catalog>();
  second->version = 2;
  catalogs.publish(second);
  const std::weak_ptr<Catalog> old = first;
  first.reset();
  EXPECT_FALSE(old.expired()) << "the reader still holds what it handed out";
  EXPECT_EQ(reader.get().version, 2U);
  EXPECT_TRUE(old.expired());
}

TEST(ShopperFilterTest, NeverForgetsAndRarelyInvents) {
  ShopperFilter filter;
  for (int i = 0; i < 100'000; ++i)
    filter.add("shopper-" + std::to_string(i));
  int invented = 0;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(filter.may_contain("shopper-" + std::to_string(i)));
    if (filter.may_contain("stranger-" + std::to_string(i))) ++invented;
  }
  EXPECT_LT(invented, 1'000);
}

std::int64_t wall_ms = 0;
std::int64_t elapsed_ms = 0;

class ClockTest : public testing::Test {
 protected:
  ClockTest() {
    wall_ms = 1'700'000'000'000;
    elapsed_ms = 5'000;
  }
  void pass(std::int64_t by) {
    wall_ms += by;
    elapsed_ms += by;
  }
  TimeSource source_{.wall_ms = [] { return wall_ms; }, .elapsed_ms = [] { return elapsed_ms; }};
};

TEST_F(ClockTest, CountsElapsedTimeFromTheWallClock) {
  const Clock clock(source_);
  EXPECT_EQ(clock.now().ms, 1'700'000'000'000);
  pass(250);
  EXPECT_EQ(clock.now().ms, 1'700'000'000'250);
}

TEST_F(ClockTest, AWallClockSetByAnHourIsReportedAndNotFollowed) {
  Clock clock(source_);
  for (const std::int64_t hour : {3'600'000, -3'600'000}) {
    wall_ms += hour;
    EXPECT_EQ(clock.follow_wall_clock(), Span{hour});
    EXPECT_EQ(clock.now().ms, 1'700'000'000'000);
    wall_ms -= hour;
  }
}

TEST_F(ClockTest, DriftIsFollowedAMillisecondAtATime) {
  Clock clock(source_);
  wall_ms += 40;
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(clock.follow_wall_clock(), Span{0});
  EXPECT_EQ(clock.now().ms, 1'700'000'000'039) << "within the rounding of the two clocks";
  wall_ms -= 80;
  clock.follow_wall_clock();
  EXPECT_EQ(clock.now().ms, 1'700'000'000'038);
}

}  // namespace
}  // namespace sluice::engine
