// The embedded engine with the real core and the real record: answers after commits, recovery,
// bounds, full disks, the herd.
#include "engine/embedded.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <future>
#include <latch>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/blocking.h"
#include "store/record.h"
#include "store/verify.h"

namespace sluice::engine {
namespace {

using sale::GrabOutcome;

/// Time as the tests want it; the engine reads it from its own threads.
std::atomic<std::int64_t> test_now_ms{1'800'000'000'000};

TimeSource test_time() {
  return {.wall_ms = [] { return test_now_ms.load(); },
          .elapsed_ms = [] { return test_now_ms.load(); }};
}

/// Runs continuations on the engine's own thread, in the order they come.
class DirectMailbox final : public Mailbox {
 public:
  void deliver(std::vector<Delivery>&& batch) override {
    for (Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  }
  void post(std::move_only_function<void()> job) override { job(); }
};

class EmbeddedEngineTest : public testing::Test {
 protected:
  EmbeddedEngineTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    test_now_ms = 1'800'000'000'000;
    options_.directory = directory_;
    options_.settings.hash_seed = 7;
    options_.pulse_period = Span{1};
    options_.time = test_time();
  }
  ~EmbeddedEngineTest() override {
    engine_.reset();
    std::filesystem::remove_all(directory_);
  }

  Engine& engine() {
    if (engine_ == nullptr) {
      auto started = start_embedded(options_);
      if (!started) throw std::runtime_error(started.error().message);
      engine_ = std::move(*started);
    }
    return *engine_;
  }

  void restart() {
    engine_.reset();
    engine();
  }

  Reply call(sale::Command&& command) {
    auto reply = engine::call(engine(), std::move(command));
    if (!reply) throw std::runtime_error(reply.error().message);
    return *reply;
  }

