// The contract of an engine, case by case, what shoppers do, for the plain model, the embedded
// engine and the cluster. See support/contract_shop.h for what counts as the same.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/contract_scene.h"

namespace sluice::test {
namespace {

using sale::CancelOutcome;
using sale::EndReason;
using sale::GrabOutcome;
using sale::OrderStatus;
using sale::PaymentOutcome;
using sale::units;
using sale::testing::by_olga;
using sale::testing::draft;

INSTANTIATE_TEST_SUITE_P(On, EngineContract,
                         testing::Values(EngineKind::model, EngineKind::embedded,
                                         EngineKind::cluster),
                         [](const auto& param) { return std::string(to_text(param.param)); });

TEST_P(EngineContract, AGrantedGrabHoldsAUnit) {
  Scene at(shop(), {draft(5, 2)});
  const OrderId order = at.win("alice", 0, 2);
  at.expect_order(order, OrderStatus::awaiting_payment);
  at.expect_units({units(5, 3, 2, 0)});
  const auto found = at.find(order);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "alice");
  EXPECT_EQ(found->item, at.item());
  EXPECT_EQ(found->quantity, 2);
  EXPECT_EQ(found->amount, 2 * draft(1).price.minor);
}

TEST_P(EngineContract, ASecondGrabIsToldTheFirstOrder) {
  Scene at(shop(), {draft(5, 3), draft(5, 3)});
  at.open(contract_sale({draft(5)}));
  const OrderId first = at.win("alice");
  const Told again{text_of(GrabOutcome::already_queued), first, {}};
  EXPECT_EQ(at.grab("alice"), again);
  EXPECT_EQ(at.grab("alice", 1), again) << "one unpaid order per sale";
  at.win("alice", 2);
  at.win("bob");
  at.expect_units({units(5, 3, 2, 0), units(5, 5, 0, 0), units(5, 4, 1, 0)});
  at.expect_order(first, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.grab("alice"), again) << "and so once it is written";
}

TEST_P(EngineContract, SoldOutIsTheLastOfTheRefusals) {
  Scene at(shop(), {draft(1)});
  const OrderId order = at.win("alice");
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::sold_out));
  EXPECT_EQ(at.grab("carol").outcome, text_of(GrabOutcome::sold_out));
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::already_queued));
  at.expect_units({units(1, 0, 1, 0)});
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid));
  at.expect_units({units(1, 0, 0, 1)});
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::limit_reached));
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::sold_out));
}

TEST_P(EngineContract, ASaleThatIsNotOpenYet) {
  Scene at(shop());
  sale::OpenSale later = contract_sale({draft(1)});
  later.starts_at = contract_now() + Span::seconds(7200);
  at.open(later);
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::not_started));
  EXPECT_EQ(at.grab("alice", 0, 1, at.key(1)).outcome, text_of(GrabOutcome::not_started));
  at.pass(Span::seconds(7140));  // it is made ready, and not open
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::not_started));
  EXPECT_EQ(at.grab("alice", 0, 1, at.key(1)).outcome, text_of(GrabOutcome::not_started));
  at.expect_units({units(1, 1, 0, 0)});
  at.pass(Span::seconds(120));
  at.win("alice");
  at.expect_units({units(1, 0, 1, 0)});
}

TEST_P(EngineContract, ASaleThatHasEnded) {
  Scene at(shop());
  sale::OpenSale soon = contract_sale({draft(3)});
  soon.ends_at = contract_now() + Span::seconds(600);
  at.open(soon);
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  at.pass(Span::seconds(660));
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::ended));
  EXPECT_EQ(at.grab("bob", 0, 1, at.key(1)).outcome, text_of(GrabOutcome::ended));
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::ended));
  EXPECT_EQ(at.pay(order), text_of(PaymentOutcome::paid)) << "its hold goes on";
  at.expect_units({units(3, 2, 0, 1)});
  at.pass(Span::seconds(3600));  // it is put away
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::ended));
  EXPECT_EQ(at.grab("bob", 0, 1, at.key(1)).outcome, text_of(GrabOutcome::ended));
  EXPECT_EQ(at.grab("bob", 0, 0, at.key(1)).outcome, text_of(GrabOutcome::invalid_quantity));
}

