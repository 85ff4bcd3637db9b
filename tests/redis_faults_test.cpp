// Admission while Redis forgets, dies, hangs, is full, or is not Redis at all: nobody is granted a
// unit that is not there, and nothing that was acknowledged is lost.
#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <latch>
#include <set>

#include "support/redis_world.h"
#include "support/reply_server.h"
#include "support/tcp_proxy.h"

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

class RedisFaults : public RedisWorld {
 protected:
  /// What lies in the outbox goes to the broker, as it were.
  void drain() {
    for (const redis::OutboxEntry& entry : sale.outbox()) {
      const auto gone =
          redis::read_number(sale.reply(sale.calls.confirm(sale.stats().epoch, {&entry.id, 1})));
      ASSERT_TRUE(gone) << gone.error().why;
      EXPECT_EQ(*gone, 1);
    }
  }
  /// The record's view of orders 1 to `count` of "user<number>", which await their payment.
  static std::vector<redis::Reservation> record_of(int count) {
    std::vector<redis::Reservation> orders;
    for (int i = 1; i <= count; ++i) {
      orders.push_back({OrderId{i},
                        Standing::awaiting,
                        kItem,
                        1,
                        Money{1999},
                        Instant{1},
                        kLastInstant,
                        {},
                        "user" + std::to_string(i)});
    }
    return orders;
  }
};

TEST_F(RedisFaults, WhatWasNeverLoadedAdmitsNobody) {
  EXPECT_EQ(sale.refusal(), Refusal::Kind::not_loaded);
  ASSERT_TRUE(sale.begin(1, 1));
  EXPECT_EQ(sale.refusal(), Refusal::Kind::not_loaded) << "it is being loaded";
}

TEST_F(RedisFaults, ALostEpochIsClosedUntilItIsLoadedAnew) {
  sale.load(3);
  ASSERT_EQ(sale.grab(1, "user1").code, GrabCode::granted);
  ASSERT_EQ(node().cli("flushall"), "OK");
  EXPECT_EQ(sale.refusal(), Refusal::Kind::not_loaded);
  const OrderId one{1};
  EXPECT_EQ(redis::read_moves(sale.reply(sale.calls.move(sale.stamp, Verb::pay, {&one, 1})), 1)
                .error()
                .kind,
            Refusal::Kind::not_loaded);
  EXPECT_EQ(redis::read_stats(sale.reply(sale.calls.stats())).error().kind,
            Refusal::Kind::not_loaded);
  sale.load(3, 2, 1, kOpenWindow, record_of(1));
  EXPECT_THAT(sale.counters(), ElementsAre(2, 1, 0, 0));
  EXPECT_EQ(sale.grab(2, "user1").code, GrabCode::already_queued) << "the record knew the order";
  EXPECT_EQ(sale.grab(2, "user2").code, GrabCode::granted);
  // A node that slept through it all.
  sale.stamp.epoch = 1;
  EXPECT_EQ(sale.refusal(), Refusal::Kind::stale_epoch);
}

TEST_F(RedisFaults, AnOpenSaleIsNeverLoadedOver) {
  sale.load(3);
  ASSERT_EQ(sale.grab(1, "user1").code, GrabCode::granted);
  EXPECT_EQ(sale.begin(3, 1), redis::Change::unchanged);
  EXPECT_EQ(sale.begin(3, 2).error().kind, Refusal::Kind::not_sealed);
  sale.stamp.epoch = 1;
  EXPECT_EQ(redis::read_number(sale.reply(sale.calls.seal(1))), 1) << "one entry to be drained";
  EXPECT_EQ(sale.refusal(), Refusal::Kind::not_loaded) << "sealed";
  EXPECT_EQ(sale.begin(3, 2).error().kind, Refusal::Kind::not_drained);
  drain();
  sale.load(3, 3, 1, kOpenWindow, record_of(1));
  EXPECT_EQ(sale.begin(3, 2), redis::Change::unchanged) << "overtaken by a newer epoch";
  sale.stamp.epoch = 3;
  EXPECT_THAT(sale.counters(), ElementsAre(2, 1, 0, 0));
}

