// The cluster's record against a real MariaDB: what is granted, what is refused and stays refused,
// what the sweeper gives up, and what readers see.
#include <gmock/gmock.h>

#include <algorithm>
#include <limits>

#include "store/cluster_reader.h"
#include "support/cluster_world.h"

namespace sluice::store {
namespace {

using namespace test::cluster;  // NOLINT(google-build-using-namespace)
using mariadb::Failure;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(ClusterRecordTest, RepeatingABatchChangesNothing) {
  auto record = open();
  value(record->define(sale_of("s", 1, 10), kNow));
  const auto batch = crowd(1, 12);
  auto first = value(record->grant(batch, kNow));
  EXPECT_EQ(std::ranges::count(outcomes(first), GrantOutcome::granted), 10);
  EXPECT_EQ(first[11].outcome, GrantOutcome::sold_out);
  const std::string before = fingerprint();
  for (int i = 0; i < 5; ++i) {
    // In another order, in pieces, from another worker.
    auto other = open();
    auto again = batch;
    std::ranges::reverse(again);
    for (const GrantReply& reply : value(other->grant(std::span(again).first(5), kNow)))
      EXPECT_EQ(reply.outcome, GrantOutcome::replayed);
    const auto replies = value(other->grant(again, kNow));
    EXPECT_EQ(replies[0].status, sale::OrderStatus::failed) << "the refusal is remembered";
    EXPECT_EQ(replies[11].status, sale::OrderStatus::awaiting_payment);
  }
  EXPECT_EQ(fingerprint(), before);
  expect_sound();
}

TEST_F(ClusterRecordTest, RulesHoldInTheirOrder) {
  auto record = open();
  value(record->define(sale_of("s", 3, 3, 2), kNow));
  value(record->define(sale_of("t", 1, 5, 5), kNow));
  const auto one = [&](Reservation wanted) {
    return value(record->grant({&wanted, 1}, kNow)).front().outcome;
  };
  auto keyed = reservation(1, "a");
  keyed.request = {1, 2};
  EXPECT_EQ(one(keyed), GrantOutcome::granted);
  EXPECT_EQ(one(keyed), GrantOutcome::replayed);
  auto other = keyed;
  other.quantity = 2;
  EXPECT_EQ(one(other), GrantOutcome::contradicts);
  EXPECT_EQ(one(reservation(2, "a", 99)), GrantOutcome::unknown_item);
  auto same_key = reservation(3, "b", 3);
  same_key.request = {1, 2};
  EXPECT_EQ(one(same_key), GrantOutcome::key_used);
  EXPECT_EQ(one(reservation(4, "a", 1)), GrantOutcome::already_queued)
      << "another item of the sale";
  EXPECT_EQ(one(reservation(5, "a", 3)), GrantOutcome::granted) << "another sale";
  EXPECT_EQ(one(reservation(6, "c", 0, 3)), GrantOutcome::limit_reached);
  EXPECT_EQ(one(reservation(7, "c", 0, 2)), GrantOutcome::granted);
  EXPECT_EQ(one(reservation(8, "d", 0)), GrantOutcome::sold_out);
  // In one batch an earlier one counts for a later one.
  std::vector<Reservation> batch = {reservation(9, "e", 1), reservation(10, "e", 2),
                                    reservation(9, "e", 1), reservation(11, "f", 1, 2),
                                    reservation(12, "g", 1)};
  using enum GrantOutcome;
  EXPECT_THAT(outcomes(value(record->grant(batch, kNow))),
              testing::ElementsAre(granted, already_queued, replayed, granted, sold_out));
  expect_sound();
}

TEST_F(ClusterRecordTest, MalformedOnesLeaveNothing) {
  auto record = open();
  value(record->define(sale_of("s", 1, 10), kNow));
  std::vector<Reservation> bad(9, reservation(1, "a"));
  bad[0].id = OrderId{0};
  bad[1].user = "";
  bad[2].user = std::string(129, 'x');
  bad[3].user = "a\nb";
  bad[4].quantity = 0;
  bad[5].amount = Money{-1};
  bad[6].expires_at = Instant{kNow.ms - 1};
  bad[7].expires_at = Instant{std::numeric_limits<std::int64_t>::max()};
  bad[8].expires_at = kNow + sale::kMaxHold + Span{1};
  const std::string before = fingerprint();
  for (const GrantReply& reply : value(record->grant(bad, kNow)))
    EXPECT_EQ(reply.outcome, GrantOutcome::malformed);
  EXPECT_EQ(fingerprint(), before);
  const std::vector<Reservation> many(ClusterRecord::kMaxBatch + 1, reservation(1, "a"));
  EXPECT_FALSE(record->grant(many, kNow));
  auto odd = reservation(2, "it's \\ \"`; DROP TABLE orders; -- 秒😀");
  EXPECT_EQ(value(record->grant({&odd, 1}, kNow)).front().outcome, GrantOutcome::granted);
  expect_sound();
}

TEST_F(ClusterRecordTest, ARefusalStaysARefusalWhenAUnitComesBack) {
  auto record = open();
  value(record->define(sale_of("s", 1, 1), kNow));
  auto winner = reservation(1, "a");
  auto late = reservation(2, "b");
  late.request = {7, 7};
  EXPECT_EQ(value(record->grant({&winner, 1}, kNow)).front().outcome, GrantOutcome::granted);
  EXPECT_EQ(value(record->grant({&late, 1}, kNow)).front().outcome, GrantOutcome::sold_out);
  const sale::Command cancel = sale::CancelByUser{"a", winner.id};
  EXPECT_EQ(std::get<sale::CancelOutcome>(value(record->apply({&cancel, 1}, kNow)).outcomes[0]),
            sale::CancelOutcome::cancelled);
  const auto again = value(record->grant({&late, 1}, kNow)).front();
  EXPECT_EQ(again.outcome, GrantOutcome::replayed);
  EXPECT_EQ(again.status, sale::OrderStatus::failed);
  auto anew = reservation(3, "b");
  anew.request = {7, 7};
  EXPECT_EQ(value(record->grant({&anew, 1}, kNow)).front().outcome, GrantOutcome::granted)
      << "with the same request key, which made no order before";
  expect_sound();
}

TEST_F(ClusterRecordTest, TheSweeperGivesUpWhatIsOverdueOrCancelled) {
  ClusterOptions options;
  options.settings.has_gateway = true;
  auto record = open(options);
  value(record->define(sale_of("s", 1, 100), kNow));
  value(record->define(sale_of("t", 1, 100), kNow));
  value(record->grant(crowd(1, 10, 0), kNow));
  value(record->grant(crowd(100, 10, 1), kNow));
  EXPECT_THAT(value(record->sweep(100, kNow)).closes, IsEmpty()) << "nothing is due";
  value(record->define(sale::CancelSale{{"operator", "test"}, SaleNo{1}}, kNow));
  EXPECT_EQ(value(record->sweep(4, kNow)).closes.size(), 4U);
  EXPECT_EQ(value(record->sweep(100, kNow)).closes.size(), 6U);
  const Instant later{kNow.ms + kHoldMs + 100};
  EXPECT_EQ(value(record->sweep(100, later)).closes.size(), 10U);
  EXPECT_THAT(value(record->sweep(100, later)).closes, IsEmpty());
  // A worker that starts learns what is under way, page by page.
  std::size_t closes = 0;
  OrderId after{};
  do {
    const auto page = value(record->unfinished(after, 8));
    closes += page.closes.size();
    after = page.next;
  } while (after.value != 0);
  EXPECT_EQ(closes, 20U);
  sale::PaymentClosed closed;
  closed.order = OrderId{kFirstId + 1};
  const sale::Command command = closed;
  EXPECT_EQ(
      std::get<sale::PaymentClosedOutcome>(value(record->apply({&command, 1}, later)).outcomes[0]),
      sale::PaymentClosedOutcome::expired);
  EXPECT_EQ(number("SELECT available FROM item_stock WHERE item_no=0"), 91);
  expect_sound();
}

TEST_F(ClusterRecordTest, ViewsSayWhatHappened) {
  auto record = open();
  value(record->define(sale_of("s", 1, 3, 1), kNow));
  value(record->define(sale_of("t", 1, 9, 1), kNow));
  auto batch = crowd(1, 5);
  batch.push_back(reservation(6, "user-1", 1));
  value(record->grant(batch, kNow));
  const sale::Command paid = sale::PaymentSucceeded{OrderId{kFirstId + 1}, "tx-1", Money{100},
                                                    *Currency::parse("CNY"), kNow};
  const sale::Command wrong = sale::PaymentSucceeded{OrderId{kFirstId + 2}, "tx-2", Money{99},
                                                     *Currency::parse("CNY"), kNow};
  for (const sale::Command& command : {paid, wrong})
    value(record->apply({&command, 1}, kNow));

  auto reader = value(ClusterReader::open(database_.address()));
  const auto view = value(reader->order(OrderId{kFirstId + 1}));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->user, "user-1");
  EXPECT_EQ(view->item_id, "s-0");
  EXPECT_EQ(view->status, sale::OrderStatus::paid);
  EXPECT_EQ(view->transaction_id, "tx-1");
  EXPECT_FALSE(value(reader->order(OrderId{5})));

