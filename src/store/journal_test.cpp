// The journal against hostile files: cut at every byte, flipped bits, holes, foreign batches; and
// against calls that write less than they were asked to.
#include "store/journal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "store/crc32c.h"
#include "store/frame.h"
#include "store/tables.h"
#include "store/test_support.h"
#include "store/verify.h"
#include "store/wire.h"

namespace sluice::store {
namespace {

using sale::AdjustStock;
using sale::CancelByUser;
using ::testing::HasSubstr;

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

TEST(Crc32c, IsTheOneOfTheStandard) {
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE306'9283U);
  EXPECT_EQ(crc32c(bytes_of(std::string(32, '\0'))), 0x8A91'36AAU);
  EXPECT_EQ(crc32c(bytes_of(std::string(32, '\xff'))), 0x62A8'AB43U);
}

TEST(Crc32c, IsTheSameWithAndWithoutTheInstruction) {
  std::mt19937_64 random(7);
  std::string text;
  for (int length = 0; length < 300; ++length) {
    EXPECT_EQ(crc32c(bytes_of(text), 77), crc32c_portable(bytes_of(text), 77)) << length;
    const std::size_t half = text.size() / 2;
    EXPECT_EQ(crc32c(bytes_of(text).subspan(half), crc32c(bytes_of(text).first(half))),
              crc32c(bytes_of(text)));
    text += static_cast<char>(random());
  }
}

/// A record whose tables are empty and whose journal holds a sale and six batches, one block each.
class Unapplied : public ::testing::Test {
 protected:
  static constexpr std::size_t kBatches = 7;

  Unapplied() {
    Shop shop(temporary_.path());
    shop.settles = false;
    id_of_empty_ = shop.state.digest();
    shop.open_sale(1, 1000);
    digests_.push_back(shop.state.digest());
    for (std::size_t batch = 1; batch < kBatches; ++batch) {
      const std::string user = "mia-" + std::to_string(batch);
      const OrderId order = shop.grab(user, 0, false);
      if (batch % 2 == 0) shop.apply(CancelByUser{user, order});
      EXPECT_TRUE(shop.commit());
      digests_.push_back(shop.state.digest());
    }
    shop.record.reset();
    journal_ = read_file(path());
    for (std::size_t batch = 0; batch < kBatches; ++batch) {
      const auto frame = Frame::parse(bytes_of(journal_).subspan(start(batch)), id());
      EXPECT_TRUE(frame);
      ends_.push_back(start(batch) + kFrameBytes + frame->batch.size());
    }
  }

  std::string path() const { return temporary_.path("data/journal"); }
  static std::size_t start(std::size_t batch) { return (1 + batch) * kJournalBlock; }
  std::uint64_t id() const { return JournalHeader::parse(bytes_of(journal_))->id; }

  /// What is found in this journal: a number of batches, or what is wrong.
  static std::string found(std::string_view journal, const Heads& tables = {}) {
    const auto tail = parse_journal(bytes_of(journal), tables, "journal");
    return tail ? std::to_string(tail->batches.size()) : tail.error().message;
  }

  /// The bytes of the journal with batch `number` laid down anew, with these parts.
  std::string with_batch(std::size_t number, const BatchParts& parts, std::uint64_t journal_id) {
    Batch batch;
    parts.put(batch.prepare(parts.size()));
    batch.seal(journal_id, parts.seal.sequence);
    std::string changed = journal_;
    std::ranges::copy(batch.blocks(), changed.begin() + static_cast<std::ptrdiff_t>(start(number)));
    return changed;
  }
  BatchParts parts_of(std::size_t number) const {
    const auto frame = Frame::parse(bytes_of(journal_).subspan(start(number)), id());
    return *BatchParts::parse(frame->batch);
  }

  const TemporaryDirectory temporary_;
  std::uint64_t id_of_empty_ = 0;
  std::vector<std::uint64_t> digests_;  ///< after each batch
  std::vector<std::size_t> ends_;       ///< of the bytes that count, in the file
  std::string journal_;
};

TEST_F(Unapplied, GivesBackEveryBatch) {
  EXPECT_EQ(found(journal_), "7");
  const auto copy = load_copy(temporary_.path());
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(copy->digest(), digests_.back());
}

TEST_F(Unapplied, CutAnywhereItGivesBackTheBatchesBeforeTheCut) {
  for (std::size_t cut = 0; cut <= start(kBatches); ++cut) {
    const auto whole = std::ranges::count_if(ends_, [cut](std::size_t end) { return end <= cut; });
    const std::string answer = found(std::string_view(journal_).substr(0, cut));
    if (cut < kHeaderBytes) {
      ASSERT_THAT(answer, HasSubstr("its header is damaged")) << "cut at " << cut;
    } else {
      ASSERT_EQ(answer, std::to_string(whole)) << "cut at " << cut;
    }
  }
}

// Recovery from a cut journal, and the record goes on in a new one.
TEST_F(Unapplied, CutItIsRecoveredFromAndMadeAnew) {
  const std::string database = read_file(temporary_.path("data/record.db"));
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    const std::string directory = temporary_.path("copy");
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    write_file(directory + "/record.db", database);
    write_file(directory + "/journal", journal_.substr(0, ends_[batch]));
    Shop shop(directory);
    ASSERT_TRUE(shop.record->load(shop.state));
    EXPECT_EQ(shop.state.digest(), digests_[batch]);
    shop.now = kOpening + Span::seconds(1);
    shop.grab("zoe");
    EXPECT_EQ(std::filesystem::file_size(directory + "/journal"), file_bytes(8 * kJournalBlock));
  }
}

// In the last batch a flipped bit is what a write that was cut short looks like. Before it, it is
// damage, because a later batch is there.
TEST_F(Unapplied, AFlippedBitIsToldUnlessItIsInTheLastBatch) {
  std::mt19937_64 random(11);
  for (std::size_t at = kJournalBlock; at < start(kBatches); ++at) {
    std::string flipped = journal_;
    flipped[at] = static_cast<char>(flipped[at] ^ static_cast<char>(1U << random() % 8));
    const std::size_t batch = at / kJournalBlock - 1;
    const std::string answer = found(flipped);
    const bool counts = at < ends_[batch] && (at % kJournalBlock < 4 || at % kJournalBlock >= 8);
    if (!counts && at >= ends_[batch]) {
      ASSERT_EQ(answer, "7") << "padding, byte " << at;
    } else if (batch == kBatches - 1) {
      ASSERT_EQ(answer, "6") << "byte " << at;
    } else {
      ASSERT_THAT(answer, HasSubstr("batch " + std::to_string(batch + 1) + " is")) << "byte " << at;
      ASSERT_THAT(answer, HasSubstr("Copy the whole directory"));
    }
  }
  for (std::size_t at = 0; at < kHeaderBytes; ++at) {
    std::string flipped = journal_;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    ASSERT_THAT(found(flipped), HasSubstr("its header is damaged")) << "byte " << at;
  }
}

TEST_F(Unapplied, AHoleIsTold) {
  for (std::size_t batch = 0; batch + 1 < kBatches; ++batch) {
    std::string holed = journal_;
    std::fill_n(holed.begin() + static_cast<std::ptrdiff_t>(start(batch)), kJournalBlock, '\0');
    EXPECT_THAT(found(holed), HasSubstr("batch " + std::to_string(batch + 1) + " is")) << batch;
    write_file(path(), holed);
    EXPECT_FALSE(Record::open(temporary_.path(), test_options())) << "must not be begun over";
    EXPECT_EQ(read_file(path()), holed) << "and must be left as it is";
  }
}

TEST_F(Unapplied, ABatchOfAnotherJournalIsNone) {
  EXPECT_EQ(found(with_batch(kBatches - 1, parts_of(kBatches - 1), id() + 1)), "6");
  EXPECT_THAT(found(with_batch(3, parts_of(3), id() + 1)), HasSubstr("batch 4 is damaged"));
}

TEST_F(Unapplied, ABatchThatDoesNotFollowIsTold) {
  BatchParts parts = parts_of(kBatches - 1);
  parts.seal.previous[0] ^= 1;
  EXPECT_THAT(found(with_batch(kBatches - 1, parts, id())), HasSubstr("does not follow"));
  parts = parts_of(kBatches - 1);
  parts.seal.hash[31] ^= 1;
  EXPECT_THAT(found(with_batch(kBatches - 1, parts, id())), HasSubstr("does not follow"));
  parts = parts_of(kBatches - 1);
  parts.seal.at += 1;
  EXPECT_THAT(found(with_batch(kBatches - 1, parts, id())), HasSubstr("does not follow"));
  // Of another record: its tables end with the same number and another hash.
  Heads other;
  other.seal = 2;
  EXPECT_THAT(found(journal_, other), HasSubstr("belongs to another record.db"));
}

TEST_F(Unapplied, AJournalThatBeginsLaterThanTheTablesEndIsTold) {
  std::string later = journal_;
  later.erase(kJournalBlock, kJournalBlock);
  later.append(kJournalBlock, '\0');
  EXPECT_THAT(found(later), HasSubstr("batch 1 is missing, and batch 2 is there"));
}

TEST_F(Unapplied, ANewerFormatIsRefused) {
  std::string newer = journal_;
  JournalHeader header = *JournalHeader::parse(bytes_of(journal_));
  header.format = 2;
  header.put(reinterpret_cast<std::uint8_t*>(newer.data()));
  EXPECT_THAT(found(newer), HasSubstr("has format 2"));
}

TEST_F(Unapplied, RowsThatAreNoneEndTheStartAndNotTheProcess) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 300; ++i) {
    BatchParts parts = parts_of(0);
    std::vector<std::uint8_t> sealed(parts.sealed.begin(), parts.sealed.end());
    std::vector<std::uint8_t> state(parts.state.begin(), parts.state.end());
    auto& hurt = i % 2 == 0 ? sealed : state;
    hurt[random() % hurt.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
    if (i % 3 == 0) hurt.resize(random() % hurt.size());
    parts.sealed = sealed;
    parts.state = state;
    Chain chain;
    parts.seal.hash = chain.seal({}, 1, parts.seal.at, sealed);
    const std::string forged =
        with_batch(0, parts, id()).substr(0, start(1)) + std::string(15 * kJournalBlock, '\0');
    const std::string directory = temporary_.path("forged");
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    std::filesystem::copy(temporary_.path("data/record.db"), directory + "/record.db");
    write_file(directory + "/journal", forged);
    const auto copy = load_copy(directory);  // an error, or rows that say something else
    if (!copy) {
      EXPECT_FALSE(copy.error().message.empty());
    }
  }
}

// The same number stands in several blocks once the journal has gone round; only what follows the
// tables counts, wherever the applier happens to be.
TEST(Journal, GoesRoundAndAlwaysHoldsWhatTheTablesDoNot) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.settles = false;
  shop.open_sale(1, 100'000);
  std::mt19937_64 random(5);
  int order = 0;
  for (std::int64_t batch = 2; batch < 200; ++batch) {
    for (std::uint64_t i = 0; i <= random() % 30; ++i)
      shop.grab("mia-" + std::to_string(++order), 0, false);
    const auto done = shop.commit();
    ASSERT_TRUE(done) << done.error().message;
    if (random() % 10 == 0) {
      ASSERT_TRUE(shop.record->settle());
    }
    auto connection = Connection::open(shop.directory + "/record.db", Connection::Mode::read_only);
    ASSERT_TRUE(connection);
    const auto tables = Tables::heads(*connection);
    ASSERT_TRUE(tables);
    const auto tail = read_journal(shop.directory, *tables);
    ASSERT_TRUE(tail) << tail.error().message;
    ASSERT_EQ(tables->seal + static_cast<std::int64_t>(tail->batches.size()), batch);
  }
  const auto live = shop.state.digest();
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_EQ(shop.state.digest(), live);
}

TEST(Journal, ABatchOfAnyLengthIsKept) {
  for (const std::size_t length : {10U, 3'000U, 4'060U, 8'000U, 9'000U, 30'000U, 300'000U}) {
    const TemporaryDirectory temporary;
    Shop shop(temporary.path());
    shop.settles = false;
    shop.open_sale(1, 1000);
    shop.grab("mia");
    for (int i = 0; i < 12; ++i) {
      shop.apply(AdjustStock{{"olivia", std::string(length, 'r')}, ItemNo{0}, Quantity{500 + i}});
      const auto done = shop.commit();
      ASSERT_TRUE(done) << length << ": " << done.error().message;
    }
    shop.grab("noah");
    const auto live = shop.state.digest();
    ASSERT_NO_FATAL_FAILURE(shop.restart());
    EXPECT_EQ(shop.state.digest(), live) << length;
    EXPECT_EQ(verify(shop.directory)->finding_count, 0U);
  }
}

/// Writes a block at a time, and is interrupted before each.
class HaltingDisk final : public JournalDisk {
 public:
  ssize_t write(int descriptor, std::span<const std::uint8_t> bytes,
                std::uint64_t offset) override {
    interrupted_ = !interrupted_;
    if (interrupted_) {
      errno = EINTR;
      return -1;
    }
    // Half a block more than whole ones, where the file allows it: what a pipe or a network file
    // system may do.
    return JournalDisk::write(descriptor, bytes.first(std::min(bytes.size(), kJournalBlock)),
                              offset);
  }

