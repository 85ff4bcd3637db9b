// The cluster's record against a real MariaDB: what is granted, that repeating changes nothing,
// that it agrees with the core step by step, and what is left when the server or the connection
// goes.
#include "store/cluster_record.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "store/cluster_copy.h"
#include "store/cluster_reader.h"
#include "support/mariadb_service.h"

namespace sluice::store {
namespace {

using mariadb::Failure;
using test::MariadbService;
using test::TemporaryDirectory;
using test::TestDatabase;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Instant kNow{1'795'000'000'000};
/// The core expires in steps of 64 ms; with these an order is due in the very step of its deadline.
constexpr std::int64_t kStepMs = 64;
constexpr std::int64_t kHoldMs = 1000 * kStepMs;
constexpr std::int64_t kFirstId = std::int64_t{1} << 40;

std::unique_ptr<ClusterRecord> open(const mariadb::Address& address, ClusterOptions options = {}) {
  auto record = ClusterRecord::open(address, options);
  if (!record) throw std::runtime_error(record.error().message);
  return std::move(*record);
}

template <class T>
T value(mariadb::Outcome<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().message);
  return std::move(*outcome);
}

sale::OpenSale sale_of(const std::string& id, int items, std::int64_t stock,
                       std::int64_t limit = 1) {
  sale::OpenSale open;
  open.by = {"operator", "test"};
  open.id = id;
  open.title = "秒杀 " + id;
  open.starts_at = Instant{kNow.ms - 1000};
  open.ends_at = Instant{kNow.ms + 86'400'000};
  open.hold = Span{kHoldMs};
  for (int i = 0; i < items; ++i) {
    sale::ItemDraft draft;
    draft.id = id + "-" + std::to_string(i);
    draft.title = "item";
    draft.price = Money{100};
    draft.list_price = Money{200};
    draft.currency = *Currency::parse("CNY");
    draft.stock = Quantity{stock};
    draft.per_user_limit = Quantity{limit};
    open.items.push_back(draft);
  }
  return open;
}

Reservation reservation(std::int64_t n, std::string user, std::uint32_t item = 0,
                        std::int64_t quantity = 1) {
  Reservation wanted;
  wanted.id = OrderId{kFirstId + n};
  wanted.user = std::move(user);
  wanted.item = ItemNo{item};
  wanted.quantity = quantity;
  wanted.amount = Money{100 * quantity};
  wanted.created_at = kNow;
  wanted.expires_at = kNow + Span{kHoldMs};
  return wanted;
}

std::vector<Reservation> crowd(std::int64_t from, std::int64_t count, std::uint32_t item = 0) {
  std::vector<Reservation> all;
  for (std::int64_t n = from; n < from + count; ++n)
    all.push_back(reservation(n, "user-" + std::to_string(n), item));
  return all;
}

std::vector<GrantOutcome> outcomes(const std::vector<GrantReply>& replies) {
  std::vector<GrantOutcome> all;
  for (const GrantReply& reply : replies)
    all.push_back(reply.outcome);
  return all;
}

class ClusterRecordTest : public testing::Test {
 protected:
  /// Everything in the database, as one number per table.
  std::string fingerprint() {
    std::string text;
    for (const char* table :
         {"sale", "item", "item_stock", "orders", "history", "audit", "seal", "head"}) {
      auto& connection = database_.connection();
      auto rows = value(connection.prepare("CHECKSUM TABLE " + std::string(table) + " EXTENDED"));
      if (auto asked = rows.query(); !asked) throw std::runtime_error(asked.error().message);
      if (!value(rows.next())) throw std::runtime_error("no checksum");
      text += std::string(rows.text(1)) + " ";
      rows.reset();
    }
    return text;
  }

