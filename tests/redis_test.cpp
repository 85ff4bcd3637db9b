// Admission in a real Redis by way of the driver: who gets a unit, what becomes of it, and the
// doctor.
#include <gmock/gmock.h>

#include <latch>
#include <map>
#include <mutex>
#include <set>

#include "redis/server_check.h"
#include "redis/subscriber.h"
#include "support/redis_world.h"

namespace sluice::test {
namespace {

using redis::Fate;
using redis::GrabCode;
using redis::MoveCode;
using redis::Refusal;
using redis::Standing;
using redis::Verb;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class RedisAdmission : public RedisWorld {};

TEST_F(RedisAdmission, AUnitIsHeldAndWrittenDownInOneStep) {
  sale.load(2);
  const auto read = sale.grabs({{OrderId{101}, "ann", kItem, 1, {7, 8}}});
  ASSERT_TRUE(read) << read.error().why;
  const redis::GrabAnswer& answer = read->answers.at(0);
  ASSERT_EQ(answer.code, GrabCode::granted);
  EXPECT_EQ(answer.order, OrderId{101});
  EXPECT_EQ(answer.available, 1);
  ASSERT_TRUE(answer.reservation);
  EXPECT_EQ(answer.reservation->standing, Standing::reserved);
  EXPECT_EQ(answer.reservation->amount(), Money{1999});
  EXPECT_EQ(answer.reservation->user, "ann");
  EXPECT_EQ(answer.reservation->request, (sale::RequestKey{7, 8}));
  EXPECT_EQ(answer.reservation->created_at, read->decided_at);
  EXPECT_EQ(answer.reservation->expires_at, read->decided_at + Span::seconds(1800));
  EXPECT_THAT(sale.counters(), ElementsAre(1, 1, 0, 0));
  const auto entries = sale.outbox();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].id, read->outbox_entry);
  ASSERT_EQ(entries[0].orders.size(), 1U);
  EXPECT_EQ(entries[0].orders[0].id, OrderId{101});
  const std::optional<redis::Reservation> found = sale.find(101);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "ann");
  EXPECT_FALSE(sale.find(102));
}

TEST_F(RedisAdmission, RefusalsComeInTheirOrder) {
  sale.load(1, 1, 2);
  EXPECT_EQ(sale.grabs({{OrderId{1}, "ann", ItemNo{99}, 1, {}}})->answers[0].code,
            GrabCode::unknown_item);
  for (const std::int64_t quantity : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 62})
    EXPECT_EQ(sale.grab(1, "ann", quantity).code, GrabCode::invalid_quantity) << quantity;
  EXPECT_EQ(sale.grab(1, "ann", 3).code, GrabCode::limit_reached);
  const redis::GrabAnswer too_many = sale.grab(1, "ann", 2);
  EXPECT_EQ(too_many.code, GrabCode::sold_out);
  EXPECT_EQ(too_many.available, 1);
  EXPECT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
  // The tutorial's 100: a second grab, of another order, names the first.
  const redis::GrabAnswer again = sale.grab(2, "ann");
  EXPECT_EQ(again.code, GrabCode::already_queued);
  EXPECT_EQ(again.order, OrderId{1});
  EXPECT_EQ(sale.grab(3, "bob").code, GrabCode::sold_out);
  EXPECT_THAT(sale.counters(), ElementsAre(0, 1, 0, 0));
  EXPECT_EQ(sale.outbox().size(), 1U);
}

