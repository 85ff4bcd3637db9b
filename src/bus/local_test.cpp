// The embedded bus as its users see it: routing, order, attempts, bounds, restarts, stopping.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <latch>
#include <thread>

#include "bus/captured_log.h"
#include "bus/local.h"
#include "bus/testing.h"
#include "sqlite/sqlite.h"
#include "sqlite/testing.h"

namespace sluice::bus {
namespace {

using sqlite::testing::TemporaryDirectory;
using testing::Desk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message;
using testing::must_open;
using testing::send;
using testing::state_of;

std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i)
    all.push_back(std::to_string(i));
  return all;
}

TEST(LocalBus, BringsWhatWasPublishedAsItWas) {
  const TemporaryDirectory temporary;
  Desk desk;
  const auto bus = must_open(temporary.path());
  const Message sent{"event-1", "application/json", Instant{1'795'000'000'123}, R"({"a":"1"})"};
  ASSERT_TRUE(send(*bus, sent));
  EXPECT_EQ(state_of(*bus, "queue.order").ready, 1);
  ASSERT_TRUE(bus->consume("queue.order", 10, desk.consumer()));
  const auto delivery = desk.next();
  EXPECT_EQ(delivery->message().id, sent.id);
  EXPECT_EQ(delivery->message().content_type, sent.content_type);
  EXPECT_EQ(delivery->message().timestamp, sent.timestamp);
  EXPECT_EQ(delivery->message().body, sent.body);
  EXPECT_EQ(delivery->queue(), "queue.order");
  EXPECT_EQ(delivery->attempt(), 1);
  EXPECT_EQ(state_of(*bus, "queue.order").ready, 0);
  EXPECT_EQ(state_of(*bus, "queue.order").unacknowledged, 1);
  delivery->acknowledge();
  ASSERT_TRUE(send(*bus, "after"));
  EXPECT_EQ(desk.take(1), std::vector<std::string>{"after"});
}

TEST(LocalBus, KeepsBytesThatAreNoText) {
  const TemporaryDirectory temporary;
  const std::string bytes{"\0\xff\xfe{\n\"\0", 7};
  {
    const auto bus = must_open(temporary.path());
    ASSERT_TRUE(send(*bus, {"id", "application/octet-stream", Instant{1}, bytes}));
    ASSERT_TRUE(send(*bus, {"", "", Instant{1}, ""}));
  }
  Desk desk;
  const auto bus = must_open(temporary.path());
  ASSERT_TRUE(bus->consume("queue.order", 2, desk.consumer()));
  EXPECT_THAT(desk.take(2), ElementsAre(bytes, ""));
}

TEST(LocalBus, KeepsTheOrderOfAQueue) {
  const TemporaryDirectory temporary;
  Desk desk;
  const auto bus = must_open(temporary.path());
  for (const std::string& body : numbers(0, 100))
    ASSERT_TRUE(send(*bus, body));
  ASSERT_TRUE(bus->consume("queue.order", 7, desk.consumer()));
  for (const std::string& body : numbers(100, 200))
    ASSERT_TRUE(send(*bus, body));
  EXPECT_EQ(desk.take(200), numbers(0, 200));
}

TEST(LocalBus, CopiesAMessageToEveryQueueThatIsBound) {
  const TemporaryDirectory temporary;
  Desk orders;
  Desk others;
  const auto bus = must_open(temporary.path());
  ASSERT_TRUE(send(*bus, message("shared"), "both"));
  ASSERT_TRUE(bus->consume("queue.order", 1, orders.consumer()));
  ASSERT_TRUE(bus->consume("queue.other", 1, others.consumer()));
  EXPECT_THAT(orders.take(1), ElementsAre("shared"));
  EXPECT_THAT(others.take(1), ElementsAre("shared"));
}

TEST(LocalBus, RefusesWhatHasNowhereToGo) {
  const TemporaryDirectory temporary;
  const auto bus = must_open(temporary.path());
  const auto no_exchange = send(*bus, message("x"), "queue.order", "exchange.ordre");
  ASSERT_FALSE(no_exchange);
  EXPECT_THAT(no_exchange.error().message, HasSubstr("\"exchange.ordre\""));
  const auto no_queue = send(*bus, message("x"), "queue.none");
  ASSERT_FALSE(no_queue);
  EXPECT_THAT(no_queue.error().message, HasSubstr("\"queue.none\""));
  for (const auto& queue : bus->queues())
    EXPECT_EQ(queue.ready, 0) << queue.queue;
}

