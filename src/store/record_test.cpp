// The writing side against real files: what is opened, what is refused, and what comes back.
#include "store/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "store/schema.h"
#include "store/sqlite.h"
#include "store/test_support.h"
#include "store/verify.h"

namespace sluice::store {
namespace {

using sale::AdjustStock;
using sale::CancelByUser;
using sale::CancelOutcome;
using sale::EndReason;
using sale::HistoryEvent;
using sale::holds_unit;
using sale::kNoOrder;
using sale::OrderStatus;
using sale::State;
using sale::to_operator_text;
using ::testing::HasSubstr;

std::string text_of(const std::string& directory, const std::string& sql) {
  auto connection = Connection::open(directory + "/record.db", Connection::Mode::read_only);
  if (!connection) return connection.error().message;
  auto statement = connection->prepare(sql);
  if (!statement) return statement.error().message;
  return statement->step() == SQLITE_ROW ? std::string(statement->text(0)) : "no row";
}

unsigned mode_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777U : 0U;
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

TEST(Record, MakesAPrivateDirectoryWithPrivateFiles) {
  const TemporaryDirectory temporary;
  const std::string directory = temporary.path("deep/er/data");
  Shop shop(directory);
  shop.open_sale(1, 10);
  EXPECT_EQ(mode_of(directory), 0700U);
  for (const char* name : {"/record.db", "/record.db-wal", "/record.db-shm", "/lock", "/journal"}) {
    EXPECT_EQ(mode_of(directory + name), 0600U) << name;
  }
}

TEST(Record, ASecondWriterIsRefusedAndToldWhoTheFirstIs) {
  const TemporaryDirectory temporary;
  auto first = Record::open(temporary.path());
  ASSERT_TRUE(first);
  const auto second = Record::open(temporary.path());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(::getpid())));
  first->reset();
  EXPECT_TRUE(Record::open(temporary.path()));
}

TEST(Record, RefusesWhatIsNotARecord) {
  const TemporaryDirectory temporary;
  const auto refusal = [&](const std::string& directory) {
    const auto opened = Record::open(directory);
    return opened ? std::string("it was opened") : opened.error().message;
  };
  write_file(temporary.path("file"), "x");
  EXPECT_THAT(refusal(temporary.path("file")), HasSubstr("is not a directory"));

  std::filesystem::create_directories(temporary.path("text"));
  write_file(temporary.path("text/record.db"), std::string(5000, 'x'));
  EXPECT_THAT(refusal(temporary.path("text")), HasSubstr("not a readable record"));

  std::filesystem::create_directories(temporary.path("foreign"));
  write_file(temporary.path("foreign/record.db"), "");
  tamper(temporary.path("foreign"), "CREATE TABLE theirs(x); PRAGMA application_id = 77;");
  EXPECT_THAT(refusal(temporary.path("foreign")), HasSubstr("another program"));

  std::filesystem::create_directories(temporary.path("unnamed"));
  write_file(temporary.path("unnamed/record.db"), "");
  tamper(temporary.path("unnamed"), "CREATE TABLE theirs(x);");
  EXPECT_THAT(refusal(temporary.path("unnamed")), HasSubstr("another program"));

  { const Shop shop(temporary.path("newer")); }
  tamper(temporary.path("newer"), "PRAGMA user_version = 999");
  EXPECT_THAT(refusal(temporary.path("newer")), HasSubstr("newer version"));
  const auto reader = Reader::open(temporary.path("newer"));
  ASSERT_FALSE(reader);
  EXPECT_THAT(reader.error().message, HasSubstr("newer version"));
}

TEST(Record, RefusesAFileThatWasEmptiedOrLost) {
  const TemporaryDirectory temporary;
  { Shop(temporary.path()).open_sale(1, 10); }
  const std::string file = temporary.path("data/record.db");
  for (const std::uintmax_t size : {99U, 1U, 0U}) {
    std::filesystem::resize_file(file, size);
    const auto opened = Record::open(temporary.path());
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("was damaged"));
  }
  std::filesystem::remove(file);
  const auto opened = Record::open(temporary.path());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("is missing but its log"));
  EXPECT_GT(std::filesystem::file_size(file + "-wal"), 0U) << "the log must be left alone";
  std::filesystem::remove(file + "-wal");
  const auto without_log = Record::open(temporary.path());
  ASSERT_FALSE(without_log);
  EXPECT_THAT(without_log.error().message, HasSubstr("is missing but its journal"));
  EXPECT_TRUE(std::filesystem::exists(temporary.path("data/journal")));
}

