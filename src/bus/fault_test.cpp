// Kills, full disks, failing syncs and power cuts: what was confirmed stays, in its order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "bus/local.h"
#include "bus/testing.h"
#include "sqlite/fault_vfs.h"
#include "sqlite/testing.h"

namespace sluice::bus {
namespace {

using sqlite::testing::FaultVfs;
using sqlite::testing::TemporaryDirectory;
using sqlite::testing::write_image;
using testing::Desk;
using ::testing::HasSubstr;
using testing::message;
using testing::must_open;
using testing::send;
using testing::state_of;

/// What a child that will be killed says: the number of a message, and what it knows of it.
struct Word {
  enum class Kind : std::uint8_t { confirmed, acknowledged } kind;
  std::int32_t number;
};

/// Publishes from two threads and acknowledges what it is given, until it is killed.
[[noreturn]] void live(const std::string& directory, int first, int out) {
  const auto say = [out](Word::Kind kind, int number) {
    const Word word{kind, number};
    if (::write(out, &word, sizeof word) != sizeof word) ::_exit(3);
  };
  auto opened = open_local(directory, testing::bindings());
  if (!opened) ::_exit(2);
  Bus& bus = **opened;
  const auto consumed = bus.consume("queue.order", 4, [&](std::unique_ptr<Delivery> delivery) {
    say(Word::Kind::acknowledged, std::stoi(delivery->message().body));
    delivery->acknowledge();
  });
  if (!consumed) ::_exit(2);
  const auto publish = [&](int from) {
    for (int number = from;; number += 2) {
      bus.publish("exchange.order", "both", message(std::to_string(number)),
                  [&say, number](const Result<>& result) {
                    if (result) say(Word::Kind::confirmed, number);
                  });
      if (number % 64 < 2) std::this_thread::yield();
    }
  };
  const std::jthread other([&] { publish(first + 1); });
  publish(first);
  ::_exit(0);
}

/// Runs a life and kills it after so many words. What it said.
std::vector<Word> life_and_death(const std::string& directory, int first, std::size_t words) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    live(directory, first, pipe[1]);
  }
  ::close(pipe[1]);
  std::vector<Word> said;
  Word word{};
  while (::read(pipe[0], &word, sizeof word) == sizeof word) {
    said.push_back(word);
    if (said.size() == words) ::kill(child, SIGKILL);
  }
  ::close(pipe[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  return said;
}

TEST(LocalBusFaults, SigkillWhilePublishingLosesNothingConfirmed) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const TemporaryDirectory temporary;
  std::vector<int> confirmed;
  std::map<int, int> acknowledged;
  for (int round = 0; round < 8; ++round) {
    const auto said = life_and_death(temporary.path(), round * 1'000'000, 1 + random() % 3'000);
    for (const Word& word : said) {
      if (word.kind == Word::Kind::confirmed) confirmed.push_back(word.number);
      if (word.kind == Word::Kind::acknowledged) ++acknowledged[word.number];
    }
  }
  ASSERT_FALSE(confirmed.empty());
  Desk others;
  Desk orders;
  const auto bus = must_open(temporary.path());
  // Nobody took from this one: it has every confirmed message once, each publisher's in its order.
  ASSERT_TRUE(bus->consume("queue.other", 100, others.consumer()));
  std::vector<int> kept;
  for (const auto& body : others.take(state_of(*bus, "queue.other").ready +
                                      state_of(*bus, "queue.other").unacknowledged)) {
    kept.push_back(std::stoi(body));
  }
  for (int parity = 0; parity < 2; ++parity) {
    std::vector<int> mine;
    std::ranges::copy_if(kept, std::back_inserter(mine),
                         [parity](int number) { return number % 2 == parity; });
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    EXPECT_EQ(std::ranges::adjacent_find(mine), mine.end()) << "a message is there twice";
  }
  std::ranges::sort(kept);
  std::ranges::sort(confirmed);
  EXPECT_TRUE(std::ranges::includes(kept, confirmed)) << "a confirmed message is lost";
  // From the other they were taken: each was delivered, or still is.
  const auto left = state_of(*bus, "queue.order").ready;
  ASSERT_TRUE(bus->consume("queue.order", 100, orders.consumer()));
  for (const auto& body : orders.take(left))
    ++acknowledged[std::stoi(body)];
  for (const int number : confirmed)
    EXPECT_TRUE(acknowledged.contains(number)) << number << " was never delivered";
}

TEST(LocalBusFaults, AProcessThatDiesOfAMessageEndsWithItParked) {
  const TemporaryDirectory temporary;
  ASSERT_TRUE(send(*must_open(temporary.path()), "deadly"));
  for (std::uint32_t life = 1; life <= kMaxAttempts; ++life) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto bus = open_local(temporary.path(), testing::bindings());
      if (!bus) ::_exit(99);
      const auto consumed = (*bus)->consume("queue.order", 1, [](const auto& delivery) {
        ::_exit(static_cast<int>(delivery->attempt()));
      });
      if (!consumed) ::_exit(99);
      for (;;)
        ::pause();
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), static_cast<int>(life));
  }
  const auto bus = must_open(temporary.path());
  EXPECT_EQ(state_of(*bus, "queue.order").parked, 1);
  EXPECT_EQ(state_of(*bus, "queue.order").ready, 0);
}

