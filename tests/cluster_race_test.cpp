// The cluster's record when connections and servers go, and when several want the same.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <random>
#include <thread>

#include "support/cluster_world.h"

namespace sluice::store {
namespace {

using namespace test::cluster;  // NOLINT(google-build-using-namespace)
using mariadb::Failure;

TEST_F(ClusterRecordTest, ACommitWithoutAnAnswerIsLookedUp) {
  for (const bool reached : {false, true}) {
    int losses = 0;
    ClusterOptions options;
    options.at_commit = [&](bool committed) { return committed == reached && ++losses == 2; };
    auto record = open(options);
    const std::string name = reached ? "reached" : "not-reached";
    value(record->define(sale_of(name, 1, 10), kNow));
    const auto item = static_cast<std::uint32_t>(number("SELECT MAX(no) FROM item"));
    const auto replies = value(record->grant(crowd(reached ? 100 : 1, 5, item), kNow));
    EXPECT_EQ(losses, reached ? 2 : 3) << "it happened, and was done again only where it must";
    EXPECT_EQ(std::ranges::count(outcomes(replies), GrantOutcome::granted), 5)
        << "the answer is that of the first attempt";
    EXPECT_EQ(number("SELECT held FROM item_stock WHERE item_no=" + std::to_string(item)), 5);
  }
  expect_sound();
}

TEST_F(ClusterRecordTest, AWorkerThatStopsDoesNotStopTheOthers) {
  auto other = open();
  value(other->define(sale_of("s", 1, 1), kNow));
  const auto theirs = reservation(1, "a");
  const auto ours = reservation(2, "b");
  bool stopped = false;
  ClusterOptions options;
  options.idle_limit_s = 1;
  options.at_commit = [&](bool committed) {
    if (committed || stopped) return false;
    stopped = true;
    // It wrote the last unit and holds the lock; the server ends it while the other one waits.
    EXPECT_EQ(value(other->grant({&theirs, 1}, kNow)).front().outcome, GrantOutcome::granted);
    return false;
  };
  auto record = open(options);
  EXPECT_EQ(value(record->grant({&ours, 1}, kNow)).front().outcome, GrantOutcome::sold_out)
      << "awake again, it must not go on where it was";
  EXPECT_TRUE(stopped);
  expect_sound();
}

TEST_F(ClusterRecordTest, AttemptsAreBounded) {
  ClusterOptions options;
  int calls = 0;
  options.at_commit = [&calls](bool committed) { return !committed && ++calls > 0; };
  options.attempts = 3;
  auto record = open(options);
  const auto done = record->define(sale_of("s", 1, 1), kNow);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Failure::Kind::lost);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(number("SELECT COUNT(*) FROM seal"), 0);
}

TEST_F(ClusterRecordTest, WorkersShareTheStockAndOneShopperGetsOne) {
  value(open()->define(sale_of("s", 2, 300), kNow));
  constexpr int kWorkers = 4;
  std::atomic<int> granted{0};
  std::atomic<int> of_one{0};
  std::vector<std::jthread> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      auto record = open();
      for (int i = 0; i < 10; ++i) {
        // Each batch comes to two workers, as a redelivery does; and all want one for "greedy".
        auto batch = crowd((worker / 2) * 1000 + i * 20, 20, 0);
        batch.push_back(reservation(50'000 + worker * 100 + i, "greedy", 1));
        const auto replies = value(record->grant(batch, kNow));
        for (std::size_t n = 0; n < 20; ++n)
          granted += replies[n].outcome == GrantOutcome::granted ? 1 : 0;
        of_one += replies[20].outcome == GrantOutcome::granted ? 1 : 0;
      }
    });
  }
  workers.clear();
  EXPECT_EQ(granted, 300) << "400 wanted one";
  EXPECT_EQ(of_one, 1);
  EXPECT_EQ(number("SELECT held FROM item_stock WHERE item_no=0"), 300);
  expect_sound();
}

