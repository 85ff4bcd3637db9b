// What callers are told when the engine cannot: a full queue, a stop, a record that is lost, a
// wall clock that was set.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/blocking.h"
#include "engine/embedded.h"
#include "engine/testing.h"
#include "store/verify.h"

namespace sluice::engine {
namespace {

using sale::GrabOutcome;

constexpr std::int64_t kStart = 1'800'000'000'000;

// The engine's threads read the time.
std::atomic<std::int64_t> wall_ms{kStart};
std::atomic<std::int64_t> elapsed_ms{kStart};

/// Runs continuations on the engine's own thread.
class DirectMailbox final : public Mailbox {
 public:
  void deliver(std::vector<Delivery>&& batch) override {
    for (Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  }
  void post(std::move_only_function<void()> job) override { job(); }
};

/// The lines that are logged while it lives.
class CapturedLog {
 public:
  CapturedLog() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", sink_));
  }
  ~CapturedLog() { spdlog::set_default_logger(before_); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  int count(std::string_view text) const {
    int found = 0;
    for (const std::string& line : sink_->last_formatted()) {
      if (line.contains(text)) ++found;
    }
    return found;
  }

 private:
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> sink_ =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(1000);
  std::shared_ptr<spdlog::logger> before_;
};

/// Takes the right to write from every log file (not the database, whose locks hang on its
/// descriptor) that this process has open below `directory`: from now on each write fails as on a
/// dying disk, and not for want of room.
int lose_logs(const std::string& directory) {
  int lost = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int descriptor = std::stoi(entry.path().filename().string());
    std::error_code error;
    const std::filesystem::path file = std::filesystem::read_symlink(entry.path(), error);
    const std::string name = file.filename().string();
    const bool is_log = name != "record.db" && name != "record.db-shm" && name != "lock";
    if (error || file.parent_path() != directory || !is_log) continue;
    if ((fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_RDONLY) continue;
    const int readable = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (readable < 0 || dup3(readable, descriptor, O_CLOEXEC) < 0) return -1;
    close(readable);
    ++lost;
  }
  return lost;
}

class TroubleTest : public ::testing::Test {
 protected:
  TroubleTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    wall_ms = kStart;
    elapsed_ms = kStart;
    options_.directory = directory_;
    options_.pulse_period = Span{1};
    options_.time = {.wall_ms = [] { return wall_ms.load(); },
                     .elapsed_ms = [] { return elapsed_ms.load(); }};
  }
  ~TroubleTest() override {
    engine_.reset();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    engine_.reset();
    auto started = start_embedded(options_);
    if (!started) throw std::runtime_error(started.error().message);
    engine_ = std::move(*started);
  }

