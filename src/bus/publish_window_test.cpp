// Tests of what is unconfirmed, what is sent again and what callers are told, without a broker.
#include "bus/publish_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace sluice::bus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Span kPatience = Span::seconds(10);

/// A window, and what its callers were told.
class Case {
 public:
  explicit Case(std::size_t messages = 4, std::size_t bytes = 1 << 20)
      : window({messages, bytes, kPatience}) {}

  void add(const std::string& id, PublishWindow::Due now = 0) {
    Outgoing outgoing;
    outgoing.exchange = "exchange.order";
    outgoing.routing_key = "queue.order";
    outgoing.message.id = id;
    outgoing.then = [this, id](const Result<>& result) {
      told.push_back(id + (result ? "" : ": " + result.error().message));
    };
    window.add(std::move(outgoing), now);
  }
  /// "tag:id" of everything that may be sent now.
  std::vector<std::string> send() {
    std::vector<std::string> sent;
    while (const auto next = window.next())
      sent.push_back(std::to_string(next->tag) + ":" + next->outgoing->message.id);
    return sent;
  }
  std::vector<std::string> answers() {
    for (auto& finished : window.take_finished())
      finished.then(std::move(finished.result));
    return std::exchange(told, {});
  }

  PublishWindow window;
  std::vector<std::string> told;
};

TEST(PublishWindow, ConfirmsEachByItsTag) {
  Case c;
  for (const char* id : {"a", "b", "c"})
    c.add(id);
  EXPECT_THAT(c.send(), ElementsAre("1:a", "2:b", "3:c"));
  EXPECT_THAT(c.answers(), IsEmpty()) << "sent is not confirmed";
  EXPECT_TRUE(c.window.acked(2, false));
  EXPECT_THAT(c.answers(), ElementsAre("b"));
  EXPECT_TRUE(c.window.acked(3, true));
  EXPECT_THAT(c.answers(), ElementsAre("a", "c"));
  EXPECT_TRUE(c.window.idle());
  EXPECT_EQ(c.window.unconfirmed(), 0U);
}

TEST(PublishWindow, MultipleWithTagZeroConfirmsAll) {
  Case c;
  c.add("a");
  c.add("b");
  c.send();
  EXPECT_TRUE(c.window.acked(0, true));
  EXPECT_THAT(c.answers(), ElementsAre("a", "b"));
}

TEST(PublishWindow, SendsAgainWhatWasUnconfirmedInOrderAndBeforeTheRest) {
  Case c(3);
  for (const char* id : {"a", "b", "c", "d"})
    c.add(id);
  EXPECT_THAT(c.send(), ElementsAre("1:a", "2:b", "3:c"));
  EXPECT_TRUE(c.window.acked(2, false));
  c.answers();
  c.window.connected();
  EXPECT_THAT(c.send(), ElementsAre("1:a", "2:c", "3:d")) << "b was confirmed";
  EXPECT_TRUE(c.window.acked(3, true));
  EXPECT_THAT(c.answers(), ElementsAre("a", "c", "d"));
}

TEST(PublishWindow, AReturnIsAFailureThoughTheBrokerAcksIt) {
  Case c;
  c.add("a");
  c.add("b");
  c.send();
  EXPECT_TRUE(c.window.returned(1, "no queue"));
  EXPECT_TRUE(c.window.acked(2, true));
  EXPECT_THAT(c.answers(), ElementsAre("a: no queue", "b"));
}

TEST(PublishWindow, AReturnBeforeACutDoesNotCountAfterIt) {
  Case c;
  c.add("a");
  c.send();
  EXPECT_TRUE(c.window.returned(1, "no queue"));
  c.window.connected();
  EXPECT_THAT(c.send(), ElementsAre("1:a"));
  EXPECT_TRUE(c.window.acked(1, false));
  EXPECT_THAT(c.answers(), ElementsAre("a"));
}