TEST_F(RedisAdmission, TheWindowIsOfTheServersClock) {
  redis::Window window = kOpenWindow;
  window.starts_at = Instant{kLastInstant.ms - 1};
  sale.load(5, 1, 1, window);
  const auto define = [&](std::uint64_t version) {
    window.version = version;
    return redis::read_change(sale.reply(sale.calls.define(sale.stamp, window)));
  };
  EXPECT_EQ(sale.grab(1, "ann").code, GrabCode::not_started);
  window.starts_at = Instant{0};
  window.ends_at = Instant{1};
  EXPECT_EQ(define(2), redis::Change::changed);
  EXPECT_EQ(sale.grab(1, "ann").code, GrabCode::ended);
  window.ends_at = kLastInstant;
  window.paused = true;
  EXPECT_EQ(define(4), redis::Change::changed);
  EXPECT_EQ(sale.grab(1, "ann").code, GrabCode::paused);
  window.paused = false;
  EXPECT_EQ(define(3), redis::Change::unchanged) << "news that was overtaken";
  EXPECT_EQ(sale.grab(1, "ann").code, GrabCode::paused);
  EXPECT_EQ(define(5), redis::Change::changed);
  EXPECT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
  window.cancelled = true;
  EXPECT_EQ(define(6), redis::Change::changed);
  EXPECT_EQ(sale.grab(2, "bob").code, GrabCode::ended);
}

TEST_F(RedisAdmission, AGrabIsExecutedOnceHoweverOftenItIsSent) {
  sale.load(5);
  const redis::GrabAnswer first = sale.grab(1, "ann", 1, {1, 2});
  for (int i = 0; i < 3; ++i) {
    const redis::GrabAnswer again = sale.grab(1, "ann", 1, {1, 2});
    EXPECT_EQ(again.code, GrabCode::granted);
    EXPECT_EQ(again.reservation->created_at, first.reservation->created_at);
  }
  EXPECT_THAT(sale.counters(), ElementsAre(4, 1, 0, 0));
  EXPECT_EQ(sale.outbox().size(), 1U);
  EXPECT_EQ(sale.grab(1, "bob").code, GrabCode::id_conflict) << "two nodes with one number";
  // The same key with a new order id is the shopper's repetition, not the node's.
  const redis::GrabAnswer replayed = sale.grab(2, "ann", 1, {1, 2});
  EXPECT_EQ(replayed.code, GrabCode::replayed);
  EXPECT_EQ(replayed.order, OrderId{1});
  EXPECT_EQ(sale.grab(3, "ann", 2, {1, 2}).code, GrabCode::key_mismatch);
  EXPECT_THAT(sale.counters(), ElementsAre(4, 1, 0, 0));
}

TEST_F(RedisAdmission, AReleaseGivesBackOnce) {
  sale.load(1);
  ASSERT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
  EXPECT_EQ(sale.move(Verb::commit, 1), MoveCode::moved);
  EXPECT_EQ(sale.move(Verb::commit, 1), MoveCode::unchanged);
  EXPECT_EQ(sale.grab(2, "bob").code, GrabCode::sold_out);
  EXPECT_EQ(sale.move(Verb::release, 1), MoveCode::moved);
  EXPECT_EQ(sale.move(Verb::release, 1), MoveCode::unchanged);
  EXPECT_EQ(sale.move(Verb::fail, 1), MoveCode::unchanged);
  EXPECT_EQ(sale.move(Verb::release, 77), MoveCode::unknown_order);
  EXPECT_THAT(sale.counters(), ElementsAre(1, 0, 0, 0));
  EXPECT_EQ(sale.grab(2, "bob").code, GrabCode::granted);
  // The order that was sent again after its release says that it is released.
  EXPECT_EQ(sale.grab(1, "ann").reservation->standing, Standing::released);
  EXPECT_EQ(sale.move(Verb::pay, 1), MoveCode::refund_due) << "no unit is left for late money";
}

