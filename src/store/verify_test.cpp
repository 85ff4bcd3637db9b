// The audit against tampering: each kind of damage is found as what it is, and nothing else is.
#include "store/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "store/schema.h"
#include "store/test_support.h"

namespace sluice::store {
namespace {

using sale::CancelByUser;
using sale::ChangeItem;
using sale::ChangeItemOutcome;
using sale::Refund;
using sale::RefundFinished;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A record with an order in each interesting status:
///   1 mia awaiting, 2 noah paid, 3 lena cancelled, 4 omar refunded, 5 noah's second, awaiting in
///   the other sale, 6 ada paid. Ids are told by row number: nth(1) is mia's.
template <class Base>
class SceneOfTampering : public Base {
 protected:
  void SetUp() override {
    Shop shop(temporary_.path(), true);
    shop.open_sale(2, 10, 2);
    shop.open_sale(1, 10, 2);
    const auto step = [&shop] { shop.now = shop.now + Span::seconds(1); };
    orders_.push_back(shop.grab("mia", 0, true, {1, 1}));
    step();
    orders_.push_back(shop.grab("noah", 0, true, {2, 2}));
    shop.pay(orders_.back(), "tx-noah");
    step();
    orders_.push_back(shop.grab("lena", 1));
    shop.apply(CancelByUser{"lena", orders_.back()});
    shop.apply(sale::PaymentClosed{orders_.back(), sale::PaymentClosed::Answer::closed, {}});
    ASSERT_TRUE(shop.commit());
    step();
    orders_.push_back(shop.grab("omar", 1));
    shop.pay(orders_.back(), "tx-omar");
    shop.apply(Refund{{"olivia", "asked for it"}, orders_.back()});
    ASSERT_TRUE(shop.commit());
    shop.apply(RefundFinished{orders_.back(), true});
    ASSERT_TRUE(shop.commit());
    step();
    orders_.push_back(shop.grab("noah", 2));
    step();
    orders_.push_back(shop.grab("ada", 1));
    shop.pay(orders_.back(), "tx-ada");
    ASSERT_TRUE(shop.record->close());
  }

  std::string nth(std::size_t number) const { return std::to_string(orders_.at(number - 1).value); }

  /// The checks that find something after `sql`, each once. With `sealed` the tamperer also repairs
  /// the hash chain.
  std::vector<std::string> found(const std::string& sql, bool sealed = true) {
    tamper(temporary_.path(), sql);
    if (sealed) reseal(temporary_.path());
    report_ = {};
    const auto report = verify(temporary_.path());
    if (!report) return {report.error().message};
    report_ = *report;
    std::set<std::string> checks;
    for (const Finding& finding : report->findings)
      checks.insert(finding.check);
    return {checks.begin(), checks.end()};
  }

  std::string details() const {
    std::string all;
    for (const Finding& finding : report_.findings)
      all += finding.detail + "\n";
    return all;
  }

