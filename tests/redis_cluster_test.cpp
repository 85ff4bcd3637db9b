// Admission in a Redis Cluster of three masters: redirections, a slot that moves to another server
// while shoppers grab, and a master that dies.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <latch>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "redis/server_check.h"
#include "redis/subscriber.h"
#include "support/redis_node.h"
#include "support/redis_sale.h"

namespace sluice::test {
namespace {

using redis::Fate;
using redis::GrabCode;
using redis::Refusal;
using redis::Verb;
using testing::ElementsAre;
using testing::HasSubstr;

RedisNode& nodes() {
  static RedisNode three(RedisKind::cluster);
  return three;
}

redis::ConnectionOptions patient() {
  redis::ConnectionOptions options;
  options.connect_timeout = Span::seconds(30);
  options.answer_timeout = Span::seconds(60);
  options.first_retry = Span{1};
  options.last_retry = Span{20};
  return options;
}

/// The number of the server whose slots `slot` is among, by the equal parts of --cluster create.
std::size_t home_of(std::uint16_t slot) {
  return slot <= 5460 ? 0 : slot <= 10922 ? 1 : 2;
}

std::string node_id(std::size_t server) {
  return nodes().cli("cluster myid", server);
}

/// What a migration of one slot does, step by step, so that a test can grab in between.
class Migration {
 public:
  Migration(std::uint16_t slot, std::size_t from, std::size_t to)
      : slot_(std::to_string(slot)), from_(from), to_(to) {}

  void begin() {
    set("importing " + node_id(from_), to_);
    set("migrating " + node_id(to_), from_);
  }
  /// The keys of the slot that are still at the source.
  std::vector<std::string> keys() const {
    std::vector<std::string> found;
    const std::string all = nodes().cli("cluster getkeysinslot " + slot_ + " 100", from_);
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = std::min(all.find('\n', at), all.size());
      found.push_back(all.substr(at, end - at));
      at = end + 1;
    }
    return found;
  }
  void move(const std::string& key) {
    ASSERT_EQ(nodes().cli("migrate 127.0.0.1 " + std::to_string(nodes().port(to_)) + " '" + key +
                              "' 0 20000",
                          from_),
              "OK");
  }
  void end() {
    for (std::size_t server = 0; server < 3; ++server)
      set("node " + node_id(to_), server);
  }