  /// Starts with one open sale.
  void start_sale(std::int64_t stock) {
    start();
    sale::OpenSale command;
    command.by = {"test", "test"};
    command.id = "sale";
    command.title = "A sale";
    command.starts_at = Instant{kStart - 1000};
    command.ends_at = Instant{kStart + 36'000'000};
    command.hold = Span{600'000};
    command.items.emplace_back();
    command.items.back().id = "item";
    command.items.back().title = "An item";
    command.items.back().price = Money{100};
    command.items.back().stock = Quantity{stock};
    command.items.back().per_user_limit = Quantity{1};
    const auto opened = call(*engine_, std::move(command));
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
  }

  static sale::Grab grab_by(const std::string& user) {
    return {.user = user, .item = ItemNo{0}, .quantity = 1, .request = {}};
  }
  /// What went wrong with a grab, or "granted".
  std::string grab(const std::string& user) {
    const auto reply = call(*engine_, grab_by(user));
    if (!reply) return reply.error().message;
    const bool granted = std::get<GrabOutcome>(reply->outcome) == GrabOutcome::granted;
    return granted ? "granted" : "refused";
  }
  sale::Counters counters() {
    return engine_->catalogs().current()->find_item("item")->live->read();
  }

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

TEST_F(TroubleTest, ACallOnAFullQueueSaysToTryAgain) {
  options_.queue_bound = 1;
  start_sale(10);
  DirectMailbox mailbox;
  std::latch writer_is_busy(1);
  std::latch let_go(1);
  engine_->submit(grab_by("first"), mailbox, [&](const Reply&) {
    writer_is_busy.count_down();
    let_go.wait();
  });
  writer_is_busy.wait();
  std::promise<void> answered;
  EXPECT_EQ(engine_->submit(grab_by("waits"), mailbox, [&](const Reply&) { answered.set_value(); }),
            Admission::accepted);
  EXPECT_EQ(grab("refused"), "the engine's queue is full; try again");
  EXPECT_FALSE(engine_->orders_of("first", {}, mailbox, [](auto&&) {}))
      << "a look-up of the shopper's newest order waits in the same queue";
  let_go.count_down();
  answered.get_future().wait();
  EXPECT_EQ(grab("refused"), "granted");
}

TEST_F(TroubleTest, ACallAfterTheStopSaysSo) {
  start_sale(10);
  engine_->stop();
  EXPECT_EQ(grab("late"), "the engine is stopping");
  engine_->stop();  // a second stop is none
}

TEST_F(TroubleTest, ACallThatAServiceDidNotAnswerSaysSo) {
  start_sale(10);
  auto troubled = std::make_unique<testing::TroubledEngine>(std::move(engine_));
  troubled->trouble = Reply::Trouble::unavailable;
  engine_ = std::move(troubled);
  EXPECT_EQ(grab("anybody"),
            "a service that the engine needs does not answer; see /readyz, and try again");
}

TEST_F(TroubleTest, ALostRecordEndsAdmissionsKeepsReadsAndLosesNothing) {
  const CapturedLog log;
  start_sale(10);
  ASSERT_EQ(grab("alice"), "granted");
  DirectMailbox mailbox;
  const auto orders_of_alice = [&] {
    std::promise<std::size_t> found;
    EXPECT_TRUE(engine_->orders_of("alice", {}, mailbox, [&](auto&& page) {
      found.set_value(page ? page->entries.size() : 0);
    }));
    return found.get_future().get();
  };
  EXPECT_EQ(orders_of_alice(), 1U);
  ASSERT_GT(lose_logs(directory_), 0);
  const std::string answer =
      "the record could not be written; see the log, then restart the server";
  EXPECT_EQ(grab("bob"), answer);
  EXPECT_EQ(log.count("commit:"), 1);
  EXPECT_EQ(grab("carol"), answer);
  EXPECT_EQ(log.count("commit:"), 1) << "a failed sync is never tried again";
  const Health health = engine_->health();
  EXPECT_FALSE(health.ready);
  EXPECT_FALSE(health.storage_ok);
  EXPECT_TRUE(health.storage_lost);
  EXPECT_EQ(counters().held, Quantity{1}) << "the view shows what was committed";

  EXPECT_EQ(orders_of_alice(), 1U) << "what was in the tables is read on";

  start();  // as the message says
  EXPECT_TRUE(engine_->health().ready);
  EXPECT_EQ(counters().held, Quantity{1});
  EXPECT_EQ(grab("bob"), "granted");
  engine_.reset();
  const auto report = store::verify(directory_);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_TRUE(report->findings.empty());
}

TEST_F(TroubleTest, AWallClockThatIsSetExpiresNothingAndIsReportedOnce) {
  const CapturedLog log;
  start_sale(10);
  ASSERT_EQ(grab("alice"), "granted");
  wall_ms += 7'200'000;
  const auto pulses_pass = [&](const auto& condition) {
    return eventually([&] {
      ++elapsed_ms;  // far fewer than the 600,000 of the hold
      ++wall_ms;
      return condition();
    });
  };
  ASSERT_TRUE(pulses_pass([&] { return log.count("the wall clock is") > 0; }));
  // Two more orders are two more pulses at least.
  for (const std::string user : {"bob", "carol"}) {
    elapsed_ms += 10;
    wall_ms += 10;
    EXPECT_EQ(grab(user), "granted");
  }
  EXPECT_EQ(log.count("the wall clock is"), 1);
  EXPECT_EQ(counters().held, Quantity{3}) << "two hours of wall clock end no hold";
  EXPECT_LT(engine_->now().ms, kStart + 600'000);
}

TEST_F(TroubleTest, ARecordThatCannotBeOpenedIsNoEngine) {
  options_.directory = directory_ + "/file/below";
  std::FILE* file = std::fopen((directory_ + "/file").c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fclose(file);
  const auto started = start_embedded(options_);
  ASSERT_FALSE(started.has_value());
  EXPECT_TRUE(started.error().message.contains("file")) << started.error().message;
}

TEST_F(TroubleTest, ASecondWatcherOfAMailboxReplacesTheFirst) {
  start_sale(10);
  DirectMailbox mailbox;
  std::promise<std::size_t> heard;
  engine_->watch(mailbox, [](const auto&) { ADD_FAILURE() << "the first was replaced"; });
  engine_->watch(mailbox, [&](const auto& notices) { heard.set_value(notices.size()); });
  ++engine_->watch_count();
  EXPECT_EQ(grab("alice"), "granted");
  EXPECT_EQ(heard.get_future().get(), 1U);
  engine_.reset();
}

TEST_F(TroubleTest, WithoutAClockOfItsOwnItRunsByTheSystems) {
  options_.time = TimeSource::system();
  start();
  const std::int64_t before = TimeSource::system().wall_ms();
  EXPECT_GE(engine_->now().ms, before - Clock::kLargestDrift.ms);
  EXPECT_LE(engine_->now().ms, TimeSource::system().wall_ms() + Clock::kLargestDrift.ms);
}

}  // namespace
}  // namespace sluice::engine