  const TemporaryDirectory temporary_;
  std::vector<OrderId> orders_;
  VerifyReport report_;
};

using Tampered = SceneOfTampering<::testing::Test>;

TEST_F(Tampered, NothingIsFoundWhereNothingWasDone) {
  EXPECT_THAT(found("SELECT 1", false), ElementsAre());
  EXPECT_EQ(report_.sales, 2U);
  EXPECT_EQ(report_.items, 3U);
  EXPECT_EQ(report_.orders, 6U);
  EXPECT_EQ(report_.history_rows, 13U);
  EXPECT_EQ(report_.head.size(), 64U);
  ASSERT_EQ(report_.lines.size(), 3U);
  EXPECT_EQ(report_.lines[1].id, "i2");
  EXPECT_EQ(report_.lines[1].sold, 1);
  EXPECT_EQ(report_.lines[1].refunded, 1);
}

TEST_F(Tampered, TheTestsOwnChainAgreesWithTheWriters) {
  ASSERT_THAT(found("SELECT 1", false), ElementsAre());
  const std::string head = report_.head;
  EXPECT_THAT(found("SELECT 1", true), ElementsAre());
  EXPECT_EQ(report_.head, head);
}

TEST_F(Tampered, StagesAreAnnounced) {
  std::vector<std::string> stages;
  ASSERT_TRUE(
      verify(temporary_.path(), [&stages](std::string_view stage) { stages.emplace_back(stage); }));
  EXPECT_EQ(stages.size(), 6U);
  EXPECT_EQ(stages.front(), "the file");
}

// ---- the chain: every sealed fact
// ----------------------------------------------------------------

class SealedFact : public SceneOfTampering<::testing::TestWithParam<const char*>> {};

TEST_P(SealedFact, ShowsInTheChain) {
  EXPECT_THAT(found(GetParam(), false), ElementsAre("chain")) << details();
}

INSTANTIATE_TEST_SUITE_P(
    Facts, SealedFact,
    ::testing::Values("UPDATE history SET at = at + 1 WHERE seq = 3",
                      "UPDATE history SET detail = 'tx-other' WHERE event = 8 AND seq < 5",
                      "UPDATE history SET actor = 'olivia' WHERE seq = 1",
                      "UPDATE orders SET expires_at = expires_at + 1 WHERE user = 'mia'",
                      "UPDATE orders SET created_at = created_at - 1 WHERE user = 'mia'",
                      "UPDATE orders SET user = 'mallory' WHERE user = 'mia'",
                      "UPDATE orders SET amount = 1 WHERE user = 'mia'",
                      "UPDATE orders SET request_key = NULL WHERE user = 'mia'",
                      "UPDATE orders SET transaction_id = 'tx-x' WHERE user = 'ada'",
                      "UPDATE orders SET paid_at = paid_at + 1 WHERE user = 'ada'",
                      "UPDATE audit SET reason = 'none' WHERE seq = 1",
                      "UPDATE audit SET after = '{}' WHERE action = 'sale.open' AND seq = 1",
                      "UPDATE seal SET at = at + 1 WHERE seq = 2",
                      "UPDATE seal SET hash = zeroblob(32) WHERE seq = 3",
                      "UPDATE seal SET hash = x'00' WHERE seq = 3",
                      "UPDATE seal SET last_history = last_history - 1 WHERE seq = 4",
                      "DELETE FROM seal WHERE seq = 4",
                      "DELETE FROM seal WHERE seq = (SELECT max(seq) FROM seal)",
                      "DELETE FROM audit WHERE seq = 2"));

TEST_F(Tampered, OneChangedBatchIsOneFinding) {
  found("UPDATE history SET at = at + 1 WHERE seq = 3", false);
  EXPECT_EQ(report_.finding_count, 1U);
  EXPECT_THAT(details(), HasSubstr("history 3 to 3"));
}

TEST_F(Tampered, RowsThatNoSealCovers) {
  EXPECT_THAT(found("INSERT INTO audit VALUES(99, 1, 'x', 'x', 'x', 'x', '{}', '{}')", false),
              ElementsAre("chain"));
  EXPECT_THAT(details(), HasSubstr("1 rows of history and audit are not sealed"));
}

TEST_F(Tampered, AMissingAuditRowShowsEvenWhenTheChainIsRepaired) {
  EXPECT_THAT(found("DELETE FROM audit WHERE seq = 2"), ElementsAre("chain"));
  EXPECT_THAT(details(), HasSubstr("audit rows 2 to 2 are missing"));
}

// ---- what is found without the chain
// ---------------------------------------------------------------

struct Damage {
  const char* name;
  const char* sql;
  const char* check;
  const char* detail;
};

class Damaged : public SceneOfTampering<::testing::TestWithParam<Damage>> {};

TEST_P(Damaged, IsFoundAsWhatItIs) {
  EXPECT_THAT(found(GetParam().sql), ElementsAre(GetParam().check)) << details();
  EXPECT_THAT(details(), HasSubstr(GetParam().detail));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Damaged,
    ::testing::Values(
        Damage{"sum", "UPDATE item_stock SET available = available + 1 WHERE item_no = 0",
               "conservation", "is not stock"},
        Damage{"negative",
               "UPDATE item_stock SET available = -1, held = held + 10 WHERE item_no = 2; UPDATE "
               "item_stock SET available = available, held = held - 10, stock = stock - 10 WHERE "
               "item_no = 2; UPDATE audit SET after = json_set(after, '$.stock', '0') WHERE "
               "subject = 'i3'",
               "conservation", "available -1"},
        Damage{"refunded", "UPDATE item_stock SET refunded = 5 WHERE item_no = 1", "counters",
               "refunded is 5, its orders add up to 1"},
        Damage{"held",
               "UPDATE item_stock SET held = held + 1, available = available - 1 WHERE item_no = 0",
               "counters", "held is 2, its orders add up to 1"},
        Damage{"sold",
               "UPDATE item_stock SET sold = sold + 1, available = available - 1 WHERE item_no = 0",
               "counters", "sold is 2, its orders add up to 1"},
        Damage{"stock",
               "UPDATE item_stock SET stock = stock + 5, available = available + 5 WHERE item_no = "
               "0",
               "definition", "stock is '15', by the audit log it was set to '10'"},
        Damage{"item_title", "UPDATE item SET title = 'x' WHERE no = 0", "definition",
               "item i1: title is 'x', by the audit log it was set to 'Thing 0'"},
        Damage{"item_price", "UPDATE item SET price = 1 WHERE no = 0", "definition",
               "price is '1', by the audit log it was set to '1999'"},
        Damage{"item_currency", "UPDATE item SET currency = 'EUR' WHERE no = 0", "definition",
               "currency"},
        Damage{"sale_window", "UPDATE sale SET ends_at = ends_at + 1 WHERE no = 0", "definition",
               "ends_at"},
        Damage{"sale_outside_time", "UPDATE sale SET starts_at = -5 WHERE no = 0", "definition",
               "starts_at is '-5'"},
        Damage{"sale_cancelled", "UPDATE sale SET cancelled = 1 WHERE no = 0", "definition",
               "cancelled is 'true', by the audit log it was set to 'false'"},
        Damage{"frozen", "UPDATE item_stock SET frozen = 1 WHERE item_no = 0", "frozen", "i1"},
        Damage{"item_of_sale", "UPDATE item SET sale_no = 9 WHERE no = 0", "links",
               "of sale 9, which does not exist"},
        Damage{"limit",
               "UPDATE item SET per_user_limit = 0 WHERE no = 0; UPDATE audit SET after = "
               "json_set(after, '$.per_user_limit', '0') WHERE subject = 'i1'",
               "limit", "the limit is 0"},
        Damage{"waiting",
               "UPDATE item SET sale_no = 0 WHERE no = 2; UPDATE orders SET user = 'noah' WHERE "
               "user = 'mia'; UPDATE orders SET user_previous = (SELECT min(id) FROM orders) WHERE "
               "user = 'noah' AND user_previous IS NULL AND id > (SELECT min(id) FROM orders)",
               "waiting", "shopper 'noah' has two unpaid orders"},
        Damage{"user_previous", "UPDATE orders SET user_previous = 5 WHERE user = 'ada'", "links",
               "as the shopper's order before it"},
        Damage{"previous", "UPDATE history SET previous = 1 WHERE seq = 3", "links",
               "as the row before it"},
        Damage{"last_event", "UPDATE orders SET last_event = 1 WHERE user = 'ada'", "links",
               "as its newest history row"},
        Damage{"order_of_history", "INSERT INTO history VALUES(14, 4711, 1, 2, NULL, NULL, NULL)",
               "links", "of order No4711, which does not exist"},
        Damage{"row_and_history", "UPDATE orders SET status = 3, reason = 2 WHERE user = 'mia'",
               "status", "is closing, its history ends with awaiting_payment"},
        Damage{"reason", "UPDATE orders SET reason = 7 WHERE user = 'lena'", "status",
               "does not go with reason 7"},
        Damage{"unknown_reason", "UPDATE orders SET reason = 64 WHERE user = 'lena'", "status",
               "does not go with reason 64"},
        Damage{
            "illegal_step",
            "INSERT INTO history SELECT 14, id, 1, 6, last_event, NULL, NULL FROM orders WHERE "
            "user = 'lena'; UPDATE orders SET last_event = 14, status = 8, reason = 1 WHERE user "
            "= 'lena'",
            "status", "is cancelled, which does not allow expired"},
        Damage{"granted_twice",
               "INSERT INTO history SELECT 14, id, 1, 1, last_event, NULL, NULL FROM orders WHERE "
               "user = 'mia'; UPDATE orders SET last_event = 14 WHERE user = 'mia'",
               "status", "is awaiting_payment, which does not allow granted"},
        Damage{
            "no_history",
            "INSERT INTO orders SELECT max(id) + 1, 'ghost', 0, 1, 1999, 8, 1, 0, 0, NULL, NULL, "
            "NULL, NULL, 0, 0, NULL, 1 FROM orders",
            "status", "has no history"},
        Damage{"half_payment", "UPDATE orders SET paid_at = NULL WHERE user = 'ada'", "payment",
               "only a part"},
        Damage{"unpaid",
               "UPDATE orders SET paid_at = NULL, paid_amount = NULL, transaction_id = NULL WHERE "
               "user = 'ada'",
               "payment", "is paid and has no payment"},
        Damage{"paid_for_nothing",
               "UPDATE orders SET paid_at = 1, paid_amount = 1999, transaction_id = 'tx-l' WHERE "
               "user = 'lena'",
               "payment", "is cancelled and has a payment"},
        Damage{"paid_too_little", "UPDATE orders SET paid_amount = 1 WHERE user = 'ada'", "payment",
               "costs 1999 and was paid with 1"},
        Damage{"transaction", "UPDATE orders SET transaction_id = 'tx-noah' WHERE user = 'ada'",
               "transaction", "'tx-noah' pays 2 orders"},
        Damage{"request",
               "UPDATE orders SET request_key = (SELECT request_key FROM orders WHERE user = "
               "'mia') WHERE user = 'ada'",
               "request", "same request"},
        Damage{"key_size", "UPDATE orders SET request_key = x'00' WHERE user = 'mia'", "value",
               "request key of 1 bytes"},
        Damage{"unknown_event",
               "INSERT INTO history SELECT 14, id, 1, 99, last_event, NULL, NULL FROM orders WHERE "
               "user = 'mia'; UPDATE orders SET last_event = 14 WHERE user = 'mia'",
               "value", "unknown event 99"}),
    [](const auto& damage) { return std::string(damage.param.name); });

TEST_F(Tampered, AnOrderOfAnUnknownItem) {
  // Its units are missing from the item it was of, too.
  EXPECT_THAT(found("UPDATE orders SET item_no = 77 WHERE user = 'mia'"),
              ElementsAre("counters", "links"));
  EXPECT_THAT(details(), HasSubstr("of item 77, which does not exist"));
}

TEST_F(Tampered, AnItemWithoutStock) {
  EXPECT_THAT(found("DELETE FROM item_stock WHERE item_no = 0"), ElementsAre("counters", "links"));
}

TEST_F(Tampered, AnImpossibleQuantityOrStatus) {
  EXPECT_THAT(found("UPDATE orders SET quantity = 0 WHERE user = 'lena'"), ElementsAre("value"));
  EXPECT_THAT(found("UPDATE orders SET quantity = 1, status = 44 WHERE user = 'lena'"),
              ElementsAre("value"));
  EXPECT_THAT(details(), HasSubstr("unknown status 44"));
}

TEST_F(Tampered, UnitsThatAreSoldWithoutMoney) {
  EXPECT_THAT(found("UPDATE orders SET unit_sold = 1 WHERE user = 'lena'"),
              ElementsAre("counters", "status"));
}

TEST_F(Tampered, ADeletedOrder) {
  EXPECT_THAT(found("DELETE FROM orders WHERE user = 'lena'", false),
              ElementsAre("chain", "links"));
}

TEST_F(Tampered, ADeletedHistoryRow) {
  EXPECT_THAT(found("DELETE FROM history WHERE seq = 12", false),
              ElementsAre("chain", "links", "status"));
  EXPECT_THAT(details(), HasSubstr("history rows 12 to 12 are missing"));
}

TEST_F(Tampered, ManyFindingsAreCountedAndTheListIsBounded) {
  tamper(temporary_.path(), "UPDATE orders SET reason = 99");
  const auto report = verify(temporary_.path(), {}, 2);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->findings.size(), 2U);
  EXPECT_EQ(report->finding_count, 6U);
}

TEST_F(Tampered, AFileThatIsDamagedItself) {
  // The first free byte after the cell pointers of a table's page: SQLite's own check sees it.
  tamper(temporary_.path(), "PRAGMA wal_checkpoint(TRUNCATE)");
  const std::string file = temporary_.path("data/record.db");
  auto connection = Connection::open(file, Connection::Mode::read_only);
  const auto root =
      connection->integer("SELECT rootpage FROM sqlite_schema WHERE name = 'history'");
  ASSERT_TRUE(root);
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp((*root - 1) * 4096 + 3);
  bytes.put('\x7f');
  bytes.close();
  const auto report = verify(temporary_.path());
  const bool told = !report || report->finding_count > 0;
  EXPECT_TRUE(told);
}

TEST(Verify, ALimitThatWasLoweredLaterIsNoFinding) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10, 2);
  for (const char* transaction : {"tx-1", "tx-2"})
    shop.pay(shop.grab("mia"), transaction);
  ChangeItem change;
  change.by = {"olivia", "fewer"};
  change.item = ItemNo{0};
  change.per_user_limit = Quantity{1};
  ASSERT_EQ(shop.apply(change), ChangeItemOutcome::changed);
  ASSERT_TRUE(shop.commit());
  EXPECT_EQ(verify(shop.directory)->finding_count, 0U);
}