  sale::PageRequest page{std::nullopt, 1};
  const auto newest = value(reader->orders_of("user-1", page));
  ASSERT_EQ(newest.entries.size(), 1U);
  EXPECT_EQ(newest.entries[0].id.value, kFirstId + 6);
  page.before = newest.next;
  const auto older = value(reader->orders_of("user-1", page));
  ASSERT_EQ(older.entries.size(), 1U);
  EXPECT_EQ(older.entries[0].id.value, kFirstId + 1);
  EXPECT_FALSE(older.next);

  const auto count = [&](auto set) {
    sale::OrderFilter filter;
    set(filter);
    return value(reader->search(filter, {})).entries.size();
  };
  EXPECT_EQ(count([](auto&) {}), 6U);
  EXPECT_EQ(count([](auto& f) { f.sale_id = "t"; }), 1U);
  EXPECT_EQ(count([](auto& f) { f.item_id = "s-0"; }), 5U);
  EXPECT_EQ(count([](auto& f) { f.status = sale::OrderStatus::failed; }), 2U);
  EXPECT_EQ(count([](auto& f) { f.transaction_id = "tx-1"; }), 1U);
  EXPECT_EQ(count([](auto& f) { f.created_before = kNow; }), 0U);
  EXPECT_EQ(count([](auto& f) { f.created_from = kNow; }), 6U);
  EXPECT_EQ(count([](auto& f) { f.needs_attention = true; }), 1U) << "the wrong amount";
  EXPECT_EQ(count([](auto& f) { f.user = "x' OR '1'='1"; }), 0U);
  EXPECT_FALSE(reader->search({}, {std::nullopt, 0}));