TEST(LocalBusFaults, AFullDiskRefusesAndIsTriedAgain) {
  int refused = 0;
  for (std::uint64_t nth = 0;; ++nth) {
    SCOPED_TRACE("disk full at write " + std::to_string(nth));
    FaultVfs disk;
    const TemporaryDirectory temporary;
    LocalLimits limits;
    limits.full_disk_pause = Span{0};
    Desk desk;
    auto bus = must_open(temporary.path(), limits);
    ASSERT_TRUE(send(*bus, "before"));
    ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
    auto before = desk.next();
    disk.fail_from(FaultVfs::Operation::write, nth, SQLITE_FULL);
    const auto during = send(*bus, "during");
    if (during) {
      EXPECT_GT(refused, 0) << "no write was reached";
      break;
    }
    ++refused;
    EXPECT_THAT(during.error().message, HasSubstr("Free some space"));
    EXPECT_FALSE(bus->healthy());
    before->acknowledge();  // cannot be written now, and is when there is room
    EXPECT_FALSE(send(*bus, "still full"));
    disk.heal();
    ASSERT_TRUE(send(*bus, "after"));
    EXPECT_TRUE(bus->healthy());
    const auto after = desk.next();
    EXPECT_EQ(after->message().body, "after");
    EXPECT_EQ(after->attempt(), 1);
    bus->stop();
    bus.reset();
    EXPECT_EQ(state_of(*must_open(temporary.path()), "queue.order").ready, 1);
  }
}

TEST(LocalBusFaults, AFullDiskThatHasRoomAgainIsNoticedWithoutAPublish) {
  FaultVfs disk;
  const TemporaryDirectory temporary;
  LocalLimits limits;
  limits.full_disk_pause = Span{1};
  const auto bus = must_open(temporary.path(), limits);
  disk.fail_from(FaultVfs::Operation::write, 0, SQLITE_FULL);
  ASSERT_FALSE(send(*bus, "x"));
  EXPECT_FALSE(bus->healthy());
  disk.heal();
  while (!bus->healthy())
    std::this_thread::yield();
}

class BrokenDisk : public ::testing::TestWithParam<std::pair<FaultVfs::Operation, int>> {};