TEST_P(EngineContract, NoSuchItemAndNoSuchQuantity) {
  Scene at(shop(), {draft(5, 5)});
  EXPECT_EQ(at.grab("alice", 99).outcome, text_of(GrabOutcome::unknown_item));
  EXPECT_EQ(at.grab("alice", 99, 1, at.key(1)).outcome, text_of(GrabOutcome::unknown_item));
  for (const std::int64_t quantity : {std::int64_t{0}, std::int64_t{-1}, kMaxStock.units + 1}) {
    EXPECT_EQ(at.grab("alice", 0, quantity).outcome, text_of(GrabOutcome::invalid_quantity));
    EXPECT_EQ(at.grab("alice", 0, quantity, at.key(2)).outcome,
              text_of(GrabOutcome::invalid_quantity));
  }
  at.expect_units({units(5, 5, 0, 0)});
}

TEST_P(EngineContract, TheLimitCountsHeldAndPaidUnits) {
  Scene at(shop(), {draft(9, 3)});
  EXPECT_EQ(at.grab("alice", 0, 4).outcome, text_of(GrabOutcome::limit_reached));
  const OrderId first = at.win("alice", 0, 2);
  EXPECT_EQ(at.tell(at.payment(first, {}, 2)), text_of(PaymentOutcome::paid));
  at.expect_units({units(9, 7, 0, 2)});
  EXPECT_EQ(at.grab("alice", 0, 2).outcome, text_of(GrabOutcome::limit_reached));
  const OrderId second = at.win("alice");
  EXPECT_EQ(at.cancel("alice", second), text_of(CancelOutcome::cancelled));
  at.expect_units({units(9, 7, 0, 2)});
  at.win("alice");
  at.expect_units({units(9, 6, 1, 2)});
}

TEST_P(EngineContract, ACancelledOrderReturnsItsUnitOnce) {
  Scene at(shop(), {draft(1)});
  const OrderId order = at.win("alice");
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::sold_out));
  at.expect_order(order, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.cancel("bob", order), text_of(CancelOutcome::unknown_order)) << "not his";
  EXPECT_EQ(at.cancel("alice", OrderId{1'000'000}), text_of(CancelOutcome::unknown_order));
  EXPECT_EQ(at.cancel("alice", order), text_of(CancelOutcome::cancelled));
  at.expect_units({units(1, 1, 0, 0)});
  EXPECT_EQ(at.cancel("alice", order), text_of(CancelOutcome::already_ended));
  at.expect_order(order, OrderStatus::cancelled, EndReason::user);
  at.win("bob");
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::sold_out));
  at.expect_units({units(1, 0, 1, 0)});
}

TEST_P(EngineContract, AnExpiredOrderReturnsItsUnit) {
  Scene at(shop(), {draft(1)});
  const OrderId order = at.win("alice");
  at.expect_order(order, OrderStatus::awaiting_payment);
  at.pass(kAlmostTheHold);
  EXPECT_EQ(at.grab("bob").outcome, text_of(GrabOutcome::sold_out)) << "it is not over yet";
  at.expect_units({units(1, 0, 1, 0)});
  at.pass(Span::seconds(180));
  at.expect_order(order, OrderStatus::expired, EndReason::deadline);
  at.expect_units({units(1, 1, 0, 0)});
  EXPECT_EQ(at.cancel("alice", order), text_of(CancelOutcome::already_ended));
  at.win("bob");
  EXPECT_EQ(at.grab("alice").outcome, text_of(GrabOutcome::sold_out));
}