TEST(Verify, ReadsARecordThatIsBeingWritten) {
  const TemporaryDirectory temporary;
  Shop shop(temporary.path());
  shop.open_sale(1, 10);
  shop.grab("mia");
  const auto report = verify(shop.directory);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->finding_count, 0U);
  shop.grab("noah");
}

TEST(Verify, SaysWhyItCannotReadAtAll) {
  const TemporaryDirectory temporary;
  EXPECT_FALSE(verify(temporary.path("nothing")));
  { const Shop shop(temporary.path("newer")); }
  tamper(temporary.path("newer"), "PRAGMA user_version = 999");
  const auto newer = verify(temporary.path("newer"));
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message, HasSubstr("newer version"));
  { const Shop shop(temporary.path("older")); }
  tamper(temporary.path("older"), "PRAGMA user_version = 0");
  const auto older = verify(temporary.path("older"));
  ASSERT_FALSE(older);
  EXPECT_THAT(older.error().message, HasSubstr("start the server once"));
}

/// A record of a server that was killed: some of it in the tables, the rest in the journal.
class Killed : public ::testing::Test {
 protected:
  void SetUp() override {
    Shop shop(temporary_.path(), true);  // only with a gateway money goes back
    shop.open_sale(1, 100);
    mia_ = shop.grab("mia");
    shop.settles = false;
    shop.grab("noah");
    shop.pay(mia_, "tx-mia");
    shop.apply(Refund{{"olivia", "asked for it"}, mia_});
    ASSERT_TRUE(shop.commit());
    shop.grab("lena");
  }