TEST(LocalBus, RefusesWhatIsTooLarge) {
  const TemporaryDirectory temporary;
  const auto bus = must_open(temporary.path());
  EXPECT_TRUE(send(*bus, message(std::string(kMaxMessageBytes, 'x'))));
  const auto large = send(*bus, message(std::string(kMaxMessageBytes + 1, 'x')));
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().message, HasSubstr("262145"));
  EXPECT_FALSE(send(*bus, {std::string(256, 'i'), "text", Instant{1}, "x"}));
  EXPECT_EQ(state_of(*bus, "queue.order").ready, 1);
}

TEST(LocalBus, AQueueIsBounded) {
  const TemporaryDirectory temporary;
  LocalLimits limits;
  limits.messages_per_queue = 3;
  Desk desk;
  const auto bus = must_open(temporary.path(), limits);
  for (const std::string& body : numbers(0, 3))
    ASSERT_TRUE(send(*bus, body));
  const auto full = send(*bus, "3");
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, HasSubstr("is full"));
  // Both queues or none.
  EXPECT_FALSE(send(*bus, message("4"), "both"));
  EXPECT_EQ(state_of(*bus, "queue.other").ready, 0);
  ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
  desk.take(1);
  // Written after the acknowledgement, which makes room.
  EXPECT_TRUE(send(*bus, "5"));
  EXPECT_TRUE(bus->healthy());
}