  /// A sale that is open now, with one item.
  ItemNo open_sale(std::int64_t stock, std::int64_t limit = 1) {
    sale::OpenSale command;
    command.by = {"test", "test"};
    command.id = "sale";
    command.title = "A sale";
    command.starts_at = Instant{test_now_ms - 1000};
    command.ends_at = Instant{test_now_ms + 3'600'000};
    command.hold = Span{60'000};
    command.items.push_back({.id = "item",
                             .title = "An item",
                             .image_url = {},
                             .description = {},
                             .price = Money{100},
                             .list_price = Money{200},
                             .currency = {},
                             .stock = Quantity{stock},
                             .per_user_limit = Quantity{limit}});
    EXPECT_EQ(std::get<sale::OpenSaleOutcome>(call(std::move(command)).outcome),
              sale::OpenSaleOutcome::opened);
    return ItemNo{0};
  }

  sale::Grab grab_by(const std::string& user) const {
    return {.user = user, .item = ItemNo{0}, .quantity = 1, .request = {}};
  }
  GrabOutcome grab(const std::string& user) {
    return std::get<GrabOutcome>(call(grab_by(user)).outcome);
  }
  sale::Counters counters() {
    return engine().catalogs().current()->find_item("item")->live->read();
  }

  void expect_sound_record() {
    engine_.reset();
    const auto report = store::verify(directory_);
    ASSERT_TRUE(report.has_value()) << report.error().message;
    for (const store::Finding& finding : report->findings) {
      ADD_FAILURE() << finding.check << ": " << finding.detail;
    }
  }

  /// Waits for what the engine does on its own account (a pulse), bounded.
  template <class Condition>
  static bool eventually(Condition&& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::string directory_;
  EmbeddedOptions options_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EmbeddedEngineTest, AnAnsweredOrderIsInTheRecord) {
  open_sale(10);
  const Reply reply = call(grab_by("alice"));
  ASSERT_EQ(std::get<GrabOutcome>(reply.outcome), GrabOutcome::granted);
  EXPECT_EQ(counters().held, Quantity{1});
  // What a kill at this moment leaves behind.
  const std::string copy = directory_ + "/copy";
  std::filesystem::create_directory(copy);
  for (const char* name : {"/record.db", "/record.db-wal", "/journal"}) {
    std::filesystem::copy_file(directory_ + name, copy + name);
  }
  const auto record = store::Record::open(copy);
  ASSERT_TRUE(record.has_value()) << record.error().message;
  auto reader = store::Reader::open(copy);
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  const auto order = (*reader)->order(reply.order.id);
  ASSERT_TRUE(order.has_value() && order->has_value());
  EXPECT_EQ((*order)->user, "alice");
}

TEST_F(EmbeddedEngineTest, WhoeverWasAnsweredReadsIt) {
  open_sale(1000);
  DirectMailbox mailbox;
  for (int i = 0; i < 200; ++i) {
    const Reply reply = call(grab_by("shopper-" + std::to_string(i)));
    std::promise<bool> found;
    ASSERT_TRUE(engine().order(reply.order.id, mailbox, [&](auto&& order) {
      found.set_value(order.has_value() && order->has_value());
    }));
    ASSERT_TRUE(found.get_future().get()) << "order " << i << " is not read yet";
  }
  engine_.reset();
}

TEST_F(EmbeddedEngineTest, RecoveryBringsBackOrdersCountersAndDuplicateChecks) {
  open_sale(2);
  const Reply first = call(grab_by("alice"));
  restart();
  const Reply again = call(grab_by("alice"));
  EXPECT_EQ(std::get<GrabOutcome>(again.outcome), GrabOutcome::already_queued);
  EXPECT_EQ(again.order.id, first.order.id);
  EXPECT_EQ(counters().available, Quantity{1});
  EXPECT_EQ(grab("bob"), GrabOutcome::granted);
  EXPECT_EQ(grab("carol"), GrabOutcome::sold_out);
  expect_sound_record();
}

TEST_F(EmbeddedEngineTest, ARequestKeyFindsItsOrderAfterARestart) {
  open_sale(2);
  sale::Grab keyed = grab_by("alice");
  keyed.request = {.high = 1, .low = 2};
  const Reply first = call(keyed);
  restart();
  const Reply replay = call(keyed);
  EXPECT_EQ(std::get<GrabOutcome>(replay.outcome), GrabOutcome::replayed);
  EXPECT_EQ(replay.order.id, first.order.id);
  keyed.quantity = 2;
  EXPECT_EQ(std::get<GrabOutcome>(call(keyed).outcome), GrabOutcome::key_mismatch);
}

TEST_F(EmbeddedEngineTest, UnpaidOrdersExpireByThemselvesAndTheUnitIsSoldAgain) {
  open_sale(1);
  const Reply reply = call(grab_by("alice"));
  test_now_ms = reply.order.expires_at.ms - 1;
  EXPECT_EQ(grab("bob"), GrabOutcome::sold_out);
  test_now_ms += 1'000;
  ASSERT_TRUE(eventually([&] { return counters().available == Quantity{1}; }));
  EXPECT_EQ(grab("bob"), GrabOutcome::granted);
  expect_sound_record();
}

TEST_F(EmbeddedEngineTest, TimePassedWhileStoppedExpiresOrdersAfterTheStart) {
  open_sale(1);
  const Reply reply = call(grab_by("alice"));
  engine_.reset();
  test_now_ms = reply.order.expires_at.ms + 10'000;
  engine();
  ASSERT_TRUE(eventually([&] { return counters().available == Quantity{1}; }));
}

TEST_F(EmbeddedEngineTest, OneShopperAThousandTimesInParallelGetsOneOrder) {
  open_sale(50);
  std::atomic<int> granted{0};
  std::atomic<int> duplicates{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 125; ++i) {
        const GrabOutcome outcome = grab("alice");
        if (outcome == GrabOutcome::granted) ++granted;
        if (outcome == GrabOutcome::already_queued) ++duplicates;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(granted.load(), 1);
  EXPECT_EQ(duplicates.load(), 999);
  expect_sound_record();
}

TEST_F(EmbeddedEngineTest, TheHerdBuysExactlyTheStock) {
  constexpr int kStock = 300;
  open_sale(kStock);
  std::atomic<int> granted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        if (grab("shopper-" + std::to_string(t) + "-" + std::to_string(i)) ==
            GrabOutcome::granted) {
          ++granted;
        }
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(granted.load(), kStock);
  EXPECT_EQ(counters().available, Quantity{0});
  EXPECT_EQ(counters().held, Quantity{kStock});
  expect_sound_record();
}

TEST_F(EmbeddedEngineTest, AFullQueueRefusesAndForgets) {
  options_.queue_bound = 4;
  open_sale(100);
  DirectMailbox mailbox;
  std::latch writer_is_busy(1);
  std::latch let_go(1);
  engine().submit(grab_by("first"), mailbox, [&](const Reply&) {
    writer_is_busy.count_down();
    let_go.wait();
  });
  writer_is_busy.wait();
  std::atomic<int> answered{0};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(engine().submit(grab_by("waits-" + std::to_string(i)), mailbox,
                              [&](const Reply&) { ++answered; }),
              Admission::accepted);
  }
  EXPECT_EQ(engine().submit(grab_by("refused"), mailbox, [](const Reply&) {}),
            Admission::overloaded);
  EXPECT_EQ(engine().health().queue_depth, 4U);
  let_go.count_down();
  EXPECT_TRUE(eventually([&] { return answered == 4; }));
  EXPECT_EQ(grab("refused"), GrabOutcome::granted) << "the refusal left no trace";
  engine_.reset();
}

TEST_F(EmbeddedEngineTest, WhatWasAcceptedBeforeTheStopIsAnsweredAndKept) {
  open_sale(1000);
  DirectMailbox mailbox;
  std::atomic<int> granted{0};
  int accepted = 0;
  for (int i = 0; i < 500; ++i) {
    if (engine().submit(grab_by("s" + std::to_string(i)), mailbox, [&](const Reply& reply) {
          if (std::get<GrabOutcome>(reply.outcome) == GrabOutcome::granted) ++granted;
        }) == Admission::accepted) {
      ++accepted;
    }
  }
  engine().stop();
  EXPECT_EQ(granted.load(), accepted);
  EXPECT_EQ(engine().submit(grab_by("late"), mailbox, [](const Reply&) {}), Admission::stopping);
  EXPECT_FALSE(engine().health().ready);
  restart();
  EXPECT_EQ(counters().held.units, accepted);
  engine_.reset();
}

TEST_F(EmbeddedEngineTest, RefusalsFromTheViewAgreeWithTheWriter) {
  open_sale(1, 2);
  const auto refuse = [&](std::string_view user, std::string_view item, std::int64_t quantity,
                          Instant at) {
    const auto catalog = engine().catalogs().current();
    return engine().refuse(user, catalog->find_item(item), quantity, at);
  };
  const Instant now{test_now_ms};
  EXPECT_EQ(refuse("bob", "nothing", 1, now), GrabOutcome::unknown_item);
  EXPECT_EQ(refuse("bob", "item", 0, now), GrabOutcome::invalid_quantity);
  EXPECT_EQ(refuse("bob", "item", -1, now), GrabOutcome::invalid_quantity);
  EXPECT_EQ(refuse("bob", "item", 1, Instant{now.ms - 5'000}), GrabOutcome::not_started);
  EXPECT_EQ(refuse("bob", "item", 1, Instant{now.ms + 4'000'000}), GrabOutcome::ended);
  EXPECT_EQ(refuse("bob", "item", 1, now), std::nullopt);
  EXPECT_EQ(refuse("bob", "item", 2, now), GrabOutcome::sold_out);
  EXPECT_EQ(grab("alice"), GrabOutcome::granted);
  EXPECT_EQ(refuse("bob", "item", 1, now), GrabOutcome::sold_out);
  EXPECT_EQ(refuse("alice", "item", 1, now), std::nullopt)
      << "she has an order: only the writer can say that she is queued already";
  EXPECT_EQ(grab("alice"), GrabOutcome::already_queued);
  call(sale::PauseSale{{"test", "test"}, SaleNo{0}, true});
  EXPECT_EQ(refuse("bob", "item", 1, now), GrabOutcome::paused);
  EXPECT_EQ(grab("bob"), GrabOutcome::paused);
}

TEST_F(EmbeddedEngineTest, AReleaseEndsTheSoldOutRefusals) {
  open_sale(1);
  const Reply reply = call(grab_by("alice"));
  call(sale::CancelByUser{"alice", reply.order.id});
  const auto catalog = engine().catalogs().current();
  EXPECT_EQ(engine().refuse("bob", catalog->find_item("item"), 1, Instant{test_now_ms}),
            std::nullopt);
  EXPECT_EQ(grab("bob"), GrabOutcome::granted);
}

TEST_F(EmbeddedEngineTest, ReadsAnswerWithCommittedDataOnTheMailbox) {
  open_sale(10, 5);
  DirectMailbox mailbox;
  const Reply first = call(grab_by("alice"));
  call(sale::CancelByUser{"alice", first.order.id});
  const Reply second = call(grab_by("alice"));
  const Reply foreign = call(grab_by("bob"));

  const auto list = [&](const std::string& user, sale::PageRequest page) {
    std::promise<Result<sale::Page<sale::OrderView>>> promise;
    EXPECT_TRUE(engine().orders_of(
        user, page, mailbox,
        [&](Result<sale::Page<sale::OrderView>>&& found) { promise.set_value(std::move(found)); }));
    return promise.get_future().get().value();
  };
  const auto all = list("alice", {});
  ASSERT_EQ(all.entries.size(), 2U);
  EXPECT_EQ(all.entries[0].id, second.order.id);
  EXPECT_EQ(all.entries[1].id, first.order.id);
  EXPECT_EQ(all.entries[1].status, sale::OrderStatus::cancelled);
  const auto page = list("alice", {.before = {}, .limit = 1});
  ASSERT_TRUE(page.next.has_value());
  const auto rest = list("alice", {.before = page.next, .limit = 1});
  ASSERT_EQ(rest.entries.size(), 1U);
  EXPECT_EQ(rest.entries[0].id, first.order.id);
  EXPECT_FALSE(rest.next.has_value());
  EXPECT_TRUE(list("nobody", {}).entries.empty());
  const auto forged = list("alice", {.before = foreign.order.id.value, .limit = 10});
  for (const auto& entry : forged.entries)
    EXPECT_EQ(entry.user, "alice");

  std::promise<std::size_t> steps;
  EXPECT_TRUE(engine().timeline(
      first.order.id, mailbox, [&](auto&& timeline) { steps.set_value(timeline.value().size()); }));
  EXPECT_EQ(steps.get_future().get(), 2U) << "granted, cancelled";
}

TEST_F(EmbeddedEngineTest, OperatorsSearchOrdersAndReadTheAuditLog) {
  open_sale(10);
  const Reply order = call(grab_by("alice"));
  DirectMailbox mailbox;
  sale::OrderFilter filter;
  filter.user = "alice";
  std::promise<Result<sale::Page<sale::OrderView>>> found;
  EXPECT_TRUE(engine().search(filter, {}, mailbox, [&](auto&& page) {
    found.set_value(std::forward<decltype(page)>(page));
  }));
  const auto orders = found.get_future().get().value();
  ASSERT_EQ(orders.entries.size(), 1U);
  EXPECT_EQ(orders.entries[0].id, order.order.id);

  std::promise<Result<sale::Page<sale::AuditEntry>>> logged;
  EXPECT_TRUE(engine().audit(
      {}, mailbox, [&](auto&& page) { logged.set_value(std::forward<decltype(page)>(page)); }));
  EXPECT_EQ(logged.get_future().get().value().entries.size(), 2U) << "the sale and its item";

  std::promise<Result<std::optional<sale::OrderView>>> single;
  EXPECT_TRUE(engine().order(order.order.id, mailbox, [&](auto&& view) {
    single.set_value(std::forward<decltype(view)>(view));
  }));
  EXPECT_EQ(single.get_future().get().value()->user, "alice");
  EXPECT_NE(engine().catalogs().current()->find_sale("sale"), nullptr);
  EXPECT_EQ(engine().catalogs().current()->find_sale("none"), nullptr);
}

TEST_F(EmbeddedEngineTest, WatchersHearOfCommittedChanges) {
  open_sale(10);
  DirectMailbox mailbox;
  std::promise<OrderNotice> heard;
  engine().watch(
      mailbox, [&](const std::vector<OrderNotice>& notices) { heard.set_value(notices.front()); });
  const Reply quiet = call(grab_by("alice"));
  ++engine().watch_count();
  call(sale::CancelByUser{"alice", quiet.order.id});
  const OrderNotice notice = heard.get_future().get();
  EXPECT_EQ(notice.order, quiet.order.id);
  EXPECT_EQ(notice.status, sale::OrderStatus::cancelled);
  engine_.reset();
}

/// Lets no file of this process grow beyond `bytes` while alive: the nearest thing to a full disk
/// that can be ended again.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(EmbeddedEngineTest, AFullDiskRefusesLosesNothingAndEndsWithTheShortage) {
  options_.journal_segment_bytes = 64 * 1024;
  open_sale(1'000'000);
  int before = 0;
  int number = 0;
  const auto next = [&] { return "shopper-" + std::to_string(number++); };
  for (; before < 50; ++before)
    ASSERT_EQ(grab(next()), GrabOutcome::granted);
  {
    // Room for the journal, which is there already, and not for the tables' log as it grows.
    const FileSizeLimit limit(2 * options_.journal_segment_bytes + 4096);
    bool refused = false;
    for (int i = 0; i < 10'000 && !refused; ++i) {
      const auto reply = engine::call(engine(), grab_by(next()));
      if (reply) {
        ++before;
      } else {
        refused = true;
        EXPECT_NE(reply.error().message.find("full"), std::string::npos) << reply.error().message;
      }
    }
    ASSERT_TRUE(refused);
    EXPECT_FALSE(engine().health().ready);
    EXPECT_EQ(counters().held.units, before) << "the refused order is not held";
  }
  test_now_ms += 2'000;
  EXPECT_EQ(grab(next()), GrabOutcome::granted);
  EXPECT_TRUE(engine().health().ready);
  EXPECT_EQ(counters().held.units, before + 1);
  expect_sound_record();
}

TEST_F(EmbeddedEngineTest, ASecondEngineOnTheSameRecordIsRefused) {
  engine();
  const auto second = start_embedded(options_);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("in use by process"), std::string::npos)
      << second.error().message;
}

}  // namespace
}  // namespace sluice::engine