  std::string content(const char* name) const {
    std::ifstream file(temporary_.path() + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const TemporaryDirectory temporary_;
  OrderId mia_;
};

TEST_F(Killed, TheJournalIsAuditedWithTheTablesAndNothingIsChanged) {
  const std::string database = content("/record.db");
  const std::string log = content("/record.db-wal");
  const std::string journal = content("/journal");
  for (int i = 0; i < 2; ++i) {
    const auto report = verify(temporary_.path());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->finding_count, 0U);
    EXPECT_EQ(report->orders, 3U);
    EXPECT_EQ(report->seals, 6U);
    EXPECT_EQ(report->journal_batches, 4U);
    EXPECT_EQ(report->lines.at(0).held, 2);
  }
  EXPECT_EQ(content("/record.db"), database);
  EXPECT_EQ(content("/record.db-wal"), log);
  EXPECT_EQ(content("/journal"), journal);
  const auto record = Record::open(temporary_.path(), test_options());
  ASSERT_TRUE(record) << record.error().message;
  const auto report = verify(temporary_.path());
  EXPECT_EQ(report->orders, 3U) << "a server that runs is not waited for";
  EXPECT_EQ(report->journal_batches, 0U);
}

TEST_F(Killed, TamperingWithTheTablesIsFoundBehindTheJournal) {
  tamper(temporary_.path(), "UPDATE orders SET amount = 1 WHERE user = 'mia'");
  const auto report = verify(temporary_.path());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report->finding_count, 0U);
  EXPECT_EQ(report->journal_batches, 4U);
}