TEST(PublishWindow, ARefusalOfTheBrokerSaysWhy) {
  Case c;
  c.add("a");
  c.send();
  EXPECT_TRUE(c.window.nacked(1, false));
  EXPECT_THAT(c.answers(), ElementsAre(HasSubstr("a: RabbitMQ did not take a message")));
}

TEST(PublishWindow, ABlockedBrokerIsSentNothing) {
  Case c;
  c.add("a");
  c.window.set_blocked("low on memory");
  EXPECT_THAT(c.send(), IsEmpty());
  c.window.expire(kPatience.ms - 1, "");
  EXPECT_THAT(c.answers(), IsEmpty());
  c.window.expire(kPatience.ms, "");
  EXPECT_THAT(c.answers(), ElementsAre(testing::AllOf(HasSubstr("within 10 s (not sent)"),
                                                      HasSubstr("low on memory"))));
  c.add("b");
  c.window.set_blocked("");
  EXPECT_THAT(c.send(), ElementsAre("1:b"));
}

TEST(PublishWindow, PatienceEndsButTagsGoOn) {
  Case c;
  c.add("a", 0);
  c.add("b", 1);
  c.add("c", 2);
  c.send();
  EXPECT_EQ(c.window.next_due(), kPatience.ms);
  c.window.expire(kPatience.ms + 1, "no route to host");
  EXPECT_THAT(c.answers(), ElementsAre(testing::AllOf(HasSubstr("a: "), HasSubstr("may arrive"),
                                                      HasSubstr("no route to host")),
                                       HasSubstr("b: ")));
  EXPECT_EQ(c.window.next_due(), kPatience.ms + 2);
  // Late confirms of what was given up are no surprise, in any order.
  EXPECT_TRUE(c.window.acked(2, false));
  EXPECT_TRUE(c.window.acked(1, false));
  EXPECT_TRUE(c.window.acked(3, false));
  EXPECT_THAT(c.answers(), ElementsAre("c"));
  EXPECT_FALSE(c.window.next_due());
}

TEST(PublishWindow, WhatWasGivenUpIsNotSentAgain) {
  Case c;
  c.add("a", 0);
  c.add("b", 1);
  c.send();
  c.window.expire(kPatience.ms, "");
  c.answers();
  c.window.connected();
  EXPECT_THAT(c.send(), ElementsAre("1:b"));
}

TEST(PublishWindow, IsBoundedInMessagesAndBytes) {
  Case few(2);
  for (const char* id : {"a", "b", "c"})
    few.add(id);
  EXPECT_THAT(few.send(), ElementsAre("1:a", "2:b"));
  EXPECT_TRUE(few.window.acked(1, false));
  EXPECT_THAT(few.send(), ElementsAre("3:c"));

  Case small(100, 1);
  small.add("a");
  small.add("b");
  EXPECT_THAT(small.send(), ElementsAre("1:a")) << "one always goes, however large";
  EXPECT_TRUE(small.window.acked(1, false));
  EXPECT_THAT(small.send(), ElementsAre("2:b"));
}

TEST(PublishWindow, ConfirmsOfWhatWasNotSentEndTheConnection) {
  Case c;
  EXPECT_FALSE(c.window.acked(1, false));
  EXPECT_TRUE(c.window.acked(0, true)) << "all of nothing";
  c.add("a");
  c.send();
  EXPECT_FALSE(c.window.acked(2, false));
  EXPECT_FALSE(c.window.acked(2, true));
  EXPECT_FALSE(c.window.nacked(7, false));
  EXPECT_FALSE(c.window.returned(0, "no tag"));
  EXPECT_THAT(c.answers(), IsEmpty());
}

TEST(PublishWindow, GivingUpTellsEveryone) {
  Case c(1);
  c.add("a");
  c.add("b");
  c.send();
  c.window.give_up("closed");
  EXPECT_THAT(c.answers(), ElementsAre("a: closed", "b: closed"));
  EXPECT_TRUE(c.window.idle());
}

