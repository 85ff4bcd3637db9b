// One contract for the plain model, the embedded engine and the cluster engine: named cases that
// each must keep by itself, and random sequences in which they must agree step by step.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "base/money.h"
#include "support/contract_subject.h"

namespace sluice::test {
namespace {

using sale::OrderStatus;

constexpr std::int64_t kPrice = 1999;
constexpr Span kDay = Span::seconds(86'400);
const sale::Operator kOlga{"olga", "because"};

Instant wall_now() {
  using namespace std::chrono;
  return Instant{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

/// Names and keys that no other world of this program has.
std::uint64_t new_number() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

struct Stocked {
  std::int64_t stock = 1;
  std::int64_t limit = 1;
};
sale::OpenSale sale_of(std::uint64_t world, const std::vector<Stocked>& items, Span hold = kDay) {
  static std::atomic<int> last{0};
  sale::OpenSale sale;
  sale.by = kOlga;
  sale.id = fmt::format("sale-{}-{}", world, ++last);
  sale.title = "秒杀";
  sale.starts_at = wall_now() - Span::seconds(60);
  sale.ends_at = wall_now() + kDay;
  sale.hold = hold;
  for (const Stocked& one : items) {
    sale::ItemDraft item;
    item.id = fmt::format("item-{}-{}", world, ++last);
    item.title = "A thing";
    item.price = Money{kPrice};
    item.list_price = Money{2999};
    item.stock = Quantity{one.stock};
    item.per_user_limit = Quantity{one.limit};
    sale.items.push_back(item);
  }
  return sale;
}

class Contract : public testing::TestWithParam<Kind> {
 protected:
  Contract() : world_(new_number()), subject_(new_subject(GetParam())) {}

  void open(const std::vector<Stocked>& items, Span hold = kDay) {
    subject_->open(sale_of(world_, items, hold));
  }
  Told grab(const std::string& user, std::uint32_t item = 0, std::int64_t quantity = 1,
            std::uint64_t key = 0) {
    return subject_->run(sale::Grab{user, ItemNo{item}, quantity,
                                    key == 0 ? sale::RequestKey{} : sale::RequestKey{world_, key}});
  }
  static Told granted(std::int64_t order) { return told(sale::GrabOutcome::granted, order); }

  sale::PaymentSucceeded payment(std::int64_t order, const std::string& name = "t",
                                 std::int64_t amount = kPrice) const {
    return {OrderId{order},
            fmt::format("{}-{}-{}", name, world_, order),
            Money{amount},
            {},
            wall_now()};
  }
  Told pay(std::int64_t order, const std::string& name = "t") {
    return subject_->run(payment(order, name));
  }
  Told cancel(const std::string& user, std::int64_t order) {
    return subject_->run(sale::CancelByUser{user, OrderId{order}});
  }
  Told close(std::int64_t order,
             sale::PaymentClosed::Answer answer = sale::PaymentClosed::Answer::closed) {
    return subject_->run(sale::PaymentClosed{OrderId{order}, answer, {}});
  }
  Told adjust(std::int64_t stock) {
    return subject_->run(sale::AdjustStock{kOlga, ItemNo{0}, Quantity{stock}});
  }
  OrderStatus status(std::int64_t order) { return subject_->order(order).status; }

  std::uint64_t world_;
  std::unique_ptr<Subject> subject_;
};

TEST_P(Contract, ExactlyTheStockIsSold) {
  open({{3, 1}});
  for (std::int64_t n = 1; n <= 3; ++n)
    EXPECT_EQ(grab("user-" + std::to_string(n)), granted(n));
  EXPECT_EQ(grab("late"), told(sale::GrabOutcome::sold_out));
  EXPECT_EQ(subject_->units(0), (Units{3, 0, 3, 0, 0}));
}

TEST_P(Contract, AShopperQueuesOnceInASale) {
  open({{5, 5}, {5, 5}});
  EXPECT_EQ(grab("amy", 0), granted(1));
  EXPECT_EQ(grab("amy", 0), told(sale::GrabOutcome::already_queued, 1));
  EXPECT_EQ(grab("amy", 1), told(sale::GrabOutcome::already_queued, 1)) << "another item of it";
  open({{5, 5}});
  EXPECT_EQ(grab("amy", 2), granted(2)) << "another sale";
}

TEST_P(Contract, TheLimitCountsWhatIsPaidAndHeld) {
  open({{9, 2}});
  EXPECT_EQ(grab("amy", 0, 3), told(sale::GrabOutcome::limit_reached));
  EXPECT_EQ(grab("amy", 0, 1), granted(1));
  EXPECT_EQ(pay(1), told(sale::PaymentOutcome::paid));
  EXPECT_EQ(grab("amy", 0, 2), told(sale::GrabOutcome::limit_reached));
  EXPECT_EQ(grab("amy", 0, 1), granted(2)) << "a payment does not lift the limit, nor lower it";
}

TEST_P(Contract, NothingIsSoldOfWhatIsNotThere) {
  open({{1, 1}});
  EXPECT_EQ(grab("amy", 9), told(sale::GrabOutcome::unknown_item));
  EXPECT_EQ(grab("amy", 0, 0), told(sale::GrabOutcome::invalid_quantity));
  EXPECT_EQ(grab("amy", 0, -1), told(sale::GrabOutcome::invalid_quantity));
  EXPECT_EQ(cancel("amy", 9), told(sale::CancelOutcome::unknown_order));
  EXPECT_EQ(pay(9), told(sale::PaymentOutcome::unknown_order));
}

TEST_P(Contract, TheWindowAndThePause) {
  sale::OpenSale later = sale_of(world_, {{1, 1}});
  later.starts_at = wall_now() + kDay;
  later.ends_at = later.starts_at + kDay;
  subject_->open(later);
  EXPECT_EQ(grab("amy", 0), told(sale::GrabOutcome::not_started));
  EXPECT_EQ(grab("amy", 0, 1, 7), told(sale::GrabOutcome::not_started)) << "with a key too";
  open({{1, 1}});
  EXPECT_EQ(subject_->run(sale::PauseSale{kOlga, SaleNo{1}, true}),
            told(sale::PauseSaleOutcome::changed));
  EXPECT_EQ(grab("amy", 1), told(sale::GrabOutcome::paused));
  EXPECT_EQ(subject_->run(sale::PauseSale{kOlga, SaleNo{1}, false}),
            told(sale::PauseSaleOutcome::changed));
  // Redis hears of it a moment later.
  Told resumed = grab("amy", 1);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (resumed == told(sale::GrabOutcome::paused) && std::chrono::steady_clock::now() < until)
    resumed = grab("amy", 1);
  EXPECT_EQ(resumed, granted(1));
  EXPECT_EQ(subject_->run(sale::CancelSale{kOlga, SaleNo{1}}),
            told(sale::CancelSaleOutcome::cancelled));
  EXPECT_EQ(grab("bob", 1), told(sale::GrabOutcome::ended));
}

TEST_P(Contract, AKeyMakesOneOrderHoweverOften) {
  open({{5, 5}});
  EXPECT_EQ(grab("amy", 0, 1, 7), granted(1));
  EXPECT_EQ(grab("amy", 0, 1, 7), told(sale::GrabOutcome::replayed, 1));
  EXPECT_EQ(grab("amy", 0, 2, 7), told(sale::GrabOutcome::key_mismatch));
  EXPECT_EQ(pay(1), told(sale::PaymentOutcome::paid));
  EXPECT_EQ(grab("amy", 0, 1, 7), told(sale::GrabOutcome::replayed, 1)) << "also once it is paid";
}

TEST_P(Contract, AUnitThatIsGivenBackIsSoldAgain) {
  open({{1, 1}});
  EXPECT_EQ(grab("amy"), granted(1));
  EXPECT_EQ(cancel("bob", 1), told(sale::CancelOutcome::unknown_order)) << "somebody else's";
  EXPECT_EQ(cancel("amy", 1), told(sale::CancelOutcome::closing));
  EXPECT_EQ(cancel("amy", 1), told(sale::CancelOutcome::already_closing));
  EXPECT_EQ(grab("bob"), told(sale::GrabOutcome::sold_out)) << "not before the payment is closed";
  EXPECT_EQ(close(1), told(sale::PaymentClosedOutcome::cancelled));
  EXPECT_EQ(close(1), told(sale::PaymentClosedOutcome::not_closing));
  EXPECT_EQ(grab("bob"), granted(2));
  EXPECT_EQ(subject_->units(0), (Units{1, 0, 1, 0, 0}));
}

TEST_P(Contract, AnUnpaidOrderExpires) {
  open({{1, 1}}, Span::seconds(1));
  EXPECT_EQ(grab("amy"), granted(1));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (status(1) == OrderStatus::awaiting_payment && std::chrono::steady_clock::now() < until)
    subject_->pass_time();
  EXPECT_EQ(status(1), OrderStatus::closing);
  EXPECT_EQ(close(1), told(sale::PaymentClosedOutcome::expired));
  EXPECT_EQ(grab("bob"), granted(2));
}

TEST_P(Contract, AlreadyPaidMeansPaid) {
  open({{1, 1}});
  EXPECT_EQ(grab("amy"), granted(1));
  EXPECT_EQ(cancel("amy", 1), told(sale::CancelOutcome::closing));
  sale::PaymentClosed answer{OrderId{1}, sale::PaymentClosed::Answer::already_paid, payment(1)};
  EXPECT_EQ(subject_->run(answer), told(sale::PaymentClosedOutcome::paid));
  EXPECT_EQ(cancel("amy", 1), told(sale::CancelOutcome::already_paid));
  EXPECT_EQ(pay(1), told(sale::PaymentOutcome::already_applied));
  EXPECT_EQ(pay(1, "other"), told(sale::PaymentOutcome::second_transaction));
  EXPECT_EQ(subject_->units(0), (Units{1, 0, 0, 1, 0}));
}

TEST_P(Contract, MoneyThatDoesNotFitChangesNothing) {
  open({{2, 1}});
  EXPECT_EQ(grab("amy"), granted(1));
  EXPECT_EQ(subject_->run(payment(1, "t", kPrice - 1)),
            told(sale::PaymentOutcome::amount_mismatch));
  sale::PaymentSucceeded dollars = payment(1);
  dollars.currency = Currency::parse("USD").value();
  EXPECT_EQ(subject_->run(dollars), told(sale::PaymentOutcome::currency_mismatch));
  EXPECT_EQ(status(1), OrderStatus::awaiting_payment);
  EXPECT_EQ(pay(1), told(sale::PaymentOutcome::paid));
  EXPECT_EQ(grab("bob"), granted(2));
  sale::PaymentSucceeded reused = payment(2);
  reused.transaction_id = payment(1).transaction_id;
  EXPECT_EQ(subject_->run(reused), told(sale::PaymentOutcome::transaction_reused));
}

TEST_P(Contract, LateMoneyIsASaleOrGoesBack) {
  open({{2, 1}});
  EXPECT_EQ(grab("amy"), granted(1));
  EXPECT_EQ(grab("bob"), granted(2));
  for (const std::int64_t order : {1, 2}) {
    EXPECT_EQ(cancel(order == 1 ? "amy" : "bob", order), told(sale::CancelOutcome::closing));
    EXPECT_EQ(close(order), told(sale::PaymentClosedOutcome::cancelled));
  }
  EXPECT_EQ(grab("cat"), granted(3));
  EXPECT_EQ(pay(1), told(sale::PaymentOutcome::paid_late)) << "a unit is free";
  EXPECT_EQ(pay(2), told(sale::PaymentOutcome::refund_due)) << "none is left";
  EXPECT_EQ(subject_->run(sale::RefundFinished{OrderId{2}, true}),
            told(sale::RefundFinishedOutcome::refunded));
  EXPECT_EQ(subject_->units(0), (Units{2, 0, 1, 1, 0}));
}

TEST_P(Contract, ARefundBringsTheUnitBack) {
  open({{1, 1}});
  EXPECT_EQ(grab("amy"), granted(1));
  const sale::Refund refund{kOlga, OrderId{1}};
  EXPECT_EQ(subject_->run(refund), told(sale::RefundOutcome::not_paid));
  EXPECT_EQ(pay(1), told(sale::PaymentOutcome::paid));
  EXPECT_EQ(subject_->run(refund), told(sale::RefundOutcome::refunding));
  EXPECT_EQ(subject_->run(refund), told(sale::RefundOutcome::already_refunding));
  EXPECT_EQ(grab("bob"), told(sale::GrabOutcome::sold_out));
  EXPECT_EQ(subject_->run(sale::RefundFinished{OrderId{1}, true}),
            told(sale::RefundFinishedOutcome::refunded));
  EXPECT_EQ(grab("bob"), granted(2));
  EXPECT_EQ(subject_->units(0), (Units{1, 0, 1, 0, 1}));
}

TEST_P(Contract, WhatCannotBeClosedIsForAPerson) {
  open({{2, 1}});
  EXPECT_EQ(grab("amy"), granted(1));
  EXPECT_EQ(subject_->run(sale::PaymentFailed{OrderId{1}}),
            told(sale::PaymentFailedOutcome::closing));
  using Answer = sale::PaymentClosed::Answer;
  EXPECT_EQ(close(1, Answer::retry), told(sale::PaymentClosedOutcome::retry_later));
  EXPECT_EQ(close(1, Answer::retry), told(sale::PaymentClosedOutcome::retry_later));
  EXPECT_EQ(close(1, Answer::retry), told(sale::PaymentClosedOutcome::needs_person));
  EXPECT_EQ(status(1), OrderStatus::needs_person);
  EXPECT_EQ(subject_->units(0), (Units{2, 1, 1, 0, 0})) << "the unit stays held";
  using Action = sale::Resolve::Action;
  EXPECT_EQ(subject_->run(sale::Resolve{kOlga, OrderId{1}, Action::mark_paid, ""}),
            told(sale::ResolveOutcome::missing_evidence));
  EXPECT_EQ(subject_->run(sale::Resolve{kOlga, OrderId{1}, Action::release, ""}),
            told(sale::ResolveOutcome::released));
  EXPECT_EQ(subject_->units(0), (Units{2, 2, 0, 0, 0}));
}

TEST_P(Contract, StockNeverFallsBelowWhatIsCommitted) {
  open({{2, 1}});
  EXPECT_EQ(grab("amy"), granted(1));
  EXPECT_EQ(grab("bob"), granted(2));
  EXPECT_EQ(adjust(1), told(sale::AdjustStockOutcome::below_committed));
  EXPECT_EQ(adjust(3), told(sale::AdjustStockOutcome::adjusted));
  EXPECT_EQ(grab("cat"), granted(3));
  EXPECT_EQ(grab("dan"), told(sale::GrabOutcome::sold_out));
  EXPECT_EQ(subject_->units(0), (Units{3, 0, 3, 0, 0}));
}

TEST_P(Contract, ARestartForgetsNothing) {
  open({{3, 1}});
  EXPECT_EQ(grab("amy", 0, 1, 7), granted(1));
  EXPECT_EQ(grab("bob"), granted(2));
  EXPECT_EQ(pay(2), told(sale::PaymentOutcome::paid));
  subject_->restart();
  EXPECT_EQ(grab("amy", 0, 1, 7), told(sale::GrabOutcome::replayed, 1));
  EXPECT_EQ(grab("amy"), told(sale::GrabOutcome::already_queued, 1));
  EXPECT_EQ(grab("bob"), told(sale::GrabOutcome::limit_reached));
  EXPECT_EQ(pay(2), told(sale::PaymentOutcome::already_applied));
  EXPECT_EQ(grab("cat"), granted(3));
  EXPECT_EQ(grab("dan"), told(sale::GrabOutcome::sold_out));
  EXPECT_EQ(subject_->units(0), (Units{3, 0, 2, 1, 0}));
}

INSTANTIATE_TEST_SUITE_P(Each, Contract,
                         testing::Values(Kind::model, Kind::embedded, Kind::cluster),
                         [](const auto& kind) { return name_of(kind.param); });

// ---- in step
// -------------------------------------------------------------------------------------

/// The same random commands for all; after each, the answers and every order are compared.
class InStep {
 public:
  explicit InStep(std::uint64_t seed) : random_(seed), world_(new_number()) {
    for (const Kind kind : {Kind::model, Kind::embedded, Kind::cluster})
      subjects_.push_back(new_subject(kind));
    for (const auto& sale : {sale_of(world_, {{3, 2}, {2, 1}}), sale_of(world_, {{4, 3}})}) {
      for (const auto& subject : subjects_)
        subject->open(sale);
    }
  }

  void step() {
    const auto [name, command] = next();
    SCOPED_TRACE(name);
    const Told expected = subjects_[0]->run(command);
    if (expected == told(sale::GrabOutcome::granted, orders_ + 1)) ++orders_;
    for (std::size_t i = 1; i < subjects_.size(); ++i) {
      const std::string who = name_of(static_cast<Kind>(i));
      ASSERT_EQ(subjects_[i]->run(command), expected) << who;
      for (std::int64_t order = 1; order <= orders_; ++order)
        ASSERT_EQ(subjects_[i]->order(order), subjects_[0]->order(order)) << who << " " << order;
    }
  }
  void restart() {
    for (const auto& subject : subjects_)
      subject->restart();
  }
  void compare_units() {
    for (std::uint32_t item = 0; item < 3; ++item) {
      const Units expected = subjects_[0]->units(item);
      EXPECT_EQ(subjects_[1]->units(item), expected) << "embedded, item " << item;
      EXPECT_EQ(subjects_[2]->units(item), expected) << "cluster, item " << item;
    }
  }

 private:
  struct Next {
    std::string name;
    sale::Command command;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  std::string some_user() { return {static_cast<char>('a' + below(4))}; }
  OrderId some_order() {
    const auto count = static_cast<std::uint64_t>(orders_);
    return OrderId{count == 0 || below(16) == 0 ? 1000
                                                : static_cast<std::int64_t>(count - below(count))};
  }
  sale::PaymentSucceeded some_payment(OrderId order) {
    sale::PaymentSucceeded payment{
        order, fmt::format("t-{}-{}", world_, order.value), Money{kPrice * 1}, {}, wall_now()};
    if (order.value <= orders_) payment.amount = Money{subjects_[0]->order(order.value).amount};
    if (below(8) == 0) payment.transaction_id = fmt::format("t-{}-{}", world_, some_order().value);
    if (below(12) == 0) ++payment.amount.minor;
    return payment;
  }

  Next next() {
    const OrderId order = some_order();
    switch (below(16)) {
      case 0:
      case 1:
        return {"cancel", sale::CancelByUser{some_user(), order}};
      case 2:
        return {"begin payment", sale::BeginPayment{some_user(), order}};
      case 3:
      case 4:
        return {"pay", some_payment(order)};
      case 5:
        return {"payment failed", sale::PaymentFailed{order}};
      case 6:
      case 7:
        return {"payment closed", some_closing(order)};
      case 8:
        return {"refund", sale::Refund{kOlga, order}};
      case 9:
        return {"refund finished", sale::RefundFinished{order, below(3) != 0}};
      case 10:
        return {"resolve",
                sale::Resolve{kOlga, order, static_cast<sale::Resolve::Action>(below(3)),
                              below(2) == 0 ? "" : fmt::format("e-{}-{}", world_, order.value)}};
      case 11:
        return {"adjust stock",
                sale::AdjustStock{kOlga, ItemNo{static_cast<std::uint32_t>(below(4))},
                                  Quantity{static_cast<std::int64_t>(below(7))}}};
      default:
        return {"grab", some_grab()};
    }
  }
  sale::PaymentClosed some_closing(OrderId order) {
    sale::PaymentClosed closed{order, static_cast<sale::PaymentClosed::Answer>(below(3)), {}};
    if (closed.answer == sale::PaymentClosed::Answer::already_paid && below(4) != 0)
      closed.payment = some_payment(order);
    return closed;
  }
  sale::Grab some_grab() {
    sale::Grab grab{some_user(),
                    ItemNo{static_cast<std::uint32_t>(below(4))},
                    static_cast<std::int64_t>(below(3)),
                    {}};
    // In a cluster a key counts within its sale.
    if (below(3) == 0) grab.request = {world_, 100 * (grab.item.value / 2) + below(8)};
    return grab;
  }

  std::mt19937_64 random_;
  std::uint64_t world_;
  std::vector<std::unique_ptr<Subject>> subjects_;
  std::int64_t orders_ = 0;
};

TEST(ContractInStep, ModelEmbeddedAndClusterAgree) {
  constexpr int kWorlds = 4;
  constexpr int kSteps = 40;
  const char* given = std::getenv("SLUICE_SEED");
  const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "    SLUICE_SEED=" << seed << '\n';
  for (int world = 0; world < kWorlds; ++world) {
    SCOPED_TRACE("world " + std::to_string(world));
    InStep trial(seed + static_cast<std::uint64_t>(world));
    for (int step = 0; step < kSteps; ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      if (step == kSteps / 2 && world % 3 == 0) trial.restart();
      trial.step();
      if (HasFatalFailure()) return;
    }
    trial.compare_units();
    if (HasFailure()) return;
  }
}

/// The engines end before the program does, in their order.
class EndOfSubjects final : public testing::Environment {
 public:
  void TearDown() override { end_subjects(); }
};
const auto* const kEnd = testing::AddGlobalTestEnvironment(new EndOfSubjects);

}  // namespace
}  // namespace sluice::test
