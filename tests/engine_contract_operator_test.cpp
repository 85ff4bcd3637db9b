// The contract of an engine, case by case: what operators change, and what outlives a restart.
#include <gtest/gtest.h>

#include "support/contract_scene.h"

namespace sluice::test {
namespace {

using sale::AdjustStockOutcome;
using sale::CancelOutcome;
using sale::EndReason;
using sale::GrabOutcome;
using sale::OrderStatus;
using sale::PauseSaleOutcome;
using sale::PaymentOutcome;
using sale::units;
using sale::testing::by_olga;
using sale::testing::draft;

TEST_P(EngineContract, StockGoesUpAndDownButNotBelowWhatIsCommitted) {
  Scene at(shop(), {draft(2)});
  const auto adjust = [&](std::int64_t stock) {
    return at.tell(sale::AdjustStock{by_olga(), at.item(), Quantity{stock}});
  };
  const OrderId order = at.win("alice");
  at.win("bob");
  at.expect_units({units(2, 0, 2, 0)});
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid));
  EXPECT_EQ(at.grab("carol").outcome, text_of(GrabOutcome::sold_out));
  EXPECT_EQ(adjust(1), text_of(AdjustStockOutcome::below_committed));
  EXPECT_EQ(adjust(-1), text_of(AdjustStockOutcome::invalid_stock));
  EXPECT_EQ(adjust(2), text_of(AdjustStockOutcome::unchanged));
  EXPECT_EQ(adjust(4), text_of(AdjustStockOutcome::adjusted));
  at.expect_units({units(4, 2, 1, 1)});
  at.win("carol");
  at.expect_units({units(4, 1, 2, 1)});
  EXPECT_EQ(adjust(3), text_of(AdjustStockOutcome::adjusted));
  at.expect_units({units(3, 0, 2, 1)});
  EXPECT_EQ(at.grab("dora").outcome, text_of(GrabOutcome::sold_out));
  EXPECT_EQ(at.tell(sale::AdjustStock{by_olga(), at.item(99), Quantity{1}}),
            text_of(AdjustStockOutcome::unknown_item));
}

TEST_P(EngineContract, APausedSaleSellsNothingUntilItIsResumed) {
  Scene at(shop(), {draft(3)});
  const auto pause = [&](bool on) { return at.tell(sale::PauseSale{by_olga(), at.sale(), on}); };
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  EXPECT_EQ(pause(true), text_of(PauseSaleOutcome::changed));
  EXPECT_EQ(pause(true), text_of(PauseSaleOutcome::unchanged));
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::paused));
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::paused)) << "before already_queued";
  EXPECT_EQ(at.grab("bob", 0, 1, at.key(1)).outcome, text_of(GrabOutcome::paused));
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid)) << "who has an order may pay";
  EXPECT_EQ(pause(false), text_of(PauseSaleOutcome::changed));
  at.win("bob");
  at.expect_units({units(3, 1, 1, 1)});
}

TEST_P(EngineContract, PriceAndLimitOfAnItemChangeForLaterGrabs) {
  Scene at(shop(), {draft(9, 1)});
  const OrderId before = at.win("alice");
  sale::ChangeItem change;
  change.by = by_olga();
  change.item = at.item();
  change.price = Money{5};
  change.per_user_limit = Quantity{3};
  EXPECT_EQ(at.tell(change), text_of(sale::ChangeItemOutcome::changed));
  EXPECT_EQ(at.tell(change), text_of(sale::ChangeItemOutcome::unchanged));
  const OrderId after = at.win("bob", 0, 3);
  at.expect_units({units(9, 5, 4, 0)});
  EXPECT_EQ(at.find(before)->amount, draft(1).price.minor);
  EXPECT_EQ(at.find(after)->amount, 15);
}

TEST_P(EngineContract, ACancelledSaleIsOverAndGivesItsOrdersUp) {
  Scene at(shop(), {draft(3)});
  const OrderId order = at.win("alice");
  const OrderId paid = at.win("bob");
  at.expect_order(paid, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.pay(paid), text_of(PaymentOutcome::paid));
  EXPECT_EQ(at.tell(sale::CancelSale{by_olga(), at.sale()}),
            text_of(sale::CancelSaleOutcome::cancelled));
  EXPECT_EQ(at.grab("carol").outcome, text_of(GrabOutcome::ended));
  at.pass(Span::seconds(1));
  at.expect_order(order, OrderStatus::cancelled, EndReason::sale_cancelled);
  at.expect_order(paid, OrderStatus::paid);
  at.expect_units({units(3, 2, 0, 1)});
  EXPECT_EQ(at.tell(sale::CancelSale{by_olga(), at.sale()}),
            text_of(sale::CancelSaleOutcome::unchanged));
  EXPECT_EQ(at.tell(sale::PauseSale{by_olga(), at.sale(), true}), text_of(PauseSaleOutcome::ended));
}