TEST_F(RedisAdmission, WhatIsSoldStaysSold) {
  sale.load(2);
  ASSERT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
  EXPECT_EQ(sale.move(Verb::refund, 1), MoveCode::refused);
  EXPECT_EQ(sale.move(Verb::pay, 1), MoveCode::moved);
  EXPECT_EQ(sale.move(Verb::pay, 1), MoveCode::unchanged);
  EXPECT_EQ(sale.move(Verb::release, 1), MoveCode::refused);
  EXPECT_EQ(sale.move(Verb::commit, 1), MoveCode::unchanged);
  EXPECT_EQ(sale.grab(2, "ann").code, GrabCode::limit_reached) << "paying does not free the limit";
  EXPECT_THAT(sale.counters(), ElementsAre(1, 0, 1, 0));
  EXPECT_EQ(sale.move(Verb::refund, 1), MoveCode::moved);
  EXPECT_EQ(sale.move(Verb::refund, 1), MoveCode::unchanged);
  EXPECT_THAT(sale.counters(), ElementsAre(2, 0, 0, 1));
  ASSERT_EQ(sale.grab(3, "bob").code, GrabCode::granted);
  EXPECT_EQ(sale.move(Verb::release, 3), MoveCode::moved);
  EXPECT_EQ(sale.move(Verb::pay, 3), MoveCode::moved_late);
  EXPECT_THAT(sale.counters(), ElementsAre(1, 0, 1, 1));
}

TEST_F(RedisAdmission, StockIsNeverBelowWhatIsTaken) {
  sale.load(2);
  ASSERT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
  const auto adjust = [&](std::int64_t stock) {
    return redis::read_adjust(sale.reply(sale.calls.adjust(sale.stamp, kItem, stock)));
  };
  EXPECT_EQ(adjust(0), sale::AdjustStockOutcome::below_committed);
  EXPECT_EQ(adjust(1), sale::AdjustStockOutcome::adjusted);
  EXPECT_EQ(sale.grab(2, "bob").code, GrabCode::sold_out);
  EXPECT_EQ(adjust(3), sale::AdjustStockOutcome::adjusted);
  EXPECT_THAT(sale.counters(), ElementsAre(2, 1, 0, 0));
}

TEST_F(RedisAdmission, OneUserIsOneOrderHoweverManyAskAtOnce) {
  constexpr int kGrabs = 1000, kClients = 8;
  sale.load(kGrabs);
  std::vector<std::unique_ptr<redis::Client>> clients;
  for (int i = 0; i < kClients; ++i)
    clients.push_back(std::make_unique<redis::Client>(node().address(), patient()));
  std::mutex mutex;
  std::map<GrabCode, int> codes;
  std::set<std::int64_t> orders;
  std::latch all(kGrabs);
  for (int i = 0; i < kGrabs; ++i) {
    const redis::Grab grab{OrderId{1 + i}, "ann", kItem, 1, {}};
    clients[static_cast<std::size_t>(i % kClients)]->call(
        sale.calls.key(), sale.calls.grab(sale.stamp, {&grab, 1}), [&](redis::Outcome&& outcome) {
          const auto read = redis::read_grabs(outcome.value, 1);
          {
            const std::lock_guard lock(mutex);
            if (read) {
              ++codes[read->answers[0].code];
              orders.insert(read->answers[0].order.value);
            }
          }
          all.count_down();
        });
  }
  all.wait();
  EXPECT_EQ(codes[GrabCode::granted], 1);
  EXPECT_EQ(codes[GrabCode::already_queued], kGrabs - 1);
  EXPECT_EQ(orders.size(), 1U) << "all were told the same order";
  EXPECT_THAT(sale.counters(), ElementsAre(kGrabs - 1, 1, 0, 0));
}