TEST_F(ClusterRecordTest, ADeadlockWithAStrangerIsDoneAgain) {
  value(open()->define(sale_of("s", 1, 10), kNow));
  // A stranger who takes locks in another order, and whom the server prefers to keep as it has
  // written more.
  auto& stranger = database_.connection();
  database_.execute("CREATE TABLE ballast(n INT PRIMARY KEY)");
  database_.execute("START TRANSACTION");
  database_.execute("INSERT INTO ballast SELECT seq FROM seq_1_to_5000");
  value(stranger.integer("SELECT stock FROM item_stock WHERE item_no = 0 FOR UPDATE"));
  const auto deadlocks = [&] {
    auto statement = value(stranger.prepare("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"));
    EXPECT_TRUE(statement.query());
    EXPECT_TRUE(value(statement.next()));
    const std::int64_t count = statement.integer(1);
    statement.reset();
    return count;
  };
  const std::int64_t before = deadlocks();
  auto granted =
      std::async(std::launch::async, [this] { return value(open()->grant(crowd(1, 5), kNow)); });
  auto watcher = value(mariadb::Connection::open(database_.address()));
  // It holds the head when it executes this, whether it waits already or not; it prepares it
  // before.
  while (granted.wait_for(std::chrono::seconds(0)) != std::future_status::ready &&
         value(watcher.integer("SELECT COUNT(*) FROM information_schema.processlist WHERE db = "
                               "DATABASE() AND command <> 'Prepare' AND info LIKE 'UPDATE "
                               "item_stock%'")) == 0) {
    std::this_thread::yield();
  }
  value(stranger.integer("SELECT seal FROM head WHERE one = 1 FOR UPDATE"));
  EXPECT_GT(deadlocks(), before) << "else this test shows nothing";
  database_.execute("COMMIT");
  EXPECT_EQ(std::ranges::count(outcomes(granted.get()), GrantOutcome::granted), 5);
  expect_sound();
}

TEST_F(ClusterRecordTest, ALockThatNobodyGivesBackIsWaitedForSoLongOnly) {
  ClusterOptions options;
  options.lock_wait_s = 1;
  options.attempts = 2;
  auto record = open(options);
  value(record->define(sale_of("s", 1, 10), kNow));
  database_.execute("START TRANSACTION");
  value(database_.connection().integer("SELECT seal FROM head FOR UPDATE"));
  const auto refused = record->grant(crowd(1, 3), kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Failure::Kind::retryable);
  database_.execute("ROLLBACK");
  EXPECT_EQ(number("SELECT COUNT(*) FROM orders"), 0);
  for (const GrantReply& reply : value(record->grant(crowd(1, 3), kNow)))
    EXPECT_EQ(reply.outcome, GrantOutcome::granted);
  expect_sound();
}