TEST_P(EngineContract, AKeyGivesTheOrderThatItMade) {
  Scene at(shop(), {draft(1, 2), draft(3, 2)});
  const Told made = at.grab("alice", 0, 1, at.key(1));
  EXPECT_EQ(made.outcome, text_of(GrabOutcome::granted));
  const Told replayed{text_of(GrabOutcome::replayed), made.order, {}};
  EXPECT_EQ(at.grab("alice", 0, 1, at.key(1)), replayed);
  EXPECT_EQ(at.grab("alice", 0, 2, at.key(1)).outcome, text_of(GrabOutcome::key_mismatch));
  EXPECT_EQ(at.grab("alice", 1, 1, at.key(1)).outcome, text_of(GrabOutcome::key_mismatch));
  // A refusal leaves the key free.
  EXPECT_EQ(at.grab("bob", 0, 1, at.key(2)).outcome, text_of(GrabOutcome::sold_out));
  at.expect_order(made.order, OrderStatus::awaiting_payment);
  EXPECT_EQ(at.cancel("alice", made.order), text_of(CancelOutcome::cancelled));
  at.expect_units({units(1, 1, 0, 0), units(3, 3, 0, 0)});
  EXPECT_EQ(at.grab("alice", 0, 1, at.key(1)), replayed) << "whatever became of it";
  EXPECT_EQ(at.tell(sale::PauseSale{by_olga(), at.sale(), true}),
            text_of(sale::PauseSaleOutcome::changed));
  EXPECT_EQ(at.grab("alice", 0, 1, at.key(1)), replayed);
  EXPECT_EQ(at.grab("bob", 0, 1, at.key(2)).outcome, text_of(GrabOutcome::paused));
  EXPECT_EQ(at.tell(sale::PauseSale{by_olga(), at.sale(), false}),
            text_of(sale::PauseSaleOutcome::changed));
  EXPECT_EQ(at.grab("bob", 0, 1, at.key(2)).outcome, text_of(GrabOutcome::granted));
  at.expect_units({units(1, 0, 1, 0), units(3, 3, 0, 0)});
}

TEST_P(EngineContract, AKeyThatMadeAnOrderMakesNoOther) {
  Scene at(shop(), {draft(2)});
  at.open(contract_sale({draft(2)}));
  const Told made = at.grab("alice", 0, 1, at.key(1));
  EXPECT_EQ(made.outcome, text_of(GrabOutcome::granted));
  at.expect_units({units(2, 1, 1, 0), units(2, 2, 0, 0)});
  const std::string other_sale = at.grab("alice", 1, 1, at.key(1)).outcome;
  const std::string no_item = at.grab("alice", 99, 1, at.key(1)).outcome;
  if (GetParam() == EngineKind::cluster) {
    // Redis knows the keys of one sale at a time: the record refuses the second order.
    EXPECT_EQ(other_sale, text_of(GrabOutcome::granted));
    EXPECT_EQ(no_item, text_of(GrabOutcome::unknown_item));
  } else {
    EXPECT_EQ(other_sale, text_of(GrabOutcome::key_mismatch));
    EXPECT_EQ(no_item, text_of(GrabOutcome::key_mismatch));
  }
  at.expect_units({units(2, 1, 1, 0), units(2, 2, 0, 0)});
  at.expect_order(made.order, OrderStatus::awaiting_payment);
}

TEST_P(EngineContract, ACrowdBuysTheStockAndNobodyTwice) {
  Scene at(shop(), {draft(7, 5)});
  std::vector<sale::Command> crowd;
  for (int n = 0; n < 40; ++n)
    crowd.push_back(at.grab_of("shopper-" + std::to_string(n % 20)));
  std::map<std::string, int> told;
  std::set<OrderId> won, known;
  for (const Told& one : at.shop().tell(crowd)) {
    ++told[one.outcome];
    if (one.outcome == text_of(GrabOutcome::granted)) won.insert(one.order);
    if (one.outcome == text_of(GrabOutcome::already_queued)) known.insert(one.order);
  }
  EXPECT_EQ(told[text_of(GrabOutcome::granted)], 7);
  EXPECT_EQ(told[text_of(GrabOutcome::already_queued)], 7);
  EXPECT_EQ(told[text_of(GrabOutcome::sold_out)], 26);
  EXPECT_EQ(known, won);
  at.expect_units({units(7, 0, 7, 0)});
}

}  // namespace
}  // namespace sluice::test
