// Full disks, failing syncs, power cuts, cut and flipped logs: what was acknowledged stays, nothing
// is there by half, and opening never crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sqlite/fault_vfs.h"
#include "store/fault_journal.h"
#include "store/record.h"
#include "store/test_support.h"
#include "store/verify.h"

namespace sluice::store {
namespace {

using sale::AdjustStock;
using sale::CancelByUser;
using sale::State;
using sqlite::testing::FaultVfs;
using sqlite::testing::write_image;
using ::testing::HasSubstr;

void expect_sound(const std::string& directory) {
  const auto report = verify(directory);
  ASSERT_TRUE(report) << report.error().message;
  for (const Finding& finding : report->findings) {
    ADD_FAILURE() << finding.check << ": " << finding.detail;
  }
}

/// Applies and commits three grabs and a cancellation.
Result<> one_batch(Shop& shop, int number) {
  for (int i = 0; i < 3; ++i) {
    const std::string user = "mia-" + std::to_string(number) + "-" + std::to_string(i);
    const OrderId order = shop.grab(user, 0, false);
    if (i == 1) shop.apply(CancelByUser{user, order});
  }
  shop.now = shop.now + Span::seconds(1);
  return shop.commit();
}

/// Commits until the record says why it does not go on; the number of batches that went in.
int until_refused(Shop& shop, int first) {
  for (int done = 0; done < 1000; ++done) {
    if (!shop.record->make_room()) return done;
    if (const auto written = one_batch(shop, first + done); !written) {
      ADD_FAILURE() << "there was room, but: " << written.error().message;
      return done;
    }
  }
  ADD_FAILURE() << "never refused";
  return 1000;
}

// Whichever write of SQLite finds no room: commits go on while the journal has room, then are
// refused before anything is applied, and go on when there is room again. Nothing is lost.
TEST(Faults, ADiskThatFillsUpAtAnyWriteLosesNothingAndIsToldInTime) {
  int refused = 0;
  for (std::uint64_t nth = 0;; ++nth) {
    SCOPED_TRACE("disk full at write " + std::to_string(nth));
    const TemporaryDirectory temporary;
    FaultVfs disk;
    FaultyJournal journal(disk);
    Shop shop(temporary.path(), false, &journal);
    shop.open_sale(1, 100'000);
    shop.settles = false;
    ASSERT_TRUE(one_batch(shop, 0));
    disk.fail_from(FaultVfs::Operation::write, nth, SQLITE_FULL);
    if (nth > 60) {
      EXPECT_GT(refused, 20) << "hardly a write of a transaction was reached";
      break;
    }
    const int went_in = until_refused(shop, 1);
    EXPECT_GT(went_in, 5) << "the journal has room for more";
    if (!disk.failed()) continue;
    ++refused;
    EXPECT_EQ(shop.record->failure(), Record::Failure::disk_full);
    const auto again = shop.record->make_room();
    ASSERT_FALSE(again) << "still full";
    EXPECT_THAT(again.error().message, HasSubstr("Free some space"));
    EXPECT_THAT(shop.record->tables_trouble(), HasSubstr("Free some space"));
    EXPECT_FALSE(shop.record->settle()) << "readers would not see what was acknowledged";
    const auto acknowledged = shop.state.digest();
    if (nth % 2 == 0) {  // the process goes on; in the other half of the cases it is killed
      disk.heal();
      ASSERT_TRUE(shop.record->make_room());
      EXPECT_EQ(shop.record->failure(), Record::Failure::none);
      ASSERT_TRUE(one_batch(shop, 2000));
      EXPECT_TRUE(shop.record->settle());
      EXPECT_EQ(shop.record->tables_trouble(), "");
    }
    disk.heal();
    const auto live = shop.state.digest();
    ASSERT_NO_FATAL_FAILURE(shop.restart());
    EXPECT_EQ(shop.state.digest(), nth % 2 == 0 ? live : acknowledged);
    expect_sound(shop.directory);
  }
}

TEST(Faults, AQuotaThatIsUsedUpIsAFullDisk) {
  const TemporaryDirectory temporary;
  FaultVfs disk;
  Shop shop(temporary.path());
  shop.open_sale(1, 1000);
  disk.fail_from(FaultVfs::Operation::write, 1, SQLITE_IOERR_WRITE, EDQUOT);
  EXPECT_FALSE(one_batch(shop, 0)) << "it is not in the tables";
  disk.heal();
  EXPECT_TRUE(shop.record->settle());
}

TEST(Faults, AFullDiskDuringACheckpointCostsNothing) {
  const TemporaryDirectory temporary;
  FaultVfs disk;
  Shop shop(temporary.path());
  shop.open_sale(1, 1'000'000);
  // Writes of transactions pass, those of the checkpoint find no room: it alone writes the
  // database.
  disk.fail_database_only = true;
  disk.fail_from(FaultVfs::Operation::write, 0, SQLITE_FULL);
  for (int i = 0; i < 3'000 && !disk.failed(); ++i) {
    shop.apply(AdjustStock{{"olivia", std::string(6'000, 'r')}, ItemNo{0}, Quantity{1000 + i}});
    ASSERT_TRUE(shop.commit());
  }
  ASSERT_TRUE(disk.failed());
  ASSERT_TRUE(one_batch(shop, 0));
  disk.heal();
  const auto live = shop.state.digest();
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_EQ(shop.state.digest(), live);
}

// A batch that is too long for the journal goes past it, in a transaction of its own.
TEST(Faults, ALongBatchOnAFullDiskIsTakenBackAsAWhole) {
  const TemporaryDirectory temporary;
  FaultVfs disk;
  FaultyJournal journal(disk);
  Shop shop(temporary.path(), false, &journal);
  shop.open_sale(1, 1000);
  ASSERT_TRUE(one_batch(shop, 0));
  const auto acknowledged = shop.state.digest();
  const auto long_batch = [&] {
    shop.apply(AdjustStock{{"olivia", std::string(50'000, 'r')}, ItemNo{0}, Quantity{900}});
    return shop.commit();
  };
  disk.fail_from(FaultVfs::Operation::write, 2, SQLITE_FULL);
  ASSERT_FALSE(long_batch());
  EXPECT_EQ(shop.record->failure(), Record::Failure::disk_full);
  disk.heal();
  // The engine rebuilds its state from the record, which may then be used again as it is.
  shop.effects.clear();
  shop.state = State(shop.settings);
  ASSERT_TRUE(shop.record->load(shop.state));
  EXPECT_EQ(shop.state.digest(), acknowledged);
  ASSERT_TRUE(long_batch());
  ASSERT_TRUE(one_batch(shop, 1)) << "the next one is in the journal again";
  const auto live = shop.state.digest();
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_EQ(shop.state.digest(), live);
  expect_sound(shop.directory);
}

// The applier and readers push the tables on while the writer learns of a full disk: what it is
// told must be what is there, although the disk has room again a moment later.
TEST(Faults, ALongBatchThatItsWriterGaveUpIsCarriedByNobodyElse) {
  const TemporaryDirectory temporary;
  FaultVfs disk;
  std::atomic<bool> fails_next{false};
  // Each failure is over when the next operation begins.
  disk.before_operation = [&] {
    disk.heal();
    if (fails_next.exchange(false)) disk.fail_from(FaultVfs::Operation::write, 0, SQLITE_FULL);
  };
  Shop shop(temporary.path());
  shop.open_sale(1, 100'000);
  shop.settles = false;
  shop.record->start_applier();
  std::atomic<bool> ended{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!ended)
        (void)shop.record->settle();
    });
  }
  int refused = 0;
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    // Enough for the other half of the journal, which the applier then makes durable.
    for (int i = 0; i < 8; ++i)
      shop.grab("mia-" + std::to_string(round) + "-" + std::to_string(i));
    const auto before = shop.state.digest();
    shop.apply(
        AdjustStock{{"olivia", std::string(50'000, 'r')}, ItemNo{0}, Quantity{50'000 + round}});
    fails_next = true;
    const auto done = shop.commit();
    fails_next = false;
    const auto expected = done ? shop.state.digest() : before;
    refused += done ? 0 : 1;
    shop.effects.clear();
    shop.state = State(shop.settings);
    const auto loaded = shop.record->load(shop.state);
    if (!loaded || shop.state.digest() != expected) {
      ADD_FAILURE() << "commit: " << (done ? "kept" : done.error().message)
                    << ", and the tables say otherwise";
      break;
    }
  }
  ended = true;
  for (std::thread& reader : readers)
    reader.join();
  EXPECT_GT(refused, 0) << "no full disk was met";
}

TEST(Faults, ClosingOnAFullDiskLeavesTheRestToTheNextStart) {
  const TemporaryDirectory temporary;
  FaultVfs disk;
  FaultyJournal journal(disk);
  Shop shop(temporary.path(), false, &journal);
  shop.open_sale(1, 1000);
  shop.settles = false;
  ASSERT_TRUE(one_batch(shop, 0));
  disk.fail_from(FaultVfs::Operation::write, 0, SQLITE_FULL);
  EXPECT_FALSE(shop.record->close());
  EXPECT_TRUE(std::filesystem::exists(shop.directory + "/journal"));
  disk.heal();
  const auto live = shop.state.digest();
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_EQ(shop.state.digest(), live);
}

TEST(Faults, ABatchThatTheTablesRefuseEndsTheRecord) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 1000);
  tamper(shop.directory, "INSERT INTO history VALUES(2, 1, 1, 1, NULL, NULL, NULL)");
  ASSERT_FALSE(one_batch(shop, 0)) << "its second history row is there already";
  EXPECT_FALSE(shop.record->make_room());
  EXPECT_EQ(shop.record->failure(), Record::Failure::broken);
  auto reader = Reader::open(shop.directory);
  ASSERT_TRUE(reader);
  EXPECT_TRUE((*reader)->search({}, {})->entries.empty()) << "nothing is there by half";
  // Works only where the transaction was ended and its lock given back.
  tamper(shop.directory, "DELETE FROM history");
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_EQ(shop.state.order_count(), 3U) << "the journal had it";
}

class BrokenDisk : public ::testing::TestWithParam<std::pair<FaultVfs::Operation, int>> {};

// After a failed sync nobody knows what reached the disk: the record refuses every further batch,
// even though the disk works again, and a new start finds all that was acknowledged.
TEST_P(BrokenDisk, EndsTheRecordAndKeepsWhatWasAcknowledged) {
  const auto [operation, code] = GetParam();
  int failures = 0;
  for (std::uint64_t nth = 0;; ++nth) {
    SCOPED_TRACE("failure at operation " + std::to_string(nth));
    const TemporaryDirectory temporary;
    FaultVfs disk;
    FaultyJournal journal(disk);
    Shop shop(temporary.path(), false, &journal);
    shop.open_sale(1, 1000);
    shop.settles = false;
    disk.fail_from(operation, nth, code, EIO);
    // These batches go round the journal, whose first half must be synced in the tables for it.
    Result<> done;
    auto acknowledged = shop.state.digest();
    for (int batch = 0; done && batch < 20; ++batch) {
      done = shop.record->make_room();
      acknowledged = shop.state.digest();
      if (done) done = one_batch(shop, batch);
    }
    const auto attempted = shop.state.digest();
    if (done) {
      EXPECT_GT(failures, 0);
      break;
    }
    ++failures;
    disk.heal();
    EXPECT_FALSE(shop.record->make_room()) << "a failed sync must not be tried again";
    EXPECT_EQ(shop.record->failure(), Record::Failure::broken);
    EXPECT_FALSE(one_batch(shop, 99));
    EXPECT_TRUE(shop.record->close());
    shop.record.reset();
    const auto copy = load_copy(shop.directory);
    ASSERT_TRUE(copy) << copy.error().message;
    EXPECT_TRUE(copy->digest() == acknowledged || copy->digest() == attempted);
    expect_sound(shop.directory);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Errors, BrokenDisk,
    ::testing::Values(std::pair{FaultVfs::Operation::sync, SQLITE_IOERR_FSYNC},
                      std::pair{FaultVfs::Operation::write, SQLITE_IOERR_WRITE},
                      std::pair{FaultVfs::Operation::other_sync, SQLITE_IOERR},
                      std::pair{FaultVfs::Operation::other_write, SQLITE_IOERR}));

/// The record at some moment, and which states it may give back if power is lost then.
struct Moment {
  FaultVfs::Image image;
  std::size_t acknowledged = 0;
};

// Every moment of a record's life, creation, batches, checkpoint and reopening included: whatever
// part of the unsynced writes reached the disk, the record holds exactly a prefix of the batches,
// and all acknowledged ones. The journal goes round several times.
TEST(Faults, PowerCutAtEveryOperation) {
  std::vector<std::uint64_t> digests{State(test_settings()).digest()};
  std::vector<Moment> moments;
  std::uint64_t seed = 0;
  {
    const TemporaryDirectory temporary;
    FaultVfs disk;
    disk.before_operation = [&] {
      moments.push_back({disk.power_cut(seed++), digests.size() - 1});
    };
    FaultyJournal journal(disk);
    Shop shop(temporary.path(), false, &journal);
    shop.settles = false;
    for (int run = 0; run < 2; ++run) {
      for (int batch = 0; batch < 30; ++batch) {
        if (run == 0 && batch == 0) {
          shop.open_sale(1, 1000);
        } else {
          ASSERT_TRUE(one_batch(shop, 100 * run + batch));
        }
        digests.push_back(shop.state.digest());
        if (batch % 7 == 6) {
          ASSERT_TRUE(shop.record->settle());  // somebody reads
        }
      }
      // In order, and as after a kill.
      if (run == 0) {
        ASSERT_TRUE(shop.record->close());
      }
      ASSERT_NO_FATAL_FAILURE(shop.restart());
    }
    disk.before_operation = {};
    shop.record.reset();
  }
  ASSERT_GT(moments.size(), 150U);
  const TemporaryDirectory temporary;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    SCOPED_TRACE("moment " + std::to_string(i) + " (its number is the seed)");
    const std::string directory = temporary.path(std::to_string(i));
    write_image(moments[i].image, directory);
    const auto copy = load_copy(directory);
    ASSERT_TRUE(copy) << copy.error().message;
    const auto found = std::find(digests.begin(), digests.end(), copy->digest());
    ASSERT_NE(found, digests.end()) << "a state that never was";
    const auto batches = static_cast<std::size_t>(found - digests.begin());
    EXPECT_GE(batches, moments[i].acknowledged) << "an acknowledged batch is lost";
    EXPECT_LE(batches, moments[i].acknowledged + 1);
    expect_sound(directory);
    std::filesystem::remove_all(directory);
  }
}

/// A record that was not closed: the database is as it was created, everything else is in the log.
class LeftOpen : public ::testing::Test {
 protected:
  void SetUp() override {
    digests_.push_back(State(test_settings()).digest());
    Shop shop(temporary_.path());
    shop.open_sale(1, 1000);
    mark(shop);
    for (int batch = 0; batch < 6; ++batch) {
      ASSERT_TRUE(one_batch(shop, batch));
      mark(shop);
    }
    shop.record.reset();
    database_ = read("record.db");
    log_ = read("record.db-wal").substr(0, ends_.back());
  }

  void mark(const Shop& shop) {
    digests_.push_back(shop.state.digest());
    ends_.push_back(shop.record->log_bytes());
  }

  std::string read(const std::string& name) const {
    std::ifstream file(temporary_.path("data/" + name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// How many batches a record of these two files gives back; -1: it says that it cannot.
  int batches(const std::string& database, const std::string& log) {
    const std::string directory = temporary_.path("copy");
    std::filesystem::remove_all(directory);
    write_image({{"record.db", database}, {"record.db-wal", log}}, directory);
    const auto copy = load_copy(directory);
    if (!copy) return -1;
    const auto found = std::find(digests_.begin(), digests_.end(), copy->digest());
    if (found == digests_.end()) {
      // A flip that SQLite cannot see must at least be found by the audit.
      const auto report = verify(directory);
      EXPECT_TRUE(!report || report->finding_count > 0) << "a change that nothing finds";
      return -1;
    }
    return static_cast<int>(found - digests_.begin());
  }

  /// Batches that end at or before this byte of the log.
  int whole_batches(std::size_t bytes) const {
    return static_cast<int>(std::count_if(ends_.begin(), ends_.end(),
                                          [bytes](std::uint64_t end) { return end <= bytes; }));
  }

  const TemporaryDirectory temporary_;
  std::vector<std::uint64_t> digests_;
  std::vector<std::uint64_t> ends_;  ///< where each batch ends in the log
  std::string database_;
  std::string log_;
};

TEST_F(LeftOpen, ALogThatIsCutGivesBackTheBatchesBeforeTheCut) {
  std::vector<std::size_t> cuts{0, 1, 31, 32, 33};
  for (const std::uint64_t end : ends_) {
    for (const std::size_t cut : {end - 4096, end - 1, end, end + 1, end + 23, end + 25}) {
      if (cut <= log_.size()) cuts.push_back(cut);
    }
  }
  for (std::size_t cut = 0; cut < log_.size(); cut += 4001)
    cuts.push_back(cut);
  for (const std::size_t cut : cuts) {
    EXPECT_EQ(batches(database_, log_.substr(0, cut)), whole_batches(cut)) << "cut at " << cut;
  }
  EXPECT_EQ(batches(database_, log_), 7);
  EXPECT_EQ(batches(database_, log_ + std::string(10'000, '\0')), 7) << "a reserved tail";
}

TEST_F(LeftOpen, AFlippedBitInTheLogCostsNoBatchBeforeIt) {
  std::mt19937_64 random(42);
  for (int i = 0; i < 100; ++i) {
    const std::size_t at = random() % log_.size();
    const auto bit = static_cast<char>(1 << random() % 8);
    std::string flipped = log_;
    flipped[at] = static_cast<char>(flipped[at] ^ bit);
    const int found = batches(database_, flipped);
    // The header of the log is only read for its magic, sizes and salts; a flip in the rest of it,
    // or in a checkpoint counter, costs nothing. Anywhere else the chain of checksums ends.
    EXPECT_GE(found, at < 32 ? 0 : whole_batches(at)) << "bit of byte " << at;
    EXPECT_LE(found, 7);
  }
}

TEST_F(LeftOpen, AFlippedBitInTheDatabaseIsToldOrFoundOrHarmless) {
  const std::string directory = temporary_.path("moved");
  write_image({{"record.db", database_}, {"record.db-wal", log_}}, directory);
  {
    auto record = Record::open(directory);
    ASSERT_TRUE(record && (*record)->close());
  }
  std::ifstream file(directory + "/record.db", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  std::mt19937_64 random(43);
  int told = 0;
  for (int i = 0; i < 150; ++i) {
    std::size_t at = random() % whole.size();
    while (whole[at] == '\0')
      at = random() % whole.size();  // most of a small file is empty
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ static_cast<char>(1 << random() % 8));
    SCOPED_TRACE("byte " + std::to_string(at));
    told += batches(flipped, "") != 7 ? 1 : 0;
  }
  EXPECT_GT(told, 30) << "hardly a flip hit anything";
}

TEST_F(LeftOpen, ADatabaseThatIsCutIsTold) {
  const std::string directory = temporary_.path("moved");
  write_image({{"record.db", database_}, {"record.db-wal", log_}}, directory);
  {
    auto record = Record::open(directory);
    ASSERT_TRUE(record && (*record)->close());
  }
  std::ifstream file(directory + "/record.db", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t size = 1; size < whole.size(); size += 4'011) {
    const std::string cut = temporary_.path("cut");
    std::filesystem::remove_all(cut);
    write_image({{"record.db", whole.substr(0, size)}}, cut);
    const auto copy = load_copy(cut);
    EXPECT_TRUE(!copy || copy->digest() == digests_.back() || !verify(cut) ||
                verify(cut)->finding_count > 0)
        << "cut at " << size << " goes unnoticed";
  }
}

}  // namespace
}  // namespace sluice::store
