// Tests of the address of a broker, of what is declared at it, and of what a refusal leads to.
#include "bus/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "bus/amqp_url.h"
#include "bus/backoff.h"
#include "bus/rabbit_consume.h"

namespace sluice::bus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

using Value = std::variant<std::string, std::int64_t>;

TEST(AmqpUrl, IsTakenApart) {
  const auto full = parse_amqp_url("amqp://shop:p%40ss%2fword@mq.example:5673/sales%2f1");
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->host, "mq.example");
  EXPECT_EQ(full->port, 5673);
  EXPECT_EQ(full->user, "shop");
  EXPECT_EQ(full->password, "p@ss/word");
  EXPECT_EQ(full->vhost, "sales/1");
  EXPECT_EQ(full->place(), "mq.example:5673/sales/1");
  for (const char* root : {"amqp://a:b@h", "amqp://a:b@h/", "amqp://a:b@h/%2f"}) {
    const auto parsed = parse_amqp_url(root);
    ASSERT_TRUE(parsed) << root;
    EXPECT_EQ(parsed->vhost, "/") << root;
    EXPECT_EQ(parsed->port, 5672) << root;
  }
  EXPECT_EQ(parse_amqp_url("amqp://[::1]:1/")->place(), "[::1]:1/");
}

TEST(AmqpUrl, BadOnesAreRefusedWithoutThePassword) {
  for (const std::string bad :
       {"", "mq.example", "http://u:secret@h/", "amqp://u:secret@h:0/", "amqp://u:secret@h:99999/",
        "amqp://u:secret@h:x/", "amqp://u:secret@h/%zz", "amqp://u:secret%00@h/",
        "amqp://u:secret@h/\n", "amqps://u:secret@h/", "amqp://u:secret@h/a/b"}) {
    const auto parsed = parse_amqp_url(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_THAT(parsed.error().message, HasSubstr("amqp://")) << bad;
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("secret"))) << bad;
  }
}

TEST(Topology, QuorumQueuesLimitDeliveriesAndParkSafely) {
  const Topology topology = topology_of({{"exchange.order", "queue.order", "queue.order"},
                                         {"exchange.order", "other", "queue.order"}},
                                        QueueKind::quorum);
  EXPECT_THAT(topology.exchanges, ElementsAre("exchange.order"));
  ASSERT_EQ(topology.queues.size(), 2U);
  EXPECT_EQ(topology.bindings.size(), 2U);
  EXPECT_EQ(topology.queues[1].name, "queue.order.parked");
  EXPECT_THAT(arguments_of(topology.queues[1]), ElementsAre(Pair("x-queue-type", Value("quorum"))));
  EXPECT_EQ(topology.queues[0].name, "queue.order");
  EXPECT_THAT(arguments_of(topology.queues[0]),
              ElementsAre(Pair("x-queue-type", Value("quorum")),
                          Pair("x-delivery-limit", Value(std::int64_t{kMaxAttempts})),
                          Pair("x-dead-letter-exchange", Value("")),
                          Pair("x-dead-letter-routing-key", Value("queue.order.parked")),
                          Pair("x-dead-letter-strategy", Value("at-least-once")),
                          Pair("x-overflow", Value("reject-publish"))));
}

TEST(Topology, ClassicQueuesHaveNoArguments) {
  const Topology topology =
      topology_of({{"exchange.order", "queue.order", "queue.order"}}, QueueKind::classic);
  for (const QueueSpec& queue : topology.queues)
    EXPECT_THAT(arguments_of(queue), IsEmpty()) << queue.name;
}

TEST(Topology, OneRetryQueuePerLength) {
  const auto length = [](std::int64_t pause_ms) {
    return retry_queue("q", QueueKind::classic, Span{pause_ms}).ttl->ms;
  };
  EXPECT_EQ(length(1), 250);
  EXPECT_EQ(length(250), 250);
  EXPECT_EQ(length(251), 500);
  EXPECT_EQ(length(30'000), 32'000);
  EXPECT_EQ(length(kLongestPause.ms), kLongestPause.ms);
  EXPECT_EQ(length(std::numeric_limits<std::int64_t>::max()), kLongestPause.ms);
  const QueueSpec queue = retry_queue("queue.order", QueueKind::quorum, Span{1'000});
  EXPECT_EQ(queue.name, "queue.order.retry.1000ms");
  EXPECT_THAT(arguments_of(queue),
              ElementsAre(Pair("x-queue-type", Value("quorum")),
                          Pair("x-message-ttl", Value(std::int64_t{1'000})),
                          Pair("x-dead-letter-exchange", Value("")),
                          Pair("x-dead-letter-routing-key", Value("queue.order")),
                          Pair("x-dead-letter-strategy", Value("at-least-once")),
                          Pair("x-overflow", Value("reject-publish"))));
}

TEST(Attempts, CountRoundsAndRedeliveries) {
  Arrived arrived;
  EXPECT_EQ(attempt_of(arrived, QueueKind::quorum), 1U);
  arrived.redelivered = true;
  arrived.deliveries = 3;
  EXPECT_EQ(attempt_of(arrived, QueueKind::quorum), 4U);
  EXPECT_EQ(attempt_of(arrived, QueueKind::classic), 2U) << "classic queues do not count";
  arrived.attempts = 5;
  EXPECT_EQ(attempt_of(arrived, QueueKind::quorum), 9U);
  arrived.attempts = arrived.deliveries = std::numeric_limits<std::uint64_t>::max();
  EXPECT_GT(attempt_of(arrived, QueueKind::quorum), kMaxAttempts) << "no overflow";
}

TEST(Attempts, ARefusalIsRetriedThenParked) {
  using Way = Refused::Way;
  EXPECT_EQ(Refused::decide(1, Span{0}).way, Way::requeue);
  EXPECT_EQ(Refused::decide(1, Span{-5}).way, Way::requeue);
  EXPECT_EQ(Refused::decide(kMaxAttempts - 1, Span{1}).way, Way::retry);
  EXPECT_EQ(Refused::decide(kMaxAttempts, Span{1}).way, Way::park);
  EXPECT_EQ(Refused::decide(kMaxAttempts, Span{0}).way, Way::park);
}

TEST(Backoff, DoublesUpToItsBoundAndBeginsAnew) {
  Backoff backoff;
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 8; ++i)
    pauses.push_back(backoff.next().ms);
  EXPECT_THAT(pauses, ElementsAre(100, 200, 400, 800, 1600, 3200, 5000, 5000));
  backoff.reset();
  EXPECT_EQ(backoff.next().ms, 100);
}

}  // namespace
}  // namespace sluice::bus