// Against the plainest model: a set of what has not been answered. Whatever happens, everyone is
// told exactly once, success only where the broker had the message and did not return it.
RC_GTEST_PROP(PublishWindow, EveryoneIsToldOnceAndTheTruth, ()) {
  Case c(*rc::gen::inRange<std::size_t>(1, 6));
  std::map<std::uint64_t, std::string> at_broker;  // of this connection, not confirmed
  std::map<std::string, int> told;
  std::map<std::string, bool> stored;
  int added = 0;
  PublishWindow::Due now = 0;
  const auto listen = [&] {
    for (const std::string& answer : c.answers()) {
      const std::string id = answer.substr(0, answer.find(':'));
      ++told[id];
      if (answer == id) RC_ASSERT(stored[id]);
    }
  };
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 7));
  for (const int step : steps) {
    now += 1'000;
    switch (step) {
      case 0:
      case 1:
        c.add("m" + std::to_string(added++), now);
        break;
      case 2:
        while (const auto next = c.window.next())
          at_broker[next->tag] = next->outgoing->message.id;
        break;
      case 3:
        if (at_broker.empty()) break;
        stored[at_broker.begin()->second] = true;
        RC_ASSERT(c.window.acked(at_broker.begin()->first, false));
        at_broker.erase(at_broker.begin());
        break;
      case 4:
        if (at_broker.empty()) break;
        for (const auto& [tag, id] : at_broker)
          stored[id] = true;
        RC_ASSERT(c.window.acked(at_broker.rbegin()->first, true));
        at_broker.clear();
        break;
      case 5:
        c.window.connected();
        at_broker.clear();
        break;
      default:
        c.window.expire(now, "");
    }
    listen();
  }
  c.window.give_up("end");
  listen();
  for (int i = 0; i < added; ++i)
    RC_ASSERT(told["m" + std::to_string(i)] == 1);
}

TEST(PublishWindow, WhatADeletedQueueReturnedIsSentOnceMore) {
  Case c;
  c.add("a");
  Outgoing waits;
  waits.routing_key = "waiting";
  waits.message.id = "w";
  waits.target = QueueSpec{.name = "waiting"};
  waits.then = [&c](const Result<>& result) {
    c.told.push_back(result ? "w" : "w: " + result.error().message);
  };
  c.window.add(std::move(waits), 0);
  EXPECT_THAT(c.send(), ElementsAre("1:a", "2:w"));
  EXPECT_TRUE(c.window.returned(2, "no queue"));
  EXPECT_TRUE(c.window.acked(2, false));
  EXPECT_THAT(c.answers(), IsEmpty());
  EXPECT_FALSE(c.window.idle());
  EXPECT_THAT(c.send(), ElementsAre("3:w")) << "tag 2 is used up";
  EXPECT_TRUE(c.window.returned(3, "no queue again"));
  EXPECT_TRUE(c.window.acked(3, true));
  EXPECT_THAT(c.answers(), ElementsAre("a", "w: no queue again"));
  EXPECT_TRUE(c.window.idle());
  EXPECT_EQ(c.window.unconfirmed(), 0U);
}

TEST(PublishWindow, WhatMayNotBeSentIsRefusedWithoutATag) {
  Case c(1);
  EXPECT_EQ(c.window.first(), nullptr);
  c.add("a");
  c.add("b");
  ASSERT_NE(c.window.first(), nullptr);
  EXPECT_EQ(c.window.first()->message.id, "a");
  c.window.refuse("no such luck");
  EXPECT_THAT(c.answers(), ElementsAre("a: no such luck"));
  EXPECT_THAT(c.send(), ElementsAre("1:b"));
  c.add("c");
  EXPECT_EQ(c.window.first(), nullptr) << "the window is full";
  EXPECT_TRUE(c.window.acked(1, false));
  EXPECT_NE(c.window.first(), nullptr);
}

}  // namespace
}  // namespace sluice::bus