  VerifyReport audit(const mariadb::Address& address) {
    auto report = verify_cluster(address, directory_.path());
    if (!report) throw std::runtime_error(report.error().message);
    return std::move(*report);
  }
  void expect_sound(const mariadb::Address& address) {
    const VerifyReport report = audit(address);
    EXPECT_EQ(report.finding_count, 0U);
    for (const Finding& finding : report.findings)
      ADD_FAILURE() << finding.check << ": " << finding.detail;
  }
  void expect_sound() { expect_sound(database_.address()); }

  std::int64_t number(const std::string& sql) { return value(database_.connection().integer(sql)); }

  TemporaryDirectory directory_;
  TestDatabase database_{MariadbService::shared()};
};

TEST_F(ClusterRecordTest, RepeatingABatchChangesNothing) {
  auto record = open(database_.address());
  value(record->define(sale_of("s", 1, 10), kNow));
  const auto batch = crowd(1, 12);
  auto first = value(record->grant(batch, kNow));
  EXPECT_EQ(std::ranges::count(outcomes(first), GrantOutcome::granted), 10);
  EXPECT_EQ(first[11].outcome, GrantOutcome::sold_out);
  const std::string before = fingerprint();
  for (int i = 0; i < 5; ++i) {
    // In another order, in pieces, from another worker.
    auto other = open(database_.address());
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
  auto record = open(database_.address());
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
  auto record = open(database_.address());
  value(record->define(sale_of("s", 1, 10), kNow));
  std::vector<Reservation> bad(7, reservation(1, "a"));
  bad[0].id = OrderId{0};
  bad[1].user = "";
  bad[2].user = std::string(129, 'x');
  bad[3].user = "a\nb";
  bad[4].quantity = 0;
  bad[5].amount = Money{-1};
  bad[6].expires_at = Instant{kNow.ms - 1};
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
  auto record = open(database_.address());
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
  auto record = open(database_.address(), options);
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
  auto record = open(database_.address());
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

// ---- agreement with the core -------------------------------------------------------------------

class Agreement : public ClusterRecordTest, public testing::WithParamInterface<int> {};

TEST_P(Agreement, StepByStepWithOneStateInMemory) {
  const auto seed = static_cast<std::uint64_t>(GetParam());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::uint64_t below) { return random() % below; };
  ClusterOptions options;
  options.settings.has_gateway = seed % 2 == 0;
  options.settings.max_close_attempts = 3;
  auto record = open(database_.address(), options);
  sale::State state(options.settings);
  sale::Effects effects;
  Instant now{kNow.ms + kStepMs - 1};
  std::vector<OrderId> orders{OrderId{1}};
  const auto user = [&] { return "user-" + std::to_string(pick(6)); };
  const auto both = [&](const sale::Command& command, bool defines) {
    effects.clear();
    sale::Outcome expected = std::visit(
        [&](const auto& one) -> sale::Outcome {
          using Kind = std::decay_t<decltype(one)>;
          if constexpr (std::is_same_v<Kind, sale::OpenSale>) {
            SaleNo no{};
            return state.apply(one, now, effects, no);
          } else if constexpr (std::is_same_v<Kind, sale::AddItem>) {
            ItemNo no{};
            return state.apply(one, now, effects, no);
          } else if constexpr (std::is_same_v<Kind, sale::Grab>) {
            return sale::GrabOutcome::unknown_item;
          } else {
            return state.apply(one, now, effects);
          }
        },
        command);
    const Applied applied =
        value(defines ? record->define(command, now) : record->apply({&command, 1}, now));
    EXPECT_EQ(applied.outcomes.at(0).index(), expected.index());
    if (!std::holds_alternative<sale::PulseOutcome>(expected)) {
      const auto code = [](const sale::Outcome& outcome) {
        return std::visit(
            [](const auto& one) {
              if constexpr (requires { static_cast<int>(one); }) return static_cast<int>(one);
              return -1;
            },
            outcome);
      };
      EXPECT_EQ(code(applied.outcomes.at(0)), code(expected)) << "command " << command.index();
    }
    EXPECT_EQ(applied.closes.size(), effects.closes.size());
    EXPECT_EQ(applied.refunds.size(), effects.refunds.size());
  };
  both(sale_of("s", 2, 4, 2), true);
  both(sale_of("t", 1, 3, 1), true);
  for (int step = 0; step < 150 && !HasFailure(); ++step) {
    now = now + Span{static_cast<std::int64_t>(pick(50)) * kStepMs};
    const OrderId order = orders[pick(orders.size())];
    const sale::OrderSlot slot = state.find_order(order);
    const Money amount = slot == sale::kNoOrder ? Money{100} : state.order(slot).amount;
    sale::PaymentSucceeded payment{order, "tx-" + std::to_string(pick(20)),
                                   pick(8) == 0 ? Money{1} : amount, *Currency::parse("CNY"), now};
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        sale::Grab grab{user(),
                        ItemNo{static_cast<std::uint32_t>(pick(3))},
                        static_cast<std::int64_t>(1 + pick(2)),
                        {}};
        sale::OrderSlot made = sale::kNoOrder;
        effects.clear();
        // What is asked again is left out: when, is the worker's to know.
        const sale::PulseOutcome pulse = state.apply(sale::Pulse{}, now, effects);
        const auto swept =
            std::get<sale::PulseOutcome>(value(record->sweep(4096, now)).outcomes[0]);
        EXPECT_EQ(swept.expired, pulse.expired);
        EXPECT_EQ(swept.closing, pulse.closing);
        effects.clear();
        if (state.apply(grab, now, effects, made) != sale::GrabOutcome::granted) break;
        const sale::Order& granted = state.order(made);
        orders.push_back(granted.id);
        Reservation wanted{granted.id,     grab.user,          grab.item,          grab.quantity,
                           granted.amount, granted.created_at, granted.expires_at, {}};
        EXPECT_EQ(value(record->grant({&wanted, 1}, now)).front().outcome, GrantOutcome::granted);
        break;
      }
      case 4:
      case 5:
        both(payment, false);
        break;
      case 6: {
        sale::PaymentClosed closed{order, static_cast<sale::PaymentClosed::Answer>(pick(3)), {}};
        if (closed.answer == sale::PaymentClosed::Answer::already_paid) closed.payment = payment;
        both(closed, false);
        break;
      }
      case 7:
        both(sale::CancelByUser{user(), order}, false);
        break;
      case 8:
        both(sale::Refund{{"operator", "test"}, order}, false);
        break;
      case 9:
        both(sale::RefundFinished{order, pick(2) == 0}, false);
        break;
      case 10:
        both(sale::Resolve{{"operator", "test"},
                           order,
                           static_cast<sale::Resolve::Action>(pick(3)),
                           "tx-" + std::to_string(pick(20))},
             false);
        break;
      default:
        both(sale::AdjustStock{{"operator", "test"},
                               ItemNo{static_cast<std::uint32_t>(pick(3))},
                               Quantity{static_cast<std::int64_t>(pick(9))}},
             true);
    }
  }
  sale::State loaded(options.settings);
  const auto done = record->load(loaded);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(loaded.digest(), state.digest());
  expect_sound();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Agreement, testing::Range(1, 9));