TEST_F(Killed, ADamagedJournalIsAFinding) {
  std::string journal = content("/journal");
  journal[3 * kJournalBlock + 100] ^= 1;  // sale, mia, noah: there are later ones
  std::ofstream(temporary_.path("data/journal"), std::ios::binary) << journal;
  const auto report = verify(temporary_.path());
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->finding_count, 1U);
  EXPECT_EQ(report->findings[0].check, "journal");
  EXPECT_THAT(report->findings[0].detail, HasSubstr("batch 3 is damaged"));
  EXPECT_EQ(report->orders, 1U) << "the tables are audited all the same";
}

TEST_F(Killed, AJournalThatCannotBeLockedIsNotPassedOver) {
  const std::string lock = temporary_.path() + "/" + kRecordFormat.lock;
  std::filesystem::remove(lock);
  std::filesystem::create_directory(lock);
  const auto report = verify(temporary_.path());
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->finding_count, 1U);
  EXPECT_EQ(report->findings[0].check, "journal");
  EXPECT_THAT(report->findings[0].detail, HasSubstr("was not audited"));
}

TEST_F(Killed, AJournalThatDoesNotFitTheTablesIsAFinding) {
  tamper(temporary_.path(), "DELETE FROM orders");
  const auto report = verify(temporary_.path());
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_GT(report->finding_count, 0U);
  EXPECT_EQ(report->findings[0].check, "journal");
}

}  // namespace
}  // namespace sluice::store