// After a failed sync nobody knows what reached the disk: nothing is confirmed any more, even
// though the disk works again, and a new start finds all that was confirmed.
TEST_P(BrokenDisk, EndsTheBusAndKeepsWhatWasConfirmed) {
  const auto [operation, code] = GetParam();
  int failures = 0;
  for (std::uint64_t nth = 0;; ++nth) {
    SCOPED_TRACE("failure at operation " + std::to_string(nth));
    const TemporaryDirectory temporary;
    FaultVfs disk;
    Desk desk;
    Desk again;
    auto bus = must_open(temporary.path());
    ASSERT_TRUE(send(*bus, "kept"));
    disk.fail_from(operation, nth, code, EIO);
    const auto during = send(*bus, "during");
    if (during) {
      EXPECT_GT(failures, 0);
      break;
    }
    ++failures;
    disk.heal();
    EXPECT_FALSE(bus->healthy());
    EXPECT_FALSE(send(*bus, "after")) << "a failed sync must not be tried again";
    ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
    EXPECT_FALSE(send(*bus, "after"));
    EXPECT_EQ(desk.waiting(), 0) << "no delivery can be counted";
    ASSERT_TRUE(bus->consume("queue.other", 1, desk.consumer()));
    bus->stop();
    EXPECT_FALSE(bus->healthy()) << "with nothing to write it is not known to be well";
    bus.reset();
    bus = must_open(temporary.path());
    EXPECT_TRUE(bus->healthy());
    EXPECT_THAT(state_of(*bus, "queue.order").ready, ::testing::AnyOf(1, 2));
    ASSERT_TRUE(bus->consume("queue.order", 1, again.consumer()));
    EXPECT_EQ(again.next()->message().body, "kept");
  }
}

INSTANTIATE_TEST_SUITE_P(Errors, BrokenDisk,
                         ::testing::Values(std::pair{FaultVfs::Operation::sync, SQLITE_IOERR_FSYNC},
                                           std::pair{FaultVfs::Operation::write,
                                                     SQLITE_IOERR_WRITE}));

struct Moment {
  FaultVfs::Image image;
  int confirmed = 0;
  int acknowledging = 0;  ///< of which the consumer was told
};

TEST(LocalBusFaults, APowerCutAtAnyOperationLosesNothingConfirmed) {
  std::vector<Moment> moments;
  std::atomic<int> confirmed{0};
  std::atomic<int> acknowledging{0};
  {
    const TemporaryDirectory temporary;
    FaultVfs disk;
    std::uint64_t seed = 0;
    Desk desk;
    auto bus = must_open(temporary.path());
    disk.before_operation = [&] {
      moments.push_back({disk.power_cut(seed++), confirmed, acknowledging});
    };
    ASSERT_TRUE(bus->consume("queue.order", 1, desk.consumer()));
    for (int i = 0; i < 12; ++i) {
      ASSERT_TRUE(send(*bus, std::to_string(i)));
      ++confirmed;
      if (i % 3 != 0) continue;
      ++acknowledging;
      desk.take(1);
    }
    bus.reset();
    disk.before_operation = {};
  }
  ASSERT_GT(moments.size(), 30);
  const TemporaryDirectory temporary;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    SCOPED_TRACE("cut before operation " + std::to_string(i) + ", its seed");
    const std::string directory = temporary.path("cut" + std::to_string(i));
    write_image(moments[i].image, directory);
    Desk desk;
    auto bus = must_open(directory);
    ASSERT_TRUE(bus);
    const auto found = static_cast<int>(state_of(*bus, "queue.order").ready);
    EXPECT_GE(found, moments[i].confirmed - moments[i].acknowledging);
    EXPECT_LE(found, moments[i].confirmed + 1);
    ASSERT_TRUE(bus->consume("queue.order", 20, desk.consumer()));
    int expected = -1;
    for (const auto& body : desk.take(static_cast<std::size_t>(found))) {
      if (expected >= 0) {
        EXPECT_EQ(std::stoi(body), expected) << "the order is lost";
      }
      expected = std::stoi(body) + 1;
    }
    if (found > 0) {
      EXPECT_GE(expected, moments[i].confirmed);
    }
    bus.reset();
    std::filesystem::remove_all(directory);
  }
}

}  // namespace
}  // namespace sluice::bus