TEST(Record, BeginsAnewWhereACreationWasCutShort) {
  const TemporaryDirectory temporary;
  std::filesystem::create_directories(temporary.path());
  write_file(temporary.path("data/record.db.new"), "half a file");
  write_file(temporary.path("data/record.db.new-journal"), "half a journal");
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  EXPECT_FALSE(std::filesystem::exists(temporary.path("data/record.db.new")));
}

TEST(Record, AReaderNeedsARecord) {
  const TemporaryDirectory temporary;
  EXPECT_FALSE(Reader::open(temporary.path("nothing")));
}

TEST(Record, AnnouncesItsFormat) {
  const TemporaryDirectory temporary;
  { const Shop shop(temporary.path()); }
  const std::string newest = std::to_string(kRecordFormat.migrations.size());
  EXPECT_EQ(text_of(temporary.path(), "PRAGMA application_id"), std::to_string(0x536c7569));
  EXPECT_EQ(text_of(temporary.path(), "PRAGMA user_version"), newest);
  EXPECT_EQ(text_of(temporary.path(), "SELECT count(*) FROM migration WHERE applied_at > 0"),
            newest);
}

TEST(Record, TheWordsInItAreTheWordsOfTheCore) {
  const TemporaryDirectory temporary;
  { const Shop shop(temporary.path()); }
  const auto name = [&](const std::string& table, int code) {
    return text_of(temporary.path(),
                   "SELECT name FROM " + table + " WHERE code = " + std::to_string(code));
  };
  for (int code = 1; code <= static_cast<int>(OrderStatus::failed); ++code) {
    const auto status = static_cast<OrderStatus>(code);
    EXPECT_EQ(name("order_status", code), to_operator_text(status));
    EXPECT_EQ(text_of(temporary.path(),
                      "SELECT holds_unit FROM order_status WHERE code = " + std::to_string(code)),
              holds_unit(status) ? "1" : "0");
  }
  for (int code = 0; code <= static_cast<int>(EndReason::operator_refund); ++code) {
    EXPECT_EQ(name("end_reason", code), to_text(static_cast<EndReason>(code)));
  }
  for (int code = 1; code <= static_cast<int>(HistoryEvent::payment_refused); ++code) {
    EXPECT_EQ(name("history_event", code), to_text(static_cast<HistoryEvent>(code)));
  }
  EXPECT_EQ(text_of(temporary.path(), "SELECT count(*) FROM order_status"), "10");
  EXPECT_EQ(text_of(temporary.path(), "SELECT count(*) FROM end_reason"), "8");
  EXPECT_EQ(text_of(temporary.path(), "SELECT count(*) FROM history_event"), "16");
}

TEST(Record, ItsViewsSpeakToAPerson) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  shop.now = Instant{1'795'000'000'007};
  const OrderId order = shop.grab("mia", 0, true, {0xabc, 0xdef});
  const std::string where = " FROM orders_readable WHERE id = '" + to_text(order) + "'";
  EXPECT_EQ(text_of(shop.directory, "SELECT created_at" + where), "2026-11-18T11:06:40.007Z");
  EXPECT_EQ(
      text_of(shop.directory, "SELECT user || ' ' || status || ' ' || sale || ' ' || item" + where),
      "mia awaiting_payment s1 i1");
  EXPECT_EQ(text_of(shop.directory, "SELECT request_key" + where),
            "0000000000000abc0000000000000def");
  EXPECT_EQ(text_of(shop.directory, "SELECT at || ' ' || event FROM history_readable"),
            "2026-11-18T11:06:40.007Z granted");
  EXPECT_EQ(text_of(shop.directory, "SELECT available || '/' || held FROM items_readable"), "9/1");
  EXPECT_EQ(text_of(shop.directory, "SELECT actor || ' ' || action FROM audit_readable"),
            "olivia sale.open");
}

TEST(Record, NothingToWriteIsNoTransaction) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  const auto before = shop.record->log_bytes();
  shop.effects.alarms.emplace_back("only to be told");
  EXPECT_TRUE(shop.commit());
  EXPECT_EQ(shop.record->log_bytes(), before);
}