TEST_F(RedisAdmission, ACrowdGetsTheStockAndNoUnitMore) {
  constexpr int kStock = 100, kBatches = 100, kBatch = 16, kClients = 4;
  sale.load(kStock);
  std::vector<std::unique_ptr<redis::Client>> clients;
  for (int i = 0; i < kClients; ++i)
    clients.push_back(std::make_unique<redis::Client>(node().address(), patient()));
  std::mutex mutex;
  std::set<std::int64_t> granted;
  int sold_out = 0;
  std::latch all(kBatches);
  for (int batch = 0; batch < kBatches; ++batch) {
    std::vector<redis::Grab> grabs;
    for (int i = 0; i < kBatch; ++i) {
      const int number = batch * kBatch + i + 1;
      grabs.push_back({OrderId{number}, "user" + std::to_string(number), kItem, 1, {}});
    }
    clients[static_cast<std::size_t>(batch % kClients)]->call(
        sale.calls.key(), sale.calls.grab(sale.stamp, grabs), [&](redis::Outcome&& outcome) {
          const auto read = redis::read_grabs(outcome.value, kBatch);
          {
            const std::lock_guard lock(mutex);
            for (std::size_t i = 0; read && i < read->answers.size(); ++i) {
              if (read->answers[i].code == GrabCode::granted) {
                granted.insert(read->answers[i].order.value);
              }
              if (read->answers[i].code == GrabCode::sold_out) ++sold_out;
            }
          }
          all.count_down();
        });
  }
  all.wait();
  EXPECT_EQ(granted.size(), kStock);
  EXPECT_EQ(sold_out, kBatches * kBatch - kStock);
  std::set<std::int64_t> written;
  std::size_t rows = 0;
  for (const redis::OutboxEntry& entry : sale.outbox()) {
    rows += entry.orders.size();
    for (const redis::Reservation& order : entry.orders)
      written.insert(order.id.value);
  }
  EXPECT_EQ(rows, kStock);
  EXPECT_EQ(written, granted) << "each grant is in the outbox, and nothing else is";
}

TEST_F(RedisAdmission, StragglersAreFoundPartByPart) {
  constexpr int kOrders = 1000;
  sale.load(kOrders);
  for (int i = 0; i < kOrders; i += 250) {
    std::vector<redis::Grab> grabs;
    for (int k = 1; k <= 250; ++k)
      grabs.push_back({OrderId{i + k}, "user" + std::to_string(i + k), kItem, 1, {}});
    ASSERT_TRUE(sale.grabs(grabs));
  }
  ASSERT_EQ(sale.move(Verb::commit, 1), MoveCode::moved);
  const auto scan = [&](Instant before) {
    std::set<std::int64_t> found;
    std::string cursor = "0";
    do {
      const auto part =
          redis::read_stragglers(sale.reply(sale.calls.stragglers(cursor, 100, before)));
      if (!part) {
        ADD_FAILURE() << part.error().why;
        break;
      }
      for (const redis::Reservation& order : part->orders)
        found.insert(order.id.value);
      cursor = part->cursor;
    } while (cursor != "0");
    return found;
  };
  const std::set<std::int64_t> found = scan(kLastInstant);
  EXPECT_EQ(found.size(), kOrders - 1U);
  EXPECT_FALSE(found.contains(1)) << "it is in the record";
  EXPECT_TRUE(scan(Instant{1}).empty()) << "younger ones are on their way";
}

TEST_F(RedisAdmission, SubscribersHearOfUnitsThatCameBack) {
  sale.load(1);
  std::mutex mutex;
  std::vector<redis::Announcement> heard;
  std::latch began(1), released(1);
  redis::Subscriber subscriber(node().address(), {},
                               {[&](const redis::Announcement& one) {
                                  const std::lock_guard lock(mutex);
                                  heard.push_back(one);
                                  released.count_down();
                                },
                                [&] { began.count_down(); }});
  began.wait();
  ASSERT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
  const redis::GrabAnswer refused = sale.grab(2, "bob");
  ASSERT_EQ(refused.code, GrabCode::sold_out);
  redis::SoldOutBoard board;
  board.sold_out(kItem, refused.available, refused.revision, Instant{0});
  EXPECT_TRUE(board.refuses(kItem, 1, Instant{1}));
  ASSERT_EQ(node().cli("publish sluice:released 'no announcement'"), "1");
  ASSERT_EQ(sale.move(Verb::release, 1), MoveCode::moved);
  released.wait();
  const std::lock_guard lock(mutex);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].sale_id, id);
  EXPECT_EQ(heard[0].item, kItem);
  EXPECT_EQ(heard[0].available, 1);
  board.released(heard[0].item, heard[0].revision);
  EXPECT_FALSE(board.refuses(kItem, 1, Instant{1}));
}

