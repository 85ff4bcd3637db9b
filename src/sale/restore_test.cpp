// Recovery: what comes back, what goes on, and what is refused.
#include <gmock/gmock.h>

#include <functional>

#include "sale/testing.h"

namespace sluice::sale {
namespace {

using testing::draft;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kHold;
using testing::kOpen;
using testing::restored;
using testing::World;

/// One order in every status an engine can continue, behind a gateway.
struct Colourful : World {
  Colourful() : World({draft(50, 9), draft(5)}, patient()) {
    awaiting = win("awaiting");
    closing = win("closing");
    cancel("closing", closing);
    close(closing, PaymentClosed::Answer::retry);
    stuck = win("stuck");
    cancel("stuck", stuck);
    close(stuck, PaymentClosed::Answer::retry);
    close(stuck, PaymentClosed::Answer::retry);
    EXPECT_EQ(status(stuck), OrderStatus::needs_person);
    paid = win("paid", 0, 3);
    pay(paid, "T1");
    refunding = win("refunding");
    pay(refunding, "T2");
    apply(Refund{{}, refunding});
    refunded = win("refunded");
    pay(refunded, "T3");
    apply(Refund{{}, refunded});
    apply(RefundFinished{refunded, true});
    cancelled = win("cancelled");
    cancel("cancelled", cancelled);
    close(cancelled, PaymentClosed::Answer::closed);
    EXPECT_EQ(grab("keyed", 0, 2, RequestKey{7, 8}), GrabOutcome::granted);
    effects.clear();
  }
  static Settings patient() {
    Settings settings = testing::with_gateway();
    settings.max_close_attempts = 2;
    return settings;
  }
  OrderId awaiting, closing, stuck, paid, refunding, refunded, cancelled;
};

TEST(Restore, GivesTheSameState) {
  const Colourful live;
  Effects effects;
  Settings other_seed = live.settings;
  other_seed.hash_seed = 42;
  const State copy = restored(live.state, other_seed, live.now, effects);
  EXPECT_EQ(copy.digest(), live.state.digest());
  EXPECT_THAT(effects.alarms, IsEmpty());
  EXPECT_THAT(effects.items, IsEmpty());
  EXPECT_EQ(copy.user_count(), live.state.user_count());
  EXPECT_EQ(copy.newest_order_of("keyed"), live.state.newest_order_of("keyed"));
  EXPECT_EQ(copy.newest_order_of("nobody"), kNoOrder);
  EXPECT_EQ(copy.request_key(copy.newest_order_of("keyed")), (RequestKey{7, 8}));
  EXPECT_EQ(copy.settlement(copy.find_order(live.paid))->transaction_id, "T1");
  EXPECT_EQ(copy.next_pulse(), live.state.order(0).expires_at);
}

TEST(Restore, AsksAgainForWhatWasUnderWay) {
  const Colourful live;
  Effects effects;
  const State copy = restored(live.state, live.settings, live.now, effects);
  ASSERT_EQ(effects.closes.size(), 1U);
  EXPECT_EQ(effects.closes[0].order, live.closing);
  ASSERT_EQ(effects.refunds.size(), 1U);
  EXPECT_EQ(effects.refunds[0].order, live.refunding);
  EXPECT_EQ(effects.refunds[0].transaction_id, "T2");
  EXPECT_EQ(effects.refunds[0].amount, Money{1999});
}

TEST(Restore, LimitsDuplicatesAndKeysHoldAfterwards) {
  const Colourful live;
  Effects effects;
  State copy = restored(live.state, live.settings, live.now, effects);
  OrderSlot slot = kNoOrder;
  EXPECT_EQ(copy.apply(Grab{"awaiting", ItemNo{1}, 1, {}}, live.now, effects, slot),
            GrabOutcome::already_queued);
  EXPECT_EQ(copy.apply(Grab{"stuck", ItemNo{1}, 1, {}}, live.now, effects, slot),
            GrabOutcome::already_queued);
  EXPECT_EQ(copy.apply(Grab{"paid", ItemNo{0}, 7, {}}, live.now, effects, slot),
            GrabOutcome::limit_reached);
  EXPECT_EQ(copy.apply(Grab{"keyed", ItemNo{0}, 2, {7, 8}}, live.now, effects, slot),
            GrabOutcome::replayed);
  EXPECT_EQ(copy.apply(Grab{"new", ItemNo{0}, 1, {}}, live.now, effects, slot),
            GrabOutcome::granted);
  EXPECT_GT(copy.order(slot).id, live.state.order(live.state.order_count() - 1).id);
}

TEST(Restore, WithoutAGatewayAClosingIsEndedByTheNextPulse) {
  const Colourful live;
  Effects effects;
  State copy = restored(live.state, Settings{}, live.now, effects);
  EXPECT_THAT(effects.closes, IsEmpty());
  EXPECT_THAT(effects.refunds, IsEmpty());
  EXPECT_EQ(copy.next_pulse(), live.now);
  OrderSlot slot = kNoOrder;
  EXPECT_EQ(copy.apply(Grab{"closing", ItemNo{0}, 1, {}}, kOpen + kHold, effects, slot),
            GrabOutcome::already_queued)
      << "until then, even past its deadline";
  const PulseOutcome outcome = copy.apply(Pulse{}, live.now, effects);
  EXPECT_EQ(outcome.expired, 1U);
  EXPECT_EQ(copy.order(copy.find_order(live.closing)).status, OrderStatus::cancelled);
  EXPECT_EQ(copy.order(copy.find_order(live.stuck)).status, OrderStatus::needs_person);
  // A person may still decide; with no provider to ask, a retry ends at the next pulse too.
  EXPECT_EQ(
      copy.apply(Resolve{{}, live.stuck, Resolve::Action::retry_close, {}}, live.now, effects),
      ResolveOutcome::retrying);
  EXPECT_EQ(copy.apply(Pulse{}, live.now, effects).expired, 1U);
  EXPECT_EQ(copy.order(copy.find_order(live.stuck)).status, OrderStatus::cancelled);
  EXPECT_EQ(copy.items()[0].counters.held, Quantity{3}) << "the awaiting ones";
}

TEST(Restore, DeadlinesThatPassedWhileDownAreMetAtOnce) {
  World live({draft(2)});
  live.win("ann");
  Effects effects;
  const Instant later = kOpen + kHold + Span::seconds(86'400);
  State copy = restored(live.state, live.settings, later, effects);
  EXPECT_EQ(copy.apply(Pulse{}, later, effects).expired, 1U);
  EXPECT_EQ(copy.items()[0].counters, units(2, 2, 0, 0));
}

TEST(Restore, TheSweepOfACancelledSaleGoesOn) {
  World live({draft(10)});
  for (int i = 0; i < 10; ++i)
    live.win("user" + std::to_string(i));
  live.apply(CancelSale{{}, SaleNo{0}});
  live.pulse(4);
  Effects effects;
  State copy = restored(live.state, live.settings, live.now, effects);
  EXPECT_EQ(copy.apply(Pulse{}, live.now, effects).expired, 6U);
  EXPECT_EQ(copy.items()[0].counters, units(10, 10, 0, 0));
}

TEST(Restore, CountersThatDisagreeWithTheOrdersFreezeTheItem) {
  World live({draft(5), draft(5)});
  live.win("ann");
  Counters& broken = StateTestAccess::counters(live.state, ItemNo{0});
  broken.held = Quantity{2};
  broken.available = Quantity{3};  // still adds up, but only one order holds a unit
  Effects effects;
  State copy = restored(live.state, live.settings, live.now, effects);
  EXPECT_TRUE(copy.items()[0].frozen);
  EXPECT_FALSE(copy.items()[1].frozen);
  EXPECT_THAT(effects.alarms, ElementsAre(HasSubstr("item i1 is frozen")));
  EXPECT_THAT(effects.items, ElementsAre(ItemNo{0}));
  OrderSlot slot = kNoOrder;
  EXPECT_EQ(copy.apply(Grab{"bob", ItemNo{0}, 1, {}}, live.now, effects, slot),
            GrabOutcome::paused);
  EXPECT_EQ(copy.apply(Grab{"bob", ItemNo{1}, 1, {}}, live.now, effects, slot),
            GrabOutcome::granted);
}

TEST(Restore, SoldUnitsThatNoOrderOwnsFreezeTheItem) {
  World live({draft(5)});
  live.win("ann");
  Counters& broken = StateTestAccess::counters(live.state, ItemNo{0});
  broken.sold = Quantity{1};
  broken.available = Quantity{3};
  Effects effects;
  const State copy = restored(live.state, live.settings, live.now, effects);
  EXPECT_TRUE(copy.items()[0].frozen);
  EXPECT_THAT(effects.alarms, ElementsAre(HasSubstr("its orders hold 1 and own 0 units")));
}

TEST(Restore, CountersThatDoNotAddUpFreezeTheItem) {
  World live({draft(5)});
  StateTestAccess::counters(live.state, ItemNo{0}).available = Quantity{4};
  Effects effects;
  const State copy = restored(live.state, live.settings, live.now, effects);
  EXPECT_TRUE(copy.items()[0].frozen);
  EXPECT_THAT(effects.alarms, ElementsAre(HasSubstr("do not add up")));
}

TEST(Restore, AFrozenItemStaysFrozenWithoutANewAlarm) {
  World live({draft(5)});
  StateTestAccess::counters(live.state, ItemNo{0}).available = Quantity{4};
  live.win("ann");
  ASSERT_TRUE(live.state.items()[0].frozen);
  Effects effects;
  const State copy = restored(live.state, live.settings, live.now, effects);
  EXPECT_TRUE(copy.items()[0].frozen);
  EXPECT_THAT(effects.alarms, IsEmpty());
}

// ---- rows that are wrong -----------------------------------------------------------------------

Sale a_sale(std::uint32_t no, std::string id) {
  Sale sale;
  sale.no = SaleNo{no};
  sale.id = std::move(id);
  sale.title = "A sale";
  sale.starts_at = kOpen;
  sale.ends_at = testing::kEnd;
  sale.hold = kHold;
  return sale;
}

Item an_item(std::uint32_t no, std::uint32_t sale, std::string id) {
  Item item;
  item.no = ItemNo{no};
  item.sale = SaleNo{sale};
  item.id = std::move(id);
  item.title = "A thing";
  item.counters = units(9, 9, 0, 0);
  return item;
}

TEST(Restore, RefusesBadSales) {
  State state{Settings{}};
  EXPECT_TRUE(state.restore(a_sale(0, "a")));
  EXPECT_FALSE(state.restore(a_sale(0, "b"))) << "a number twice";
  EXPECT_FALSE(state.restore(a_sale(2, "b"))) << "a number left out";
  EXPECT_FALSE(state.restore(a_sale(1, "a"))) << "an id twice";
  EXPECT_FALSE(state.restore(a_sale(1, "a b")));
  EXPECT_TRUE(state.restore(a_sale(1, "b")));
  EXPECT_THAT(state.restore(a_sale(1, "c\n")).error().message, HasSubstr("\"c?\""));
}

TEST(Restore, RefusesBadItems) {
  State state{Settings{}};
  EXPECT_TRUE(state.restore(a_sale(0, "a")));
  EXPECT_TRUE(state.restore(an_item(0, 0, "x")));
  EXPECT_FALSE(state.restore(an_item(0, 0, "y")));
  EXPECT_FALSE(state.restore(an_item(2, 0, "y")));
  EXPECT_FALSE(state.restore(an_item(1, 1, "y"))) << "of a sale that is not there";
  EXPECT_FALSE(state.restore(an_item(1, 0, "x")));
  EXPECT_FALSE(state.restore(an_item(1, 0, "")));
  EXPECT_TRUE(state.restore(an_item(1, 0, "y")));
}

TEST(Restore, RefusesBadOrdersAndSaysWhy) {
  State state{Settings{}};
  ASSERT_TRUE(state.restore(a_sale(0, "a")));
  ASSERT_TRUE(state.restore(an_item(0, 0, "x")));
  StoredOrder good;
  good.id = OrderId{100};
  good.user = "ann";
  good.item = ItemNo{0};
  good.amount = Money{5};
  good.created_at = kOpen;
  good.expires_at = kOpen + kHold;
  good.request = RequestKey{1, 1};
  ASSERT_TRUE(state.restore(good));
  good.id = OrderId{101};
  good.request = {};

  struct Case {
    const char* why;
    std::function<void(StoredOrder&)> spoil;
  };
  const std::string long_user(kMaxUserBytes + 1, 'x');
  const std::vector<Case> cases = {
      {"out of order", [](auto& o) { o.id = OrderId{100}; }},
      {"out of order", [](auto& o) { o.id = OrderId{0}; }},
      {"out of order", [](auto& o) { o.id = OrderId{-1}; }},
      {"unknown item", [](auto& o) { o.item = ItemNo{1}; }},
      {"user name", [](auto& o) { o.user = ""; }},
      {"user name", [&](auto& o) { o.user = long_user; }},
      {"user name", [](auto& o) { o.user = "\xff"; }},
      {"quantity", [](auto& o) { o.quantity = 0; }},
      {"quantity", [](auto& o) { o.quantity = kMaxStock.units + 1; }},
      {"amount", [](auto& o) { o.amount = Money{-1}; }},
      {"status", [](auto& o) { o.status = OrderStatus::queued; }},
      {"status", [](auto& o) { o.status = OrderStatus::failed; }},
      {"status", [](auto& o) { o.status = OrderStatus{0}; }},
      {"status", [](auto& o) { o.status = OrderStatus{200}; }},
      {"units", [](auto& o) { o.unit_sold = true; }},
      {"units", [](auto& o) { o.status = OrderStatus::paid, o.transaction_id = "T"; }},
      {"payment", [](auto& o) { o.status = OrderStatus::paid, o.unit_sold = true; }},
      {"payment", [](auto& o) { o.transaction_id = "T"; }},
      {"request key",
       [](auto& o) {
         o.request = RequestKey{1, 1};
       }},
  };
  for (const Case& bad : cases) {
    StoredOrder row = good;
    bad.spoil(row);
    const auto result = state.restore(row);
    ASSERT_FALSE(result) << bad.why;
    EXPECT_THAT(result.error().message, HasSubstr(bad.why));
    EXPECT_THAT(result.error().message, HasSubstr("sluice verify"));
  }
  EXPECT_EQ(state.order_count(), 1U);
  EXPECT_TRUE(state.restore(good));
}

}  // namespace
}  // namespace sluice::sale