 private:
  bool interrupted_ = false;
};

TEST(Journal, AWriteThatStopsHalfwayIsContinued) {
  HaltingDisk disk;
  const TemporaryDirectory temporary;
  Shop shop(temporary.path(), false, &disk);
  shop.settles = false;
  shop.open_sale(1, 1000);
  for (int i = 0; i < 60; ++i)
    shop.grab("mia-" + std::to_string(i), 0, false);
  ASSERT_TRUE(shop.commit()) << "two blocks";
  const auto live = shop.state.digest();
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_EQ(shop.state.digest(), live);
}

/// Writes nothing, without an error, once it is told to.
class DeafDisk final : public JournalDisk {
 public:
  bool deaf = false;
  ssize_t write(int descriptor, std::span<const std::uint8_t> bytes,
                std::uint64_t offset) override {
    return deaf ? 0 : JournalDisk::write(descriptor, bytes, offset);
  }
};

TEST(Journal, AWriteThatDoesNothingIsAFailureAndNoEndlessLoop) {
  DeafDisk disk;
  const TemporaryDirectory temporary;
  Shop shop(temporary.path(), false, &disk);
  shop.open_sale(1, 10);
  disk.deaf = true;
  shop.apply(AdjustStock{{"olivia", "x"}, ItemNo{0}, Quantity{9}});
  EXPECT_FALSE(shop.commit());
  EXPECT_EQ(shop.record->failure(), Record::Failure::broken);
}

TEST(Journal, TheAppliersThreadCarriesWhatIsAskedFor) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.record->start_applier();
  shop.open_sale(1, 100'000);
  auto reader = Reader::open(shop.directory);
  ASSERT_TRUE(reader);
  for (int i = 0; i < 300; ++i) {
    shop.settles = i % 50 == 0;
    const OrderId order = shop.grab("mia-" + std::to_string(i));
    if (shop.settles) {
      const auto found = (*reader)->order(order);
      ASSERT_TRUE(found && found->has_value()) << "a settled order is not read";
    }
  }
  const auto live = shop.state.digest();
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_EQ(shop.state.digest(), live);
  EXPECT_EQ(verify(shop.directory)->finding_count, 0U);
}

}  // namespace
}  // namespace sluice::store