TEST_F(RedisAdmission, AccountsAndDatabasesAreThoseOfTheAddress) {
  node().cli("acl setuser shop on '>p@ss:w' '~sluice:*' '&sluice:*' +@all");
  const std::string place = "127.0.0.1:" + std::to_string(node().port());
  const auto address = redis::parse_address("redis://shop:p%40ss:w@" + place + "/3");
  ASSERT_TRUE(address);
  redis::Client shop(*address, patient());
  RedisSale there(shop, id);
  there.load(1);
  EXPECT_EQ(there.grab(1, "ann").code, GrabCode::granted);
  EXPECT_EQ(sale.refusal(), Refusal::Kind::not_loaded) << "another database is another shop";
  EXPECT_EQ(node().cli("-n 3 exists 'sluice:{" + id + "}:sale'"), "1");
  redis::ConnectionOptions hasty;
  hasty.answer_timeout = Span{300};
  redis::Client stranger(*redis::parse_address("redis://shop:sesame@" + place), hasty);
  const redis::Outcome refused = stranger.ask(sale.calls.key(), sale.calls.stats());
  EXPECT_EQ(refused.fate, Fate::not_done);
  EXPECT_THAT(refused.why, HasSubstr("WRONGPASS"));
  EXPECT_THAT(refused.why, Not(HasSubstr("sesame")));
  node().cli("acl deluser shop");
}

std::string all_of(const std::vector<redis::Remark>& remarks) {
  std::string text;
  for (const redis::Remark& remark : remarks)
    text += (remark.is_fatal ? "! " : "- ") + remark.text + " -> " + remark.remedy + "\n";
  return text;
}

TEST_F(RedisAdmission, TheDoctorFindsWhatIsWrongWithAServer) {
  const auto check = [&](const redis::Address& address) {
    const auto remarks = redis::check_server(address, patient());
    EXPECT_TRUE(remarks) << remarks.error().message;
    return remarks ? all_of(*remarks) : std::string();
  };
  EXPECT_EQ(check(node().address()), "") << "deploy/services/redis is as it should be";
  node().cli("config set maxmemory-policy allkeys-lru maxmemory 100mb appendfsync no");
  EXPECT_THAT(check(node().address()), HasSubstr("! maxmemory-policy is \"allkeys-lru\""));
  EXPECT_THAT(check(node().address()), HasSubstr("- appendfsync is no"));
  node().cli("config set maxmemory 0 appendonly no");
  EXPECT_THAT(check(node().address()), HasSubstr("- maxmemory-policy is \"allkeys-lru\""));
  EXPECT_THAT(check(node().address()), HasSubstr("- appendonly is no"));
  node().cli("config set maxmemory-policy noeviction appendfsync everysec appendonly yes");
  node().cli("replicaof 127.0.0.1 1");
  EXPECT_THAT(check(node().address()), HasSubstr("! it is a replica"));
  node().cli("replicaof no one");
  redis::Address two = node().address();
  two.endpoints.push_back(two.endpoints[0]);
  EXPECT_THAT(check(two), HasSubstr("no part of a Redis Cluster"));
  node().cli("acl setuser poor on '>x' '~*' +@all -function");
  node().cli("function delete sluice_1");
  redis::Address poor = node().address();
  poor.user = "poor";
  poor.password = "x";
  EXPECT_THAT(check(poor), HasSubstr("! it has no functions sluice_1 and does not take them"));
  node().cli("acl deluser poor");
  EXPECT_EQ(check(node().address()), "");
  poor.password = "sesame";
  redis::ConnectionOptions hasty;
  hasty.answer_timeout = Span{300};
  const auto refused = redis::check_server(poor, hasty);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("WRONGPASS"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("sesame")));
}

}  // namespace
}  // namespace sluice::test