TEST_F(RedisFaults, LostFunctionsComeBackUnseen) {
  sale.load(300);
  for (int i = 1; i <= 20; ++i) {
    ASSERT_EQ(node().cli("function flush"), "OK");
    EXPECT_EQ(sale.grab(i, "user" + std::to_string(i)).code, GrabCode::granted);
  }
  ASSERT_EQ(node().cli("function flush"), "OK");
  // Many calls find them gone at once, and each brings them back.
  std::latch all(200);
  std::atomic<int> granted{0};
  for (int i = 101; i <= 300; ++i) {
    const redis::Grab grab{OrderId{i}, "user" + std::to_string(i), kItem, 1, {}};
    client.call(sale.calls.key(), sale.calls.grab(sale.stamp, {&grab, 1}),
                [&](redis::Outcome&& outcome) {
                  const auto read = redis::read_grabs(outcome.value, 1);
                  if (read && read->answers[0].code == GrabCode::granted) ++granted;
                  all.count_down();
                });
  }
  all.wait();
  EXPECT_EQ(granted, 200);
  EXPECT_THAT(sale.counters(), ElementsAre(80, 220, 0, 0));
}

TEST_F(RedisFaults, ARestartKeepsWhatWasAcknowledgedAndAdmitsNobody) {
  constexpr int kGranted = 50;
  sale.load(100);
  for (int i = 1; i <= kGranted; ++i)
    ASSERT_EQ(sale.grab(i, "user" + std::to_string(i)).code, GrabCode::granted);
  node().kill();
  // A grab that waits for the connection through the restart carries the epoch that the
  // append-only file brings back; it must not count.
  const redis::Grab late{OrderId{1000}, "late", kItem, 1, {}};
  std::promise<redis::Outcome> told;
  client.call(sale.calls.key(), sale.calls.grab(sale.stamp, {&late, 1}),
              [&](redis::Outcome&& outcome) { told.set_value(std::move(outcome)); });
  node().start();
  const redis::Outcome outcome = told.get_future().get();
  // Not done: it came while the file was being read.
  if (outcome.fate == Fate::answered) {
    EXPECT_EQ(redis::read_grabs(outcome.value, 1).error().kind, Refusal::Kind::not_loaded);
  }
  EXPECT_EQ(sale.refusal(), Refusal::Kind::not_loaded);
  const redis::Stats stats = sale.stats();
  EXPECT_FALSE(stats.same_run);
  EXPECT_EQ(stats.epoch, 1U);
  EXPECT_EQ(stats.outbox_entries, kGranted);
  for (int i = 1; i <= kGranted; ++i)
    EXPECT_TRUE(sale.find(i)) << "order " << i;
  EXPECT_FALSE(sale.find(1000));
  EXPECT_EQ(sale.begin(100, 2).error().kind, Refusal::Kind::not_drained);
  drain();
  sale.load(100, 3, 1, kOpenWindow, record_of(kGranted));
  EXPECT_THAT(sale.counters(), ElementsAre(100 - kGranted, kGranted, 0, 0));
  EXPECT_TRUE(sale.stats().same_run);
  EXPECT_EQ(sale.grab(1001, "user1").code, GrabCode::already_queued);
}

TEST_F(RedisFaults, ALostReplyIsAskedForAgainAndGrantsOneUnit) {
  sale.load(1000);
  TcpProxy proxy(node().port());
  redis::Client cut_client(node().address_by(proxy.port()), patient());
  int unknown = 0;
  std::int64_t number = 0;
  for (std::size_t bytes = 0; bytes < 160; bytes += 4) {
    const redis::Grab grab{OrderId{++number}, "user" + std::to_string(number), kItem, 1, {}};
    const redis::Command command = sale.calls.grab(sale.stamp, {&grab, 1});
    // The connection is up before the cut is set: what is cut is the reply to the grab.
    while (cut_client.ask(sale.calls.key(), sale.calls.stats()).fate != Fate::answered) {
    }
    proxy.cut_reply_after(bytes);
    redis::Outcome outcome = cut_client.ask(sale.calls.key(), command);
    for (; outcome.fate != Fate::answered; outcome = cut_client.ask(sale.calls.key(), command))
      unknown += outcome.fate == Fate::unknown ? 1 : 0;
    const auto read = redis::read_grabs(outcome.value, 1);
    ASSERT_TRUE(read) << read.error().why;
    EXPECT_EQ(read->answers[0].code, GrabCode::granted) << bytes;
    EXPECT_EQ(read->answers[0].order, OrderId{number});
  }
  EXPECT_GT(unknown, 10);
  EXPECT_GT(proxy.replies_cut(), 10U);
  EXPECT_THAT(sale.counters(), ElementsAre(1000 - number, number, 0, 0));
  std::multiset<std::int64_t> written;
  for (const redis::OutboxEntry& entry : sale.outbox()) {
    for (const redis::Reservation& order : entry.orders)
      written.insert(order.id.value);
  }
  EXPECT_EQ(written.size(), static_cast<std::size_t>(number));
  for (std::int64_t i = 1; i <= number; ++i)
    EXPECT_EQ(written.count(i), 1U) << i;
}

