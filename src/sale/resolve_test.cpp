// What a person decides about single orders: stuck closings and refunds, in order of precedence.
#include <gmock/gmock.h>

#include "sale/testing.h"

namespace sluice::sale {
namespace {

using testing::by_olga;
using testing::draft;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::texts;
using testing::World;

struct Stuck : World {
  Stuck() : World({draft(2, 2)}, impatient()) {
    id = win("ann");
    EXPECT_EQ(cancel("ann", id), CancelOutcome::closing);
    EXPECT_EQ(close(id, PaymentClosed::Answer::retry), PaymentClosedOutcome::needs_person);
  }
  static Settings impatient() {
    Settings settings = testing::with_gateway();
    settings.max_close_attempts = 1;
    return settings;
  }
  ResolveOutcome resolve(Resolve::Action action, std::string evidence = {}) {
    return apply(Resolve{by_olga(), id, action, std::move(evidence)});
  }
  OrderId id;
};

TEST(ResolveOutcome, UnknownAndNotResolvable) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  for (const auto action :
       {Resolve::Action::retry_close, Resolve::Action::mark_paid, Resolve::Action::release}) {
    EXPECT_EQ(world.apply(Resolve{{}, OrderId{5}, action, {}}), ResolveOutcome::unknown_order);
    EXPECT_EQ(world.apply(Resolve{{}, id, action, {}}), ResolveOutcome::not_resolvable);
  }
  EXPECT_EQ(world.pay(id), PaymentOutcome::paid);
  EXPECT_EQ(world.apply(Resolve{{}, id, Resolve::Action::release, {}}),
            ResolveOutcome::not_resolvable);
  EXPECT_TRUE(world.effects.empty());
}

TEST(ResolveOutcome, MissingEvidence) {
  Stuck world;
  for (const std::string& evidence :
       {std::string(), std::string(129, 'x'), std::string("a\nb"), std::string("\xff")}) {
    EXPECT_EQ(world.resolve(Resolve::Action::mark_paid, evidence),
              ResolveOutcome::missing_evidence);
    EXPECT_TRUE(world.effects.empty());
  }
}

TEST(ResolveOutcome, Retrying) {
  Stuck world;
  EXPECT_EQ(world.resolve(Resolve::Action::retry_close), ResolveOutcome::retrying);
  EXPECT_EQ(world.status(world.id), OrderStatus::closing);
  EXPECT_EQ(world.order(world.id).close_attempts, 0);
  EXPECT_EQ(world.effects.closes.size(), 1U);
  EXPECT_EQ(world.effects.orders[0].actor, "olga");
  EXPECT_EQ(world.effects.audits[0].action, "order.retry_close");
  EXPECT_EQ(world.effects.audits[0].subject, to_text(world.id));
  EXPECT_THAT(texts(world.effects.audits[0]), ElementsAre("status: needs_person -> closing"));
  EXPECT_EQ(world.close(world.id, PaymentClosed::Answer::closed), PaymentClosedOutcome::cancelled);
}

TEST(ResolveOutcome, RetryingTakesThePlaceOfThePlannedRetry) {
  World world({draft(2)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  ASSERT_EQ(world.cancel("ann", id), CancelOutcome::closing);
  ASSERT_EQ(world.close(id, PaymentClosed::Answer::retry), PaymentClosedOutcome::retry_later);
  const Instant first = world.state.next_pulse().value();
  world.now = world.now + Span{1};
  ASSERT_EQ(world.apply(Resolve{by_olga(), id, Resolve::Action::retry_close, {}}),
            ResolveOutcome::retrying);
  ASSERT_EQ(world.close(id, PaymentClosed::Answer::retry), PaymentClosedOutcome::retry_later);
  world.now = first;
  world.pulse();
  EXPECT_THAT(world.effects.closes, IsEmpty()) << "the provider was asked too early, and twice";
  world.now = first + Span{1};
  world.pulse();
  EXPECT_EQ(world.effects.closes.size(), 1U);
}

TEST(ResolveOutcome, MarkedPaid) {
  Stuck world;
  EXPECT_EQ(world.resolve(Resolve::Action::mark_paid, "T5"), ResolveOutcome::paid);
  EXPECT_EQ(world.status(world.id), OrderStatus::paid);
  EXPECT_EQ(world.units(), units(2, 1, 0, 1));
  EXPECT_EQ(world.state.settlement(0)->transaction_id, "T5");
  EXPECT_THAT(texts(world.effects.audits[0]),
              ElementsAre("status: needs_person -> paid", "transaction_id:  -> T5"));
  EXPECT_EQ(world.pay(world.id, "T5"), PaymentOutcome::already_applied);
}

TEST(ResolveOutcome, EvidenceUsed) {
  Stuck world;
  EXPECT_EQ(world.pay(world.win("bob"), "T5"), PaymentOutcome::paid);
  EXPECT_EQ(world.resolve(Resolve::Action::mark_paid, "T5"), ResolveOutcome::evidence_used);
  EXPECT_EQ(world.status(world.id), OrderStatus::needs_person);
  EXPECT_TRUE(world.effects.empty());
  EXPECT_EQ(world.resolve(Resolve::Action::mark_paid, "T6"), ResolveOutcome::paid);
}

TEST(ResolveOutcome, Released) {
  Stuck world;
  EXPECT_EQ(world.resolve(Resolve::Action::release), ResolveOutcome::released);
  EXPECT_EQ(world.status(world.id), OrderStatus::cancelled);
  EXPECT_EQ(world.order(world.id).reason, EndReason::operator_release);
  EXPECT_EQ(world.units(), units(2, 2, 0, 0));
  EXPECT_EQ(world.effects.audits[0].action, "order.release");
  EXPECT_EQ(world.effects.orders[0].actor, "olga");
  EXPECT_EQ(world.resolve(Resolve::Action::release), ResolveOutcome::not_resolvable);
}

TEST(Resolve, AlsoWhileStillClosing) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  world.cancel("ann", id);
  EXPECT_EQ(world.apply(Resolve{{}, id, Resolve::Action::release, {}}), ResolveOutcome::released);
}

TEST(RefundOutcome, InOrderOfPrecedence) {
  World world({draft(1)}, testing::with_gateway());
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.apply(Refund{by_olga(), OrderId{5}}), RefundOutcome::unknown_order);
  EXPECT_EQ(world.apply(Refund{by_olga(), id}), RefundOutcome::not_paid);
  EXPECT_TRUE(world.effects.empty());
  EXPECT_EQ(world.pay(id, "T1"), PaymentOutcome::paid);
  EXPECT_EQ(world.apply(Refund{by_olga(), id}), RefundOutcome::refunding);
  EXPECT_EQ(world.order(id).reason, EndReason::operator_refund);
  EXPECT_EQ(world.units(), units(1, 0, 0, 1)) << "sold until the money is back";
  ASSERT_EQ(world.effects.refunds.size(), 1U);
  EXPECT_EQ(world.effects.refunds[0].transaction_id, "T1");
  EXPECT_EQ(world.effects.audits[0].action, "order.refund");
  EXPECT_THAT(texts(world.effects.audits[0]), ElementsAre("status: paid -> refunding"));
  EXPECT_EQ(world.effects.refunds[0].currency, Currency{});
  EXPECT_EQ(world.effects.refunds[0].reason, EndReason::operator_refund);
  EXPECT_EQ(world.apply(Refund{by_olga(), id}), RefundOutcome::already_refunding);
  EXPECT_EQ(world.effects.refunds.size(), 1U) << "asked again, as it may have failed";
  EXPECT_THAT(world.effects.orders, IsEmpty());
  EXPECT_EQ(world.apply(RefundFinished{id, true}), RefundFinishedOutcome::refunded);
  EXPECT_EQ(world.apply(Refund{by_olga(), id}), RefundOutcome::already_refunding);
  EXPECT_THAT(world.effects.refunds, IsEmpty());
}

TEST(RefundOutcome, NoGateway) {
  World world({draft(1)});
  const OrderId id = world.win("ann");
  EXPECT_EQ(world.apply(Refund{by_olga(), id}), RefundOutcome::not_paid);
  EXPECT_EQ(world.pay(id, "T1"), PaymentOutcome::paid);
  EXPECT_EQ(world.apply(Refund{by_olga(), id}), RefundOutcome::no_gateway);
  EXPECT_EQ(world.status(id), OrderStatus::paid);
  EXPECT_TRUE(world.effects.empty());
}

}  // namespace
}  // namespace sluice::sale