TEST_F(ClusterRecordTest, PaymentsAndSweepersRaceForEveryOrderAndOneWins) {
  constexpr std::int64_t kOrders = 600;
  const Instant later = kNow + Span{kHoldMs + kStepMs};
  ClusterOptions options;
  options.settings.has_gateway = true;
  {
    auto record = open(options);
    value(record->define(sale_of("s", 2, kOrders), kNow));
    value(record->grant(crowd(1, kOrders), kNow));
  }
  std::atomic<std::int64_t> paid{0}, closing{0}, expired{0}, closes{0};
  const auto count = [&](const Applied& applied) {
    for (const sale::Outcome& outcome : applied.outcomes) {
      if (const auto* one = std::get_if<sale::PaymentOutcome>(&outcome)) {
        paid += *one == sale::PaymentOutcome::paid ? 1 : 0;
      } else if (const auto* closed = std::get_if<sale::PaymentClosedOutcome>(&outcome)) {
        expired += *closed == sale::PaymentClosedOutcome::expired ? 1 : 0;
      } else if (const auto* pulse = std::get_if<sale::PulseOutcome>(&outcome)) {
        closing += pulse->closing;
      }
    }
    closes += static_cast<std::int64_t>(applied.closes.size());
  };
  std::vector<std::jthread> threads;
  for (int n = 0; n < 4; ++n) {
    threads.emplace_back([&, n] {
      auto record = open(options);
      if (n < 2) {
        // Every second order is paid, and both get every notification, in the other order.
        for (std::int64_t from = 2; from <= kOrders; from += 30) {
          std::vector<sale::Command> batch;
          for (std::int64_t i = from; i < std::min(from + 30, kOrders + 1); i += 2) {
            const std::int64_t order = n == 0 ? i : kOrders + 2 - i;
            batch.emplace_back(payment_of(order, "tx-" + std::to_string(order)));
          }
          count(value(record->apply(batch, later)));
        }
        return;
      }
      // Sweeps, and closes at the provider what it was told to; told once, as answers may be lost.
      for (bool more = true; more;) {
        const Applied swept = value(record->sweep(37, later));
        count(swept);
        more = std::get<sale::PulseOutcome>(swept.outcomes[0]).more;
        std::vector<sale::Command> answers;
        for (const sale::ClosePayment& close : swept.closes)
          answers.emplace_back(sale::PaymentClosed{close.order, {}, {}});
        if (!answers.empty()) count(value(record->apply(answers, later)));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(closing, closes) << "asked to close once, and nobody else was";
  EXPECT_EQ(closing, number("SELECT COUNT(*) FROM history WHERE event = 3"));
  EXPECT_EQ(expired, number("SELECT COUNT(*) FROM history WHERE event = 6"));
  EXPECT_EQ(paid, number("SELECT COUNT(*) FROM history WHERE event = 8"));
  EXPECT_EQ(number("SELECT COUNT(*) FROM orders WHERE status = 5 AND MOD(id - " +
                   std::to_string(kFirstId) + ", 2) = 0"),
            kOrders / 2)
      << "whoever paid has a unit, as there were enough";
  EXPECT_EQ(number("SELECT COUNT(*) FROM orders WHERE status = 8"), kOrders / 2);
  expect_sound();
}

TEST(ClusterRecordKill, NothingAcknowledgedIsLostAndNothingIsDoneTwice) {
  const char* given = std::getenv("SLUICE_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  SCOPED_TRACE("SLUICE_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  test::MariadbService service;
  test::TemporaryDirectory directory;
  const auto address = service.admin();
  int countdown = -1;
  ClusterOptions options;
  options.attempts = 2;
  options.at_commit = [&](bool) {
    if (countdown >= 0 && countdown-- == 0) service.kill();
    return false;
  };
  auto record = open_record(address, options);
  value(record->define(sale_of("s", 1, 5000), kNow));
  std::vector<std::vector<Reservation>> batches;
  std::jthread killer;
  for (int kill = 0; kill < 6; ++kill) {
    const bool at_random = kill % 2 == 1;
    if (at_random) {
      // In the middle of whatever it is doing by then.
      const auto pause = std::chrono::microseconds(random() % 20'000);
      killer = std::jthread([&service, pause] {
        std::this_thread::sleep_for(pause);
        service.kill();
      });
    } else {
      countdown = static_cast<int>(random() % 12);
    }
    bool killed = false;
    while (!killed) {
      const auto from = static_cast<std::int64_t>(batches.size()) * 40;
      batches.push_back(crowd(from + 1, 40));
      auto replies = record->grant(batches.back(), kNow);
      while (!replies) {
        killed = true;
        if (killer.joinable()) killer.join();
        const auto kind = replies.error().kind;
        ASSERT_TRUE(kind == Failure::Kind::lost || kind == Failure::Kind::unreachable)
            << replies.error().message;
        service.start();
        replies = record->grant(batches.back(), kNow);
      }
      for (const GrantReply& reply : *replies) {
        const bool done = reply.outcome == GrantOutcome::granted ||
                          reply.outcome == GrantOutcome::replayed ||
                          reply.outcome == GrantOutcome::sold_out;
        ASSERT_TRUE(done) << to_text(reply.outcome);
        ASSERT_EQ(reply.status, batches.size() <= 125 ? sale::OrderStatus::awaiting_payment
                                                      : sale::OrderStatus::failed);
      }
    }
  }
  auto check = mariadb::Connection::open(address);
  ASSERT_TRUE(check) << check.error().message;
  const std::int64_t seals = value(check->integer("SELECT COUNT(*) FROM seal"));
  EXPECT_EQ(value(check->integer("SELECT COUNT(*) FROM orders")),
            static_cast<std::int64_t>(batches.size()) * 40);
  for (const auto& batch : batches) {
    for (const GrantReply& reply : value(record->grant(batch, kNow)))
      ASSERT_EQ(reply.outcome, GrantOutcome::replayed);
  }
  EXPECT_EQ(value(check->integer("SELECT COUNT(*) FROM seal")), seals);
  const auto report = verify_cluster(address, directory.path());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->finding_count, 0U) << report->findings.front().detail;
  EXPECT_EQ(report->orders, batches.size() * 40);
}

}  // namespace
}  // namespace sluice::store