TEST(Record, AnOrderThatIsGrantedAndGivenUpInOneBatchIsBoth) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  const OrderId order = shop.grab("mia", 0, false);
  ASSERT_EQ(shop.apply(CancelByUser{"mia", order}), CancelOutcome::cancelled);
  ASSERT_TRUE(shop.commit());
  auto reader = Reader::open(shop.directory);
  ASSERT_TRUE(reader);
  const auto timeline = (*reader)->timeline(order);
  ASSERT_TRUE(timeline);
  ASSERT_EQ(timeline->size(), 2U);
  EXPECT_EQ((*timeline)[0].event, "granted");
  EXPECT_EQ((*timeline)[1].event, "cancelled");
  const auto live = shop.state.digest();
  shop.restart();
  EXPECT_EQ(shop.state.digest(), live);
}

class RecordOfACrowd : public ::testing::TestWithParam<std::uint64_t> {};

// Whatever was commanded: the record gives back the state that was written, and passes the audit.
TEST_P(RecordOfACrowd, GivesBackTheStateThatWasWritten) {
  const std::uint64_t seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const TemporaryDirectory temporary;
  Shop shop(temporary.path(), seed % 2 == 0);
  shop.open_sale(3, 12, 3);
  shop.open_sale(2, 5, 1);
  Crowd crowd(shop, seed);
  for (int batch = 0; batch < 60; ++batch) {
    for (std::uint64_t i = 0; i < 1 + (seed + static_cast<std::uint64_t>(batch)) % 20; ++i) {
      crowd.step();
    }
    const auto done = shop.commit();
    ASSERT_TRUE(done) << done.error().message;
    if (batch % 20 == 19) {
      const auto live = shop.state.digest();
      ASSERT_NO_FATAL_FAILURE(shop.restart());
      ASSERT_EQ(shop.state.digest(), live) << "after batch " << batch;
    }
  }
  ASSERT_GT(shop.state.order_count(), 20U);
  const auto report = verify(shop.directory);
  ASSERT_TRUE(report) << report.error().message;
  for (const Finding& finding : report->findings) {
    ADD_FAILURE() << finding.check << ": " << finding.detail;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RecordOfACrowd, ::testing::Range<std::uint64_t>(1, 31));

TEST(Record, NamesTheDamagedRowItCannotLoad) {
  const TemporaryDirectory temporary;
  const auto refusal = [&](const std::string& name, const std::string& sql) {
    const std::string directory = temporary.path(name);
    {
      Shop shop(directory);
      shop.open_sale(1, 10);
      shop.grab("mia");
    }
    tamper(directory, sql);
    const auto copy = load_copy(directory);
    return copy ? std::string("it was loaded") : copy.error().message;
  };
  EXPECT_THAT(refusal("status", "UPDATE orders SET status = 258"), HasSubstr("status"));
  EXPECT_THAT(refusal("reason", "UPDATE orders SET reason = -1"), HasSubstr("reason"));
  EXPECT_THAT(refusal("item", "UPDATE orders SET item_no = 4294967296"), HasSubstr("item_no"));
  EXPECT_THAT(refusal("attempts", "UPDATE orders SET close_attempts = 256"),
              HasSubstr("close_attempts"));
  EXPECT_THAT(refusal("key", "UPDATE orders SET request_key = x'0102'"), HasSubstr("16 bytes"));
  EXPECT_THAT(refusal("stock", "DELETE FROM item_stock"), HasSubstr("item_stock"));
  EXPECT_THAT(refusal("currency", "UPDATE item SET currency = 'xx'"), HasSubstr("currency"));
  EXPECT_THAT(refusal("seal", "UPDATE seal SET hash = x'00'"), HasSubstr("seal"));
  EXPECT_THAT(refusal("gone", "DROP TABLE orders"), HasSubstr("no such table"));
}

TEST(Record, SaysHowFarLoadingGot) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  shop.grab("mia");
  std::uint64_t loaded = 0;
  State copy(shop.settings);
  ASSERT_TRUE(shop.record->load(copy, [&](std::uint64_t orders) { loaded = orders; }));
  EXPECT_EQ(loaded, 1U);
}

