// The state as a whole: conservation, the digest, memory, and what the words are.
#include "sale/state.h"

#include <gmock/gmock.h>

#include <array>
#include <set>

#include "sale/testing.h"

namespace sluice::sale {
namespace {

using testing::draft;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kEnd;
using testing::kHold;
using testing::kOpen;
using testing::World;

// ---- conservation ------------------------------------------------------------------------------

TEST(Conservation, ABrokenItemIsFrozenAndNothingElseHappens) {
  World world({draft(5, 5), draft(5)});
  const OrderId id = world.win("ann");
  StateTestAccess::counters(world.state, ItemNo{0}).available +=
      Quantity{1};  // a unit from nowhere
  EXPECT_EQ(world.grab("bob"), GrabOutcome::granted) << "the command that finds it is still done";
  EXPECT_TRUE(world.state.items()[0].frozen);
  EXPECT_THAT(world.effects.alarms,
              ElementsAre(HasSubstr("item i1 is frozen: its units do not add up: stock 5, "
                                    "available 4, held 2, sold 0, refunded 0")));
  EXPECT_THAT(world.effects.items, ::testing::Contains(ItemNo{0}));
  // Nothing more is sold of it; other items go on.
  EXPECT_EQ(world.grab("cid"), GrabOutcome::paused);
  EXPECT_EQ(world.grab("cid", 1), GrabOutcome::granted);
  EXPECT_EQ(world.apply(AdjustStock{{}, ItemNo{0}, Quantity{9}}), AdjustStockOutcome::frozen);
  // Money is never lost, and the alarm is not raised again.
  EXPECT_EQ(world.pay(id), PaymentOutcome::paid);
  EXPECT_THAT(world.effects.alarms, IsEmpty());
  EXPECT_EQ(world.status(id), OrderStatus::paid);
}

TEST(Conservation, IsCheckedByEveryKindOfTransition) {
  const auto alarm_after = [](const auto& command_on) {
    World world({draft(5, 5)});
    const OrderId id = world.win("ann");
    StateTestAccess::counters(world.state, ItemNo{0}).sold += Quantity{1};
    command_on(world, id);
    return world.effects.alarms.size() == 1 && world.state.items()[0].frozen;
  };
  EXPECT_TRUE(alarm_after([](World& world, OrderId) { world.grab("bob"); }));
  EXPECT_TRUE(alarm_after([](World& world, OrderId id) { world.cancel("ann", id); }));
  EXPECT_TRUE(alarm_after([](World& world, OrderId id) { world.pay(id); }));
  EXPECT_TRUE(alarm_after([](World& world, OrderId id) { world.apply(PaymentFailed{id}); }));
  EXPECT_TRUE(alarm_after([](World& world, OrderId) {
    world.now = kOpen + kHold;
    world.pulse();
  }));
  EXPECT_TRUE(alarm_after([](World& world, OrderId) {
    world.apply(ChangeItem{{}, ItemNo{0}, "new", {}, {}, {}, {}, {}});
  }));
}

TEST(Conservation, AFreezeByTheInlineExpiryPausesTheGrab) {
  World world({draft(5, 5)});
  world.win("ann");
  StateTestAccess::counters(world.state, ItemNo{0}).sold += Quantity{1};
  world.now = kOpen + kHold;
  EXPECT_EQ(world.grab("ann"), GrabOutcome::paused);
  EXPECT_THAT(world.events(), ElementsAre(HistoryEvent::expired));
}

TEST(Conservation, OfCounters) {
  EXPECT_TRUE(units(0, 0, 0, 0).conserved());
  EXPECT_TRUE(units(6, 1, 2, 3, 9).conserved());
  EXPECT_FALSE(units(6, 1, 2, 4).conserved());
  EXPECT_FALSE(units(6, -1, 4, 3).conserved());
  EXPECT_FALSE(units(6, 4, -1, 3).conserved());
  EXPECT_FALSE(units(6, 4, 3, -1).conserved());
  EXPECT_FALSE(units(6, 1, 2, 3, -1).conserved());
  EXPECT_FALSE(units(-1, -1, 0, 0).conserved());
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(units(huge, huge, huge, huge).conserved());
}

// ---- effects -----------------------------------------------------------------------------------

TEST(Effects, AccumulateUntilCleared) {
  World world({draft(5)});
  OrderSlot slot = kNoOrder;
  for (const char* user : {"a", "b", "c"}) {
    world.state.apply(Grab{user, ItemNo{0}, 1, {}}, world.now, world.effects, slot);
  }
  EXPECT_EQ(world.effects.orders.size(), 3U);
  EXPECT_THAT(world.effects.items, ElementsAre(ItemNo{0})) << "neighbours are not repeated";
  EXPECT_FALSE(world.effects.empty());
  world.effects.clear();
  EXPECT_TRUE(world.effects.empty());
}

// ---- reading -----------------------------------------------------------------------------------

TEST(State, TheSameCommandsGiveTheSameDigestWhateverTheSeed) {
  const auto run = [](std::uint64_t seed, const char* last_user) {
    Settings settings;
    settings.hash_seed = seed;
    World world({draft(5, 2)}, settings);
    world.win("ann");
    world.pay(world.win("bob", 0, 2));
    world.win(last_user);
    return world.state.digest();
  };
  EXPECT_EQ(run(1, "cid"), run(2, "cid"));
  EXPECT_NE(run(1, "cid"), run(1, "dan"));
}

TEST(State, EveryStoredFieldIsInTheDigest) {
  World world({draft(5)});
  std::set<std::uint64_t> seen{world.state.digest()};
  const auto expect_new = [&] { EXPECT_TRUE(seen.insert(world.state.digest()).second); };
  world.apply(ChangeSale{{}, SaleNo{0}, "t", {}, {}, {}}), expect_new();
  world.apply(ChangeSale{{}, SaleNo{0}, {}, kOpen - Span{1}, {}, {}}), expect_new();
  world.apply(ChangeSale{{}, SaleNo{0}, {}, {}, kEnd + Span{1}, {}}), expect_new();
  world.apply(ChangeSale{{}, SaleNo{0}, {}, {}, {}, Span{1234}}), expect_new();
  world.apply(PauseSale{{}, SaleNo{0}, true}), expect_new();
  world.apply(PauseSale{{}, SaleNo{0}, false});
  world.apply(ChangeItem{{}, ItemNo{0}, "t", {}, {}, {}, {}, {}}), expect_new();
  world.apply(ChangeItem{{}, ItemNo{0}, {}, "/u", {}, {}, {}, {}}), expect_new();
  world.apply(ChangeItem{{}, ItemNo{0}, {}, {}, "d", {}, {}, {}}), expect_new();
  world.apply(ChangeItem{{}, ItemNo{0}, {}, {}, {}, Money{7}, {}, {}}), expect_new();
  world.apply(ChangeItem{{}, ItemNo{0}, {}, {}, {}, {}, Money{8}, {}}), expect_new();
  world.apply(ChangeItem{{}, ItemNo{0}, {}, {}, {}, {}, {}, Quantity{2}}), expect_new();
  world.apply(AdjustStock{{}, ItemNo{0}, Quantity{6}}), expect_new();
  const OrderId id = world.win("ann");
  expect_new();
  world.pay(id), expect_new();
  world.apply(CancelSale{{}, SaleNo{0}}), expect_new();
  for (Quantity Counters::*const part : {&Counters::stock, &Counters::available, &Counters::held,
                                         &Counters::sold, &Counters::refunded}) {
    StateTestAccess::counters(world.state, ItemNo{0}).*part += Quantity{1};
    expect_new();
  }
}

TEST(State, MovesAndAnswers) {
  World world({draft(5)});
  const OrderId id = world.win("ann");
  State moved = std::move(world.state);
  EXPECT_EQ(moved.find_order(id), 0U);
  EXPECT_EQ(moved.find_order(OrderId{id.value + 1}), kNoOrder);
  EXPECT_EQ(moved.request_key(0), RequestKey{});
  EXPECT_EQ(moved.settlement(0), nullptr);
  world.state = std::move(moved);
  EXPECT_EQ(world.state.order_count(), 1U);
}

TEST(StateDeathTest, AsksForSlotsThatExist) {
  World world({draft(5)});
  EXPECT_DEATH(world.state.order(0), "a slot that holds an order");
  Settings settings;
  settings.node = 1024;
  EXPECT_DEATH(State{settings}, "10 bits");
}

TEST(State, MemoryStaysWithinTheBudgetPerShopper) {
  constexpr std::int64_t shoppers = 200'000;
  World world({draft(shoppers)});
  const std::string tail(25, 'x');
  for (std::int64_t i = 0; i < shoppers; ++i) {
    const std::string user = std::to_string(10'000'000'000 + i) + tail;  // 36 bytes
    ASSERT_EQ(world.grab(user, 0, 1, RequestKey{1, static_cast<std::uint64_t>(i)}),
              GrabOutcome::granted);
  }
  const State::Memory memory = world.state.memory();
  const auto per_shopper = [](std::size_t bytes) { return bytes / shoppers; };
  EXPECT_LE(per_shopper(memory.users + memory.orders), 135U);
  EXPECT_LE(per_shopper(memory.users + memory.orders + memory.requests), 170U);
  EXPECT_LE(memory.settlements, 64U);
  EXPECT_EQ(world.pay(world.state.order(0).id, std::string(28, 'T')), PaymentOutcome::paid);
  EXPECT_GE(world.state.memory().settlements, sizeof(Settlement) + 28);
}

// ---- words -------------------------------------------------------------------------------------

TEST(Words, OfStatuses) {
  struct Row {
    OrderStatus status;
    const char* shopper;
    const char* operators;
    int code;
  };
  constexpr std::array rows = {
      Row{OrderStatus::queued, "queued", "queued", 1},
      Row{OrderStatus::awaiting_payment, "awaiting_payment", "awaiting_payment", 2},
      Row{OrderStatus::closing, "closing", "closing", 2},
      Row{OrderStatus::needs_person, "closing", "needs_person", 2},
      Row{OrderStatus::paid, "paid", "paid", 5},
      Row{OrderStatus::refunding, "refunding", "refunding", 5},
      Row{OrderStatus::refunded, "refunded", "refunded", 5},
      Row{OrderStatus::expired, "expired", "expired", 3},
      Row{OrderStatus::cancelled, "cancelled", "cancelled", 3},
      Row{OrderStatus::failed, "failed", "failed", 4},
  };
  for (const Row& row : rows) {
    EXPECT_STREQ(to_text(row.status), row.shopper);
    EXPECT_STREQ(to_operator_text(row.status), row.operators);
    EXPECT_EQ(status_code(row.status), row.code);
    EXPECT_EQ(parse_order_status(row.operators), row.status);
  }
  for (const char* word : {"", "Paid", "paid ", "unknown", "none"}) {
    EXPECT_EQ(parse_order_status(word), std::nullopt) << word;
  }
}

TEST(Words, AreAllDifferent) {
  std::set<std::string> reasons;
  for (int i = 0; i <= 7; ++i)
    reasons.insert(to_text(static_cast<EndReason>(i)));
  EXPECT_EQ(reasons.size(), 8U);
  EXPECT_FALSE(reasons.contains("unknown"));
  std::set<std::string> events;
  for (int i = 1; i <= 16; ++i)
    events.insert(to_text(static_cast<HistoryEvent>(i)));
  EXPECT_EQ(events.size(), 16U);
  EXPECT_FALSE(events.contains("unknown"));
  std::set<std::string> phases;
  for (int i = 0; i <= 3; ++i)
    phases.insert(to_text(static_cast<Phase>(i)));
  EXPECT_EQ(phases, (std::set<std::string>{"upcoming", "open", "paused", "ended"}));
}

TEST(Words, OfNumbersThatAreNone) {
  EXPECT_STREQ(to_text(static_cast<EndReason>(99)), "unknown");
  EXPECT_STREQ(to_text(static_cast<HistoryEvent>(99)), "unknown");
  EXPECT_STREQ(to_text(static_cast<OrderStatus>(99)), "unknown");
  EXPECT_STREQ(to_text(static_cast<Phase>(99)), "unknown");
  EXPECT_DEATH(status_code(static_cast<OrderStatus>(99)), "known order status");
}

TEST(Phases, EndedBeforePausedBeforeUpcoming) {
  World world({draft(1)});
  const Sale& sale = world.state.sales()[0];
  EXPECT_EQ(sale.phase(kOpen - Span{1}), Phase::upcoming);
  EXPECT_EQ(sale.phase(kOpen), Phase::open);
  EXPECT_EQ(sale.phase(kEnd - Span{1}), Phase::open);
  EXPECT_EQ(sale.phase(kEnd), Phase::ended);
  world.apply(PauseSale{{}, SaleNo{0}, true});
  EXPECT_EQ(sale.phase(kOpen - Span{1}), Phase::paused);
  EXPECT_EQ(sale.phase(kOpen), Phase::paused);
  EXPECT_EQ(sale.phase(kEnd), Phase::ended);
  world.apply(CancelSale{{}, SaleNo{0}});
  EXPECT_EQ(sale.phase(kOpen - Span{1}), Phase::ended);
}

}  // namespace
}  // namespace sluice::sale