TEST_P(EngineContract, APersonDecidesWhatTheProviderDoesNot) {
  Scene at(shop_with_gateway(), {draft(2)});
  const OrderId order = at.win("alice");
  const OrderId other = at.win("bob");
  at.expect_order(order, OrderStatus::awaiting_payment);
  at.expect_order(other, OrderStatus::awaiting_payment);
  for (const auto& [user, one] : {std::pair{"alice", order}, std::pair{"bob", other}}) {
    EXPECT_EQ(at.cancel(user, one), text_of(CancelOutcome::closing));
    const sale::PaymentClosed retry{one, sale::PaymentClosed::Answer::retry, {}};
    EXPECT_EQ(at.tell(retry), text_of(sale::PaymentClosedOutcome::retry_later));
    EXPECT_EQ(at.tell(retry), text_of(sale::PaymentClosedOutcome::retry_later));
    EXPECT_EQ(at.tell(retry), text_of(sale::PaymentClosedOutcome::needs_person));
    at.expect_order(one, OrderStatus::needs_person, EndReason::user);
  }
  at.expect_units({units(2, 0, 2, 0)});
  using Action = sale::Resolve::Action;
  EXPECT_EQ(at.tell(sale::Resolve{by_olga(), order, Action::mark_paid, ""}),
            text_of(sale::ResolveOutcome::missing_evidence));
  EXPECT_EQ(at.tell(sale::Resolve{by_olga(), order, Action::mark_paid, at.tag() + "seen"}),
            text_of(sale::ResolveOutcome::paid));
  EXPECT_EQ(at.tell(sale::Resolve{by_olga(), other, Action::mark_paid, at.tag() + "seen"}),
            text_of(sale::ResolveOutcome::evidence_used));
  EXPECT_EQ(at.tell(sale::Resolve{by_olga(), other, Action::release, ""}),
            text_of(sale::ResolveOutcome::released));
  at.expect_order(other, OrderStatus::cancelled, EndReason::operator_release);
  at.expect_units({units(2, 1, 0, 1)});
}

TEST_P(EngineContract, ARestartKeepsWhatWasAcknowledged) {
  Scene at(shop(), {draft(4, 2), draft(1)});
  const Told held = at.grab("alice", 0, 1, at.key(1));
  const OrderId paid = at.win("bob");
  const OrderId given_back = at.win("carol");
  at.expect_order(paid, OrderStatus::awaiting_payment);
  at.expect_order(given_back, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.pay(paid), text_of(PaymentOutcome::paid));
  EXPECT_EQ(at.cancel("carol", given_back), text_of(CancelOutcome::cancelled));
  EXPECT_EQ(at.tell(sale::AdjustStock{by_olga(), at.item(), Quantity{3}}),
            text_of(AdjustStockOutcome::adjusted));
  const OrderId last = at.win("dora", 1);  // answered, and perhaps not in every place yet
  at.shop().restart();
  at.expect_units({units(3, 1, 1, 1), units(1, 0, 1, 0)});
  at.expect_order(held.order, OrderStatus::awaiting_payment);
  at.expect_order(paid, OrderStatus::paid);
  at.expect_order(given_back, OrderStatus::cancelled, EndReason::user);
  at.expect_order(last, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.grab("alice", 0, 1, at.key(1)),
            (Told{text_of(GrabOutcome::replayed), held.order, {}}));
  EXPECT_EQ(at.grab("alice"), (Told{text_of(GrabOutcome::already_queued), held.order, {}}));
  EXPECT_EQ(at.grab("erin", 1).outcome, text_of(GrabOutcome::sold_out));
  EXPECT_EQ(at.pay(paid), text_of(PaymentOutcome::already_applied));
  at.win("erin");
  EXPECT_EQ(at.grab("frank").outcome, text_of(GrabOutcome::sold_out));
  at.pass(kPastTheHold);
  at.expect_order(held.order, OrderStatus::expired, EndReason::deadline);
  at.expect_units({units(3, 2, 0, 1), units(1, 1, 0, 0)});
}

}  // namespace
}  // namespace sluice::test