  const auto life = value(reader->timeline(OrderId{kFirstId + 1}));
  ASSERT_EQ(life.size(), 2U);
  EXPECT_EQ(life[0].event, "granted");
  EXPECT_EQ(life[0].actor, "shopper");
  EXPECT_EQ(life[1].event, "paid");
  const auto refusal = value(reader->timeline(OrderId{kFirstId + 5}));
  ASSERT_EQ(refusal.size(), 1U);
  EXPECT_EQ(refusal[0].event, "refused");
  EXPECT_EQ(refusal[0].detail, "sold_out");
  const auto audited = value(reader->audit({}));
  EXPECT_EQ(audited.entries.size(), 4U) << "two sales, two items";

  // A reader gets over a connection that an administrator ended.
  const std::int64_t victim = number(
      "SELECT MAX(id) FROM information_schema.processlist WHERE db = DATABASE() AND command = "
      "'Sleep'");
  database_.execute("KILL " + std::to_string(victim));
  EXPECT_TRUE(reader->order(OrderId{kFirstId + 1}));
}

TEST_F(ClusterRecordTest, ABatchMayBeAsLargeAsItsBound) {
  auto record = open();
  const auto defined = value(record->define(sale_of("s", 1, 5000), kNow));
  EXPECT_EQ(defined.sale, SaleNo{0});
  const std::vector<Reservation> batch = crowd(1, ClusterRecord::kMaxBatch);
  const auto replies = value(record->grant(batch, kNow));
  EXPECT_EQ(std::ranges::count(outcomes(replies), GrantOutcome::granted),
            static_cast<std::ptrdiff_t>(batch.size()));
  std::vector<sale::Command> payments;
  for (std::int64_t n = 1; n <= 700; ++n)
    payments.emplace_back(payment_of(n, "tx-" + std::to_string(n)));
  const auto paid = value(record->apply(payments, kNow));
  EXPECT_TRUE(std::ranges::all_of(
      paid.statuses, [](sale::OrderStatus status) { return status == sale::OrderStatus::paid; }));
  EXPECT_EQ(number("SELECT sold FROM item_stock"), 700);
  const auto swept = value(record->sweep(1000, kNow + Span{kHoldMs + kStepMs}));
  EXPECT_TRUE(std::get<sale::PulseOutcome>(swept.outcomes[0]).more);
  expect_sound();
}

TEST_F(ClusterRecordTest, StragglersOfAnEarlierLoadingAreRefused) {
  auto record = open();
  value(record->define(sale_of("s", 1, 10), kNow));
  value(record->define(sale_of("t", 1, 10), kNow));
  const Loading first = value(record->begin_loading(SaleNo{0}));
  EXPECT_EQ(first.epoch, 1U);
  EXPECT_EQ(first.history, 0);
  auto in_time = reservation(1, "a");
  in_time.epoch = 1;
  EXPECT_EQ(value(record->grant({&in_time, 1}, kNow)).front().outcome, GrantOutcome::granted);
  const Loading second = value(record->begin_loading(SaleNo{0}));
  EXPECT_EQ(second.epoch, 2U);
  EXPECT_EQ(second.history, 1) << "what was granted before is loaded, and need not be mirrored";
  EXPECT_EQ(value(record->grant({&in_time, 1}, kNow)).front().outcome, GrantOutcome::replayed)
      << "what is in the record stays, however often it comes";
  std::vector<Reservation> batch(4, reservation(2, "b"));
  batch[0].epoch = 1;
  batch[1] = reservation(3, "c");
  batch[1].epoch = 2;
  batch[2] = reservation(4, "d");  // says nothing of an epoch
  batch[3] = reservation(5, "e", 1);
  batch[3].epoch = 1;  // of another sale, which was never loaded
  using enum GrantOutcome;
  EXPECT_THAT(outcomes(value(record->grant(batch, kNow))),
              testing::ElementsAre(stale_epoch, granted, granted, granted));
  batch[0].epoch = 2;
  EXPECT_EQ(value(record->grant(batch, kNow)).front().status, sale::OrderStatus::failed)
      << "refused once, refused for good";
  const auto unknown = record->begin_loading(SaleNo{9});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, Failure::Kind::other);
  expect_sound();
}

TEST_F(ClusterRecordTest, ACancelledSaleTakesNobody) {
  auto record = open();
  value(record->define(sale_of("s", 1, 10), kNow));
  value(record->grant(crowd(1, 1), kNow));
  value(record->define(sale::CancelSale{{"operator", "test"}, SaleNo{0}}, kNow));
  EXPECT_EQ(value(record->grant(crowd(1, 2), kNow))[1].outcome, GrantOutcome::sale_cancelled);
  EXPECT_EQ(number("SELECT available FROM item_stock"), 9);
  value(record->sweep(10, kNow));
  EXPECT_EQ(number("SELECT available FROM item_stock"), 10);
  expect_sound();
}

}  // namespace
}  // namespace sluice::store