// ---- connections and servers that go -----------------------------------------------------------

TEST_F(ClusterRecordTest, ACommitWithoutAnAnswerIsLookedUp) {
  for (const bool reached : {false, true}) {
    int losses = 0;
    ClusterOptions options;
    options.at_commit = [&](bool committed) { return committed == reached && ++losses == 2; };
    auto record = open(database_.address(), options);
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
  auto other = open(database_.address());
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
  auto record = open(database_.address(), options);
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
  auto record = open(database_.address(), options);
  const auto done = record->define(sale_of("s", 1, 1), kNow);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Failure::Kind::lost);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(number("SELECT COUNT(*) FROM seal"), 0);
}

TEST_F(ClusterRecordTest, WorkersShareTheStockAndOneShopperGetsOne) {
  value(open(database_.address())->define(sale_of("s", 2, 300), kNow));
  constexpr int kWorkers = 4;
  std::atomic<int> granted{0};
  std::atomic<int> of_one{0};
  std::vector<std::jthread> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      auto record = open(database_.address());
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

TEST(ClusterRecordKill, NothingAcknowledgedIsLostAndNothingIsDoneTwice) {
  const char* given = std::getenv("SLUICE_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  SCOPED_TRACE("SLUICE_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  MariadbService service;
  TemporaryDirectory directory;
  const auto address = service.admin();
  int countdown = -1;
  ClusterOptions options;
  options.attempts = 2;
  options.at_commit = [&](bool) {
    if (countdown >= 0 && countdown-- == 0) service.kill();
    return false;
  };
  auto record = open(address, options);
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

// ---- the format and its guards -----------------------------------------------------------------

TEST_F(ClusterRecordTest, TheDatabaseItselfRefusesWhatMustNotBe) {
  auto record = open(database_.address());
  value(record->define(sale_of("s", 1, 10), kNow));
  value(record->grant(crowd(1, 2), kNow));
  auto& connection = database_.connection();
  EXPECT_FALSE(connection.execute("UPDATE item_stock SET available = -1"));
  EXPECT_FALSE(connection.execute("UPDATE item_stock SET sold = sold + 1"));
  EXPECT_EQ(connection.execute("UPDATE orders SET `user` = 'user-1'").error().kind,
            Failure::Kind::duplicate_key)
      << "two unpaid orders of one shopper in one sale";
  EXPECT_EQ(connection.execute("UPDATE orders SET transaction_id = 'x'").error().kind,
            Failure::Kind::duplicate_key);
  EXPECT_FALSE(
      connection.execute("INSERT INTO head SELECT 2, history, audit, seal, hash FROM head"));
}

TEST_F(ClusterRecordTest, VerifyFindsWhatSomebodyChanged) {
  auto record = open(database_.address());
  value(record->define(sale_of("s", 1, 10), kNow));
  value(record->grant(crowd(1, 3), kNow));
  const std::string config = directory_.path() + "/cluster.toml";
  std::ofstream(config) << "[server]\ndata = \"" << directory_.path()
                        << "/data\"\n[engine]\nkind = \"cluster\"\n[database]\nurl = \""
                        << test::url_of(database_.address()) << "\"\n";
  const std::string output = directory_.path() + "/output";
  EXPECT_EQ(test::run_sluice({"verify", "--config", config}, output), 0);
  database_.execute("UPDATE orders SET quantity = 2 WHERE id = " + std::to_string(kFirstId + 2));
  EXPECT_EQ(test::run_sluice({"verify", "--config", config}, output), 1);
  std::ifstream in(output, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(text, HasSubstr("3 orders"));
  EXPECT_THAT(text, HasSubstr("FINDING chain"));
  EXPECT_THAT(text, HasSubstr("FINDING counters"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() + "/data")) << "the copy is gone";
  const auto none = verify_cluster(MariadbService::shared().admin(), directory_.path());
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("there is no record"));
}

TEST_F(ClusterRecordTest, MigratingIsRepeatableAndANewerFormatIsLeftAlone) {
  // Cut short after some statements: the rest is made up for.
  open(database_.address());
  database_.execute("DELETE FROM migration");
  database_.execute("DROP TABLE seal");
  std::vector<std::jthread> starters;
  for (int i = 0; i < 4; ++i)
    starters.emplace_back([this] { open(database_.address()); });
  starters.clear();
  EXPECT_EQ(number("SELECT COUNT(*) FROM migration"), 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM seal"), 0);
  database_.execute("INSERT INTO migration VALUES (99, 'later', 0)");
  const auto newer = ClusterRecord::open(database_.address());
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message, HasSubstr("has format 99"));
}

}  // namespace
}  // namespace sluice::store