TEST(LocalBus, BytesAreBounded) {
  const TemporaryDirectory temporary;
  LocalLimits limits;
  limits.total_bytes = 10'000;
  {
    const auto bus = must_open(temporary.path(), limits);
    ASSERT_TRUE(send(*bus, message(std::string(9'000, 'x'))));
    EXPECT_FALSE(send(*bus, message(std::string(1'000, 'x'))));
  }
  const auto bus = must_open(temporary.path(), limits);
  EXPECT_FALSE(send(*bus, message(std::string(1'000, 'x')))) << "counted again after a restart";
  EXPECT_TRUE(send(*bus, message("small")));
}

TEST(LocalBus, RefusesAtOnceWhatIsMoreThanMayWait) {
  const TemporaryDirectory temporary;
  LocalLimits limits;
  limits.waiting_publishes = 2;
  std::latch busy(1);
  std::latch go_on(1);
  std::latch confirmed(2);
  const auto bus = must_open(temporary.path(), limits);
  bus->publish("exchange.order", "queue.order", message("0"), [&](const Result<>&) {
    busy.count_down();
    go_on.wait();
  });
  busy.wait();
  for (int i = 0; i < 2; ++i) {
    bus->publish("exchange.order", "queue.order", message("1"), [&](const Result<>& result) {
      EXPECT_TRUE(result);
      confirmed.count_down();
    });
  }
  const auto third = send(*bus, "2");  // answered although the bus's thread is kept busy
  EXPECT_FALSE(third);
  go_on.count_down();
  confirmed.wait();
  EXPECT_EQ(state_of(*bus, "queue.order").ready, 3);
}

TEST(LocalBus, WhatIsGivenBackComesAgainAfterItsPause) {
  const TemporaryDirectory temporary;
  Desk desk;
  const auto bus = must_open(temporary.path());
  ASSERT_TRUE(bus->consume("queue.order", 10, desk.consumer()));
  ASSERT_TRUE(send(*bus, "slow"));
  ASSERT_TRUE(send(*bus, "next"));
  auto slow = desk.next();
  const auto before = std::chrono::steady_clock::now();
  slow->give_back(Span{50});
  EXPECT_EQ(desk.take(1), std::vector<std::string>{"next"}) << "nobody waits for it";
  slow = desk.next();
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(49));
  EXPECT_EQ(slow->message().body, "slow");
  EXPECT_EQ(slow->attempt(), 2);
  slow->acknowledge();
}

TEST(LocalBus, ADroppedDeliveryComesAgain) {
  const TemporaryDirectory temporary;
  LocalLimits limits;
  limits.dropped_pause = Span{0};
  Desk desk;
  const auto bus = must_open(temporary.path(), limits);
  ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
  ASSERT_TRUE(send(*bus, "x"));
  desk.next().reset();
  EXPECT_EQ(desk.next()->attempt(), 2);
}

TEST(LocalBus, PoisonIsParkedAndHoldsNobodyUp) {
  const TemporaryDirectory temporary;
  {
    Desk desk;
    const auto bus = must_open(temporary.path());
    ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
    ASSERT_TRUE(send(*bus, "poison"));
    for (std::uint32_t attempt = 1; attempt <= kMaxAttempts; ++attempt) {
      const auto delivery = desk.next();
      ASSERT_EQ(delivery->attempt(), attempt);
      delivery->give_back(Span{0});
    }
    ASSERT_TRUE(send(*bus, "good"));
    EXPECT_THAT(desk.take(1), ElementsAre("good"));
    EXPECT_EQ(state_of(*bus, "queue.order").parked, 1);
  }
  Desk desk;
  const auto bus = must_open(temporary.path());
  EXPECT_EQ(state_of(*bus, "queue.order").parked, 1);
  ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
  ASSERT_TRUE(send(*bus, "later"));
  EXPECT_THAT(desk.take(1), ElementsAre("later"));
}

TEST(LocalBus, WhatNobodyUnderstandsIsParkedAtOnce) {
  const TemporaryDirectory temporary;
  {
    Desk desk;
    const auto bus = must_open(temporary.path());
    ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
    ASSERT_TRUE(send(*bus, "gibberish"));
    desk.next()->park();
    ASSERT_TRUE(send(*bus, "good"));
    EXPECT_THAT(desk.take(1), ElementsAre("good"));
    EXPECT_EQ(state_of(*bus, "queue.order").parked, 1);
  }
  EXPECT_EQ(state_of(*must_open(temporary.path()), "queue.order").parked, 1);
}

TEST(LocalBus, NoMoreDeliveriesAreOpenThanAgreed) {
  const TemporaryDirectory temporary;
  Desk desk;
  const auto bus = must_open(temporary.path());
  ASSERT_TRUE(bus->consume("queue.order", 3, desk.consumer()));
  for (const std::string& body : numbers(0, 10))
    ASSERT_TRUE(send(*bus, body));
  EXPECT_EQ(desk.waiting(), 3);
  EXPECT_EQ(state_of(*bus, "queue.order").unacknowledged, 3);
  EXPECT_EQ(state_of(*bus, "queue.order").ready, 7);
  EXPECT_EQ(desk.take(10), numbers(0, 10));
}

TEST(LocalBus, AQueueHasOneConsumer) {
  const TemporaryDirectory temporary;
  Desk desk;
  const auto bus = must_open(temporary.path());
  EXPECT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
  EXPECT_FALSE(bus->consume("queue.order", 1, desk.consumer()));
  EXPECT_FALSE(bus->consume("queue.none", 1, desk.consumer()));
  bus->stop();
  EXPECT_FALSE(bus->consume("queue.other", 1, desk.consumer()));
}

TEST(LocalBus, WhatWasNotAcknowledgedIsThereAfterARestart) {
  const TemporaryDirectory temporary;
  {
    Desk desk;
    const auto bus = must_open(temporary.path());
    for (const std::string& body : numbers(0, 10))
      ASSERT_TRUE(send(*bus, body));
    ASSERT_TRUE(bus->consume("queue.order", 5, desk.consumer()));
    EXPECT_EQ(desk.take(3), numbers(0, 3));
    ASSERT_TRUE(send(*bus, "10"));  // the acknowledgements are written with it, or before
    const auto under_way = desk.next();
    bus->stop();
    under_way->acknowledge();  // too late: it comes again
    EXPECT_FALSE(send(*bus, "11"));
  }
  Desk desk;
  const auto bus = must_open(temporary.path());
  EXPECT_EQ(state_of(*bus, "queue.order").ready, 8);
  ASSERT_TRUE(bus->consume("queue.order", 10, desk.consumer()));
  const auto first = desk.next();
  EXPECT_EQ(first->message().body, "3");
  EXPECT_EQ(first->attempt(), 1) << "a clean stop is not the message's fault";
  first->acknowledge();
  EXPECT_EQ(desk.take(7), numbers(4, 11));
}

TEST(LocalBus, AQueueWithoutBindingKeepsItsMessages) {
  const TemporaryDirectory temporary;
  ASSERT_TRUE(send(*must_open(temporary.path()), "old"));
  auto bus = open_local(temporary.path(), {{"exchange.new", "key", "queue.new"}});
  ASSERT_TRUE(bus) << bus.error().message;
  EXPECT_FALSE(send(**bus, "x"));
  Desk desk;
  ASSERT_TRUE((*bus)->consume("queue.order", 1, desk.consumer()));
  EXPECT_THAT(desk.take(1), ElementsAre("old"));
}

// Publishers on many threads while the bus stops: everyone is answered once, and what was confirmed
// is there.
TEST(LocalBus, StoppingAnswersEveryPublisherOnce) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  const TemporaryDirectory temporary;
  std::atomic<int> answered{0};
  std::atomic<std::uint64_t> confirmed{0};
  {
    const auto bus = must_open(temporary.path());
    std::latch under_way(kThreads);
    std::vector<std::jthread> publishers;
    publishers.reserve(kThreads);
    for (int thread = 0; thread < kThreads; ++thread) {
      publishers.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          bus->publish("exchange.order", "queue.order", message("x"), [&](const Result<>& result) {
            ++answered;
            if (result) ++confirmed;
          });
          if (i == kEach / 2) under_way.count_down();
        }
      });
    }
    under_way.wait();
    bus->stop();
    publishers.clear();
    EXPECT_EQ(answered, kThreads * kEach);
  }
  EXPECT_EQ(state_of(*must_open(temporary.path()), "queue.order").ready, confirmed);
}

TEST(LocalBus, ADeliveryMayOutliveTheBus) {
  const TemporaryDirectory temporary;
  Desk desk;
  std::unique_ptr<Delivery> delivery;
  {
    const auto bus = must_open(temporary.path());
    ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
    ASSERT_TRUE(send(*bus, "x"));
    delivery = desk.next();
  }
  delivery->give_back(Span{0});
  EXPECT_EQ(delivery->message().body, "x");
}

TEST(LocalBus, HasOneProcess) {
  const TemporaryDirectory temporary;
  const auto bus = must_open(temporary.path());
  const auto second = open_local(temporary.path(), testing::bindings());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("is in use by process"));
}

TEST(LocalBus, RefusesBindingsThatNameNothing) {
  const TemporaryDirectory temporary;
  for (const std::string& name :
       {std::string(), std::string(256, 'n'), std::string("a\nb"), std::string("\xff")}) {
    EXPECT_FALSE(open_local(temporary.path(), {{name, "key", "queue"}}));
    EXPECT_FALSE(open_local(temporary.path(), {{"exchange", name, "queue"}}));
    EXPECT_FALSE(open_local(temporary.path(), {{"exchange", "key", name}}));
  }
}

void tamper(const std::string& directory, const char* sql) {
  auto file = sqlite::Connection::open(directory + "/bus.db", sqlite::Connection::Mode::read_write);
  ASSERT_TRUE(file) << file.error().message;
  const auto done = file->execute(sql);
  ASSERT_TRUE(done) << done.error().message;
}

TEST(LocalBus, WhatEndedTheProcessTooOftenIsParkedAtTheStartWithAnAlarm) {
  const TemporaryDirectory temporary;
  ASSERT_TRUE(send(*must_open(temporary.path()), Message{"event-9", {}, Instant{1}, "deadly"}));
  tamper(temporary.path(), "UPDATE message SET attempts = 20");
  const testing::CapturedLog log;
  {
    const auto bus = must_open(temporary.path());
    EXPECT_EQ(state_of(*bus, "queue.order").parked, 1);
    EXPECT_EQ(state_of(*bus, "queue.order").ready, 0);
    EXPECT_EQ(log.count("alarm: the bus: the message 1 of \"queue.order\" is parked for a person"),
              1);
  }
  EXPECT_EQ(state_of(*must_open(temporary.path()), "queue.order").parked, 1);
  EXPECT_EQ(log.count("alarm"), 1) << "once, where it was parked";
}

TEST(LocalBus, RefusesAFileThatIsNotItsOwn) {
  const TemporaryDirectory temporary;
  const std::string directory = temporary.path();
  ASSERT_TRUE(send(*must_open(directory), "x"));
  tamper(directory, "PRAGMA user_version = 99");
  auto opened = open_local(directory, testing::bindings());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("written by a newer version"));
  tamper(directory, "PRAGMA user_version = 1; PRAGMA application_id = 7");
  opened = open_local(directory, testing::bindings());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("database of another program"));
  std::ofstream(directory + "/bus.db", std::ios::trunc) << "not a database";
  opened = open_local(directory, testing::bindings());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("was damaged"));
  std::ofstream(directory + "/bus.db", std::ios::trunc) << std::string(8192, 'x');
  EXPECT_FALSE(open_local(directory, testing::bindings()));
}

TEST(LocalBus, RefusesMessagesOfAQueueThatIsNotThere) {
  const TemporaryDirectory temporary;
  ASSERT_TRUE(send(*must_open(temporary.path()), "x"));
  tamper(temporary.path(), "UPDATE message SET queue_no = 9");
  EXPECT_FALSE(open_local(temporary.path(), testing::bindings()));
  tamper(temporary.path(), "UPDATE message SET queue_no = 0; DELETE FROM queue WHERE no = 0");
  EXPECT_FALSE(open_local(temporary.path(), testing::bindings()));
}

}  // namespace
}  // namespace sluice::bus