 private:
  void set(const std::string& what, std::size_t server) {
    ASSERT_EQ(nodes().cli("cluster setslot " + slot_ + " " + what, server), "OK");
  }
  std::string slot_;
  std::size_t from_, to_;
};

TEST(RedisCluster, EachSaleIsFoundByAClientThatKnowsOneServer) {
  redis::Address one = nodes().address();
  one.endpoints.resize(1);
  redis::Client client(one, patient());
  std::map<std::size_t, int> homes;
  for (int i = 0; i < 30; ++i) {
    RedisSale sale(client, "spread-" + std::to_string(i));
    sale.load(1);
    EXPECT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
    EXPECT_EQ(sale.grab(2, "bob").code, GrabCode::sold_out);
    EXPECT_EQ(sale.outbox().size(), 1U) << "plain commands find it as well";
    ++homes[home_of(redis::slot_of(sale.calls.key()))];
  }
  EXPECT_EQ(homes.size(), 3U) << "all three masters had sales";
}

TEST(RedisCluster, ReleasesAreHeardByASubscriberToAnyServer) {
  redis::Client client(nodes().address(), patient());
  for (std::size_t server = 0; server < 3; ++server) {
    redis::Address one = nodes().address();
    one.endpoints = {nodes().address().endpoints[server]};
    std::latch began(1), heard(1);
    redis::Subscriber subscriber(
        one, {},
        {[&](const redis::Announcement&) { heard.count_down(); }, [&] { began.count_down(); }});
    began.wait();
    RedisSale sale(client, "heard-" + std::to_string(server));
    sale.load(1);
    ASSERT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
    ASSERT_EQ(sale.move(Verb::release, 1), redis::MoveCode::moved);
    heard.wait();
  }
}

TEST(RedisCluster, ASlotThatMovesClosesItsSaleUntilItIsLoadedThere) {
  redis::Client client(nodes().address(), patient());
  RedisSale sale(client, "moving");
  const std::uint16_t slot = redis::slot_of(sale.calls.key());
  const std::size_t from = home_of(slot), to = (from + 1) % 3;
  sale.load(10);
  // With a request key: all six keys exist, so that a call meets ASK and not only TRYAGAIN.
  ASSERT_EQ(sale.grab(1, "user1", 1, {1, 1}).code, GrabCode::granted);

  Migration migration(slot, from, to);
  migration.begin();
  EXPECT_EQ(sale.grab(2, "user2", 1, {2, 2}).code, GrabCode::granted) << "all keys are here yet";
  std::set<std::string> whys;
  const std::vector<std::string> keys = migration.keys();
  ASSERT_EQ(keys.size(), 6U);
  for (const std::string& key : keys) {
    migration.move(key);
    const redis::Grab grab{OrderId{100}, "late", kItem, 1, {}};
    const redis::Outcome outcome = sale.ask(sale.calls.grab(sale.stamp, {&grab, 1}));
    if (outcome.fate == Fate::answered) {
      // All keys are there: ASK led to a server that the sale was not loaded into.
      EXPECT_EQ(key, keys.back());
      EXPECT_EQ(redis::read_grabs(outcome.value, 1).error().kind, Refusal::Kind::not_loaded);
      whys.insert("not loaded");
    } else {
      EXPECT_EQ(outcome.fate, Fate::not_done);
      EXPECT_THAT(outcome.why, HasSubstr("TRYAGAIN"));
      whys.insert("try again");
    }
  }
  EXPECT_THAT(whys, ElementsAre("not loaded", "try again"));
  migration.end();

  EXPECT_EQ(sale.refusal(), Refusal::Kind::not_loaded);
  const redis::Stats stats = sale.stats();
  EXPECT_FALSE(stats.same_run);
  EXPECT_EQ(stats.outbox_entries, 2) << "what was reserved went along";
  for (const redis::OutboxEntry& entry : sale.outbox()) {
    EXPECT_EQ(redis::read_number(sale.reply(sale.calls.confirm(1, {&entry.id, 1}))), 1);
  }
  std::vector<redis::Reservation> record;
  for (const std::int64_t order : {1, 2}) {
    const auto kept = sale.find(order);
    ASSERT_TRUE(kept) << order;
    record.push_back(*kept);
    record.back().standing = redis::Standing::awaiting;
  }
  sale.load(10, 2, 1, kOpenWindow, record);
  EXPECT_THAT(sale.counters(), ElementsAre(8, 2, 0, 0));
  EXPECT_EQ(sale.grab(3, "user3").code, GrabCode::granted);
  EXPECT_EQ(sale.grab(4, "user1").code, GrabCode::already_queued);
  EXPECT_EQ(sale.grab(5, "user9", 1, {2, 2}).code, GrabCode::key_mismatch);
}

TEST(RedisCluster, ShoppersWhoGrabWhileASlotMovesAreNeverSoldTooMuch) {
  constexpr int kStock = 200;
  redis::Client client(nodes().address(), patient());
  RedisSale sale(client, "crowded");
  const std::uint16_t slot = redis::slot_of(sale.calls.key());
  const std::size_t from = home_of(slot), to = (from + 2) % 3;
  sale.load(kStock);
  std::atomic<bool> is_over{false};
  std::set<std::int64_t> granted;
  std::thread crowd([&] {
    redis::Client other(nodes().address(), patient());
    for (std::int64_t order = 1; !is_over; ++order) {
      const sale::RequestKey request{9, static_cast<std::uint64_t>(order)};
      const redis::Grab grab{OrderId{order}, "user" + std::to_string(order), kItem, 1, request};
      const redis::Outcome outcome =
          other.ask(sale.calls.key(), sale.calls.grab(redis::Stamp{1}, {&grab, 1}));
      const auto read = redis::read_grabs(outcome.value, 1);
      if (outcome.fate == Fate::answered && read && read->answers[0].code == GrabCode::granted) {
        granted.insert(order);
      }
    }
  });
  while (sale.counters()[1] < 20) {
  }
  Migration migration(slot, from, to);
  migration.begin();
  for (std::vector<std::string> keys = migration.keys(); !keys.empty(); keys = migration.keys())
    migration.move(keys.front());
  migration.end();
  // The sale stays closed there, whatever the crowd tries.
  EXPECT_EQ(sale.refusal(), Refusal::Kind::not_loaded);
  is_over = true;
  crowd.join();
  EXPECT_GE(granted.size(), 20U);
  EXPECT_LE(granted.size(), kStock);
  const auto count = static_cast<std::int64_t>(granted.size());
  EXPECT_THAT(sale.counters(), ElementsAre(kStock - count, count, 0, 0));
  for (const std::int64_t order : granted)
    EXPECT_TRUE(sale.find(order)) << order;
}

TEST(RedisCluster, TheDoctorAsksEveryServer) {
  const auto fine = redis::check_server(nodes().address(), patient());
  ASSERT_TRUE(fine) << fine.error().message;
  EXPECT_TRUE(fine->empty()) << fine->front().text;
  nodes().cli("config set maxmemory-policy allkeys-lru cluster-require-full-coverage yes", 2);
  const auto remarks = redis::check_server(nodes().address(), patient());
  nodes().cli("config set maxmemory-policy noeviction cluster-require-full-coverage no", 2);
  ASSERT_TRUE(remarks);
  ASSERT_EQ(remarks->size(), 2U);
  for (const redis::Remark& remark : *remarks)
    EXPECT_THAT(remark.text, HasSubstr(std::to_string(nodes().port(2)) + ": "));
}

TEST(RedisCluster, ALostMasterStopsItsOwnSalesOnly) {
  redis::ConnectionOptions options = patient();
  options.connect_timeout = options.answer_timeout = Span{1000};
  redis::Client client(nodes().address(), options);
  std::array<std::unique_ptr<RedisSale>, 3> sales;
  for (int i = 0; !sales[0] || !sales[1] || !sales[2]; ++i) {
    auto sale = std::make_unique<RedisSale>(client, "left-" + std::to_string(i));
    auto& place = sales.at(home_of(redis::slot_of(sale->calls.key())));
    if (!place) place = std::move(sale);
  }
  for (auto& sale : sales)
    sale->load(10);
  nodes().kill_one(1);
  for (const std::size_t server : {0U, 2U})
    EXPECT_EQ(sales.at(server)->grab(1, "ann").code, GrabCode::granted) << server;
  const redis::Grab grab{OrderId{1}, "ann", kItem, 1, {}};
  const redis::Outcome lost = sales[1]->ask(sales[1]->calls.grab(redis::Stamp{1}, {&grab, 1}));
  EXPECT_NE(lost.fate, Fate::answered);
  nodes().start();
  redis::Outcome outcome;
  do {
    outcome = sales[1]->ask(sales[1]->calls.grab(redis::Stamp{1}, {&grab, 1}));
  } while (outcome.fate != Fate::answered);
  EXPECT_EQ(redis::read_grabs(outcome.value, 1).error().kind, Refusal::Kind::not_loaded);
  sales[1]->load(10, 2);
  EXPECT_EQ(sales[1]->grab(1, "ann").code, GrabCode::granted);
}

}  // namespace
}  // namespace sluice::test