TEST(Record, TheLogStaysBounded) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 1'000'000, 1'000'000);
  const std::string log = shop.directory + "/record.db-wal";
  constexpr std::uint64_t kBound = 18'000'000;  // 16 MiB, its frames, and a transaction more
  std::uint64_t highest = 0;
  int restarts = 0;
  std::uint64_t last = 0;
  for (int i = 0; restarts < 2 && i < 20'000; ++i) {
    // Wide audit rows fill pages faster than orders do.
    shop.apply(AdjustStock{{"olivia", std::string(9'000, 'r')}, ItemNo{0}, Quantity{500'000 + i}});
    ASSERT_TRUE(shop.commit());
    if (shop.record->log_bytes() < last) ++restarts;
    last = shop.record->log_bytes();
    highest = std::max(highest, last);
  }
  EXPECT_EQ(restarts, 2) << "the log was never begun anew";
  EXPECT_LT(highest, kBound);
  EXPECT_LT(std::filesystem::file_size(log), kBound);
}

TEST(Record, AReaderHoldsTheLogBackAndIsNotBlocked) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 1'000'000, 1'000'000);
  auto slow = Connection::open(shop.directory + "/record.db", Connection::Mode::read_only);
  ASSERT_TRUE(slow);
  auto moment = ReadTransaction::begin(*slow);
  ASSERT_TRUE(slow->integer("SELECT count(*) FROM audit"));
  for (int i = 0; i < 2'500; ++i) {
    shop.apply(AdjustStock{{"olivia", std::string(9'000, 'r')}, ItemNo{0}, Quantity{500'000 + i}});
    ASSERT_TRUE(shop.commit());
  }
  const auto held_back = shop.record->log_bytes();
  EXPECT_EQ(*slow->integer("SELECT count(*) FROM audit"), 2) << "one moment for the whole read";
  moment->reset();
  while (shop.record->log_bytes() >= held_back) {
    shop.apply(AdjustStock{
        {"olivia", std::string(9'000, 'r')},
        ItemNo{0},
        Quantity{600'000 + static_cast<std::int64_t>(shop.record->log_bytes() / 4096)}});
    ASSERT_TRUE(shop.commit());
    ASSERT_LT(shop.record->log_bytes(), 2 * held_back) << "the log is never begun anew";
  }
}

TEST(Record, ClosingLeavesOneFileThatHoldsEverything) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  shop.grab("mia");
  const auto live = shop.state.digest();
  ASSERT_TRUE(shop.record->close());
  shop.record.reset();
  EXPECT_FALSE(std::filesystem::exists(shop.directory + "/record.db-wal"));
  EXPECT_FALSE(std::filesystem::exists(shop.directory + "/journal"));
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_EQ(shop.state.digest(), live);
}

TEST(Record, AReaderThatLeavesLastDoesNotTouchTheLog) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  auto reader = Reader::open(shop.directory);
  ASSERT_TRUE(reader);
  const OrderId order = shop.grab("mia");
  ASSERT_TRUE((*reader)->order(order)->has_value());
  shop.record.reset();  // as a crash would: no checkpoint
  const auto database = std::filesystem::file_size(shop.directory + "/record.db");
  const auto log = std::filesystem::file_size(shop.directory + "/record.db-wal");
  reader->reset();
  EXPECT_EQ(std::filesystem::file_size(shop.directory + "/record.db"), database);
  EXPECT_EQ(std::filesystem::file_size(shop.directory + "/record.db-wal"), log);
  ASSERT_NO_FATAL_FAILURE(shop.restart());
  EXPECT_NE(shop.state.find_order(order), kNoOrder);
}

TEST(Record, CanBeCopiedWhileItIsWritten) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  shop.grab("mia");
  std::filesystem::create_directories(temporary.path("copy"));
  {
    auto other = Connection::open(shop.directory + "/record.db", Connection::Mode::read_only);
    ASSERT_TRUE(other);
    ASSERT_TRUE(other->execute(("VACUUM INTO '" + temporary.path("copy/record.db") + "'").c_str()));
  }
  const auto copy = load_copy(temporary.path("copy"));
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(copy->digest(), shop.state.digest());
  shop.grab("noah");
  EXPECT_EQ(verify(temporary.path("copy"))->finding_count, 0U);
}

}  // namespace
}  // namespace sluice::store