TEST_F(RedisFaults, ALostReplyToAReleaseGivesBackOnce) {
  sale.load(10);
  TcpProxy proxy(node().port());
  redis::Client cut_client(node().address_by(proxy.port()), patient());
  for (std::int64_t i = 1; i <= 5; ++i) {
    ASSERT_EQ(sale.grab(i, "user" + std::to_string(i)).code, GrabCode::granted);
    const OrderId order{i};
    const redis::Command release = sale.calls.move(sale.stamp, Verb::release, {&order, 1});
    while (cut_client.ask(sale.calls.key(), sale.calls.stats()).fate != Fate::answered) {
    }
    proxy.cut_reply_after(1);
    EXPECT_EQ(cut_client.ask(sale.calls.key(), release).fate, Fate::unknown);
    redis::Outcome outcome;
    do {
      outcome = cut_client.ask(sale.calls.key(), release);
    } while (outcome.fate != Fate::answered);
    const auto read = redis::read_moves(outcome.value, 1);
    ASSERT_TRUE(read) << read.error().why;
    EXPECT_EQ(read->at(0), MoveCode::unchanged) << "the first one came through";
  }
  EXPECT_THAT(sale.counters(), ElementsAre(10, 0, 0, 0));
}

TEST_F(RedisFaults, AHangingServerIsGivenUpAndAskedAgain) {
  sale.load(10);
  redis::ConnectionOptions options = patient();
  options.answer_timeout = Span{200};
  redis::Client hasty(node().address(), options);
  while (hasty.ask(sale.calls.key(), sale.calls.stats()).fate != Fate::answered) {
  }
  const redis::Grab grab{OrderId{1}, "ann", kItem, 1, {}};
  const redis::Command command = sale.calls.grab(sale.stamp, {&grab, 1});
  node().suspend();
  const redis::Outcome first = hasty.ask(sale.calls.key(), command);
  const redis::Outcome second = hasty.ask(sale.calls.key(), command);
  node().resume();
  EXPECT_EQ(first.fate, Fate::unknown) << "it was sent, and may be executed yet";
  EXPECT_THAT(first.why, HasSubstr("no answer within 200 ms"));
  EXPECT_EQ(second.fate, Fate::not_done);
  redis::Outcome outcome;
  do {
    outcome = hasty.ask(sale.calls.key(), command);
  } while (outcome.fate != Fate::answered);
  EXPECT_EQ(redis::read_grabs(outcome.value, 1)->answers[0].code, GrabCode::granted);
  EXPECT_THAT(sale.counters(), ElementsAre(9, 1, 0, 0));
}

TEST_F(RedisFaults, WhatWaitsIsBoundedAndToldItsFateAtTheEnd) {
  sale.load(10);
  redis::ConnectionOptions options = patient();
  options.bound = 8;
  std::atomic<int> told{0}, refused{0}, answered{0};
  {
    redis::Client small(node().address(), options);
    ASSERT_EQ(small.ask(sale.calls.key(), sale.calls.stats()).fate, Fate::answered);
    node().suspend();
    for (int i = 0; i < 20; ++i) {
      small.call(sale.calls.key(), sale.calls.stats(), [&](redis::Outcome&& outcome) {
        ++told;
        if (outcome.fate == Fate::not_done && outcome.why.starts_with("8 commands wait")) ++refused;
        if (outcome.fate == Fate::answered) ++answered;
      });
    }
    EXPECT_EQ(refused, 12);
  }
  node().resume();
  EXPECT_EQ(told, 20);
  EXPECT_EQ(answered, 0);
}

TEST_F(RedisFaults, AFullMemoryRefusesBeforeItWrites) {
  sale.load(10);
  node().cli("config set maxmemory 1mb");
  const redis::Grab grab{OrderId{1}, "ann", kItem, 1, {}};
  const redis::Outcome outcome = sale.ask(sale.calls.grab(sale.stamp, {&grab, 1}));
  EXPECT_EQ(outcome.fate, Fate::not_done);
  EXPECT_THAT(outcome.why, HasSubstr("OOM"));
  node().cli("config set maxmemory 0");
  EXPECT_THAT(sale.counters(), ElementsAre(10, 0, 0, 0));
  EXPECT_EQ(sale.grab(1, "ann").code, GrabCode::granted);
}

TEST_F(RedisFaults, AKeyOfAnotherTypeStopsACallBeforeItWrites) {
  sale.load(10);
  const std::string key = "'sluice:{" + id + "}:";
  for (const std::string name : {"outbox'", "requests'", "users'", "orders'", "items'"}) {
    node().cli("rename " + key + "sale' kept");
    node().cli("del " + key + name);
    node().cli("rename kept " + key + "sale'");
    node().cli("set " + key + name + " nonsense");
    const auto refused = sale.grabs({{OrderId{1}, "ann", kItem, 1, {1, 1}}});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().kind, Refusal::Kind::broken);
    node().cli("del " + key + name);
    EXPECT_FALSE(sale.find(1)) << name;
    node().cli("del " + key + "sale'");
    sale.load(10);
    EXPECT_THAT(sale.counters(), ElementsAre(10, 0, 0, 0)) << name;
  }
}

TEST_F(RedisFaults, WhatIsNoReplyOfTheFunctionsGrantsNothing) {
  using Then = ReplyServer::Then;
  const std::vector<std::pair<std::string, Then>> hostile = {
      {"", Then::end},
      {"$", Then::end},
      {"HTTP/1.1 400 Bad Request\r\n\r\n", Then::stay},
      {std::string("\0\0\0\0\r\n", 6), Then::stay},
      {"$99999999999\r\n", Then::end},
      {"$-7\r\n", Then::stay},
      {"*-5\r\n", Then::stay},
      {"*2147483648\r\n", Then::stay},
      {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", Then::stay},
      {"*3\r\n:1\r\n$3\r\n1-1\r\n*3\r\n:10\r\n$1\r\n1\r\n$4\r\nxxxx\r\n", Then::stay},
      {"*3\r\n:1\r\n$3\r\n1-1\r\n*3\r\n:10\r\n", Then::end},
      {"*3\r\n:1\r\n$3\r\n1-1\r\n:10\r\n", Then::stay},
      {"*2\r\n:1\r\n$0\r\n\r\n", Then::stay},
      {"*0\r\n", Then::stay},
      {"*-1\r\n", Then::stay},
      {"$-1\r\n", Then::stay},
      {":10\r\n", Then::stay},
      {"+OK\r\n", Then::stay},
      {"+OK\r\n+OK\r\n+OK\r\n", Then::stay},
      {"-ERR Function not found\r\n", Then::stay},
      {"-MOVED 99999 127.0.0.1:1\r\n", Then::stay},
      {"-MOVED 1\r\n", Then::stay},
      {"-CLUSTERDOWN Hash slot not served\r\n", Then::stay},
      {"-TRYAGAIN Multiple keys request during rehashing of slot\r\n", Then::stay},
      {"-NOREPLICAS Not enough good replicas to write.\r\n", Then::stay},
  };
  const redis::Grab grab{OrderId{1}, "ann", kItem, 1, {}};
  for (const auto& [reply, then] : hostile) {
    SCOPED_TRACE(reply);
    ReplyServer server(reply, then);
    redis::Client victim(node().address_by(server.port()), patient());
    const redis::Outcome outcome =
        victim.ask(sale.calls.key(), sale.calls.grab(sale.stamp, {&grab, 1}));
    if (outcome.fate == Fate::answered) {
      const auto read = redis::read_grabs(outcome.value, 1);
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error().kind, Refusal::Kind::broken);
    } else {
      EXPECT_FALSE(outcome.why.empty());
    }
    EXPECT_LE(server.calls(), redis::kMaxHops);
  }
}

TEST_F(RedisFaults, RedirectionsInACircleEnd) {
  const redis::Grab grab{OrderId{1}, "ann", kItem, 1, {}};
  const std::string slot = std::to_string(redis::slot_of(sale.calls.key()));
  for (const std::string word : {"MOVED ", "ASK "}) {
    // No host is the one that answered: for ever to itself.
    ReplyServer circle("-" + word + slot + " :{port}\r\n", ReplyServer::Then::stay);
    redis::Client lost(node().address_by(circle.port()), patient());
    const redis::Outcome outcome =
        lost.ask(sale.calls.key(), sale.calls.grab(sale.stamp, {&grab, 1}));
    EXPECT_EQ(outcome.fate, Fate::not_done);
    EXPECT_EQ(circle.calls(), redis::kMaxHops) << word;
  }
}

}  // namespace
}  // namespace sluice::test
