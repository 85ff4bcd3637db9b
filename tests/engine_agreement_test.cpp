// Random commands to the plain model, the embedded engine and the cluster: they tell the same and
// stand the same after every step.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>

#include "support/contract_scene.h"

namespace sluice::test {
namespace {

using sale::testing::by_olga;
using sale::testing::draft;

/// How many sequences: a step of the cluster takes a tenth of a second. RC_PARAMS chooses
/// otherwise, and replays what failed. Read by rapidcheck at its first check.
[[maybe_unused]] const int chosen = setenv("RC_PARAMS", "max_success=4", 0);

/// A command in raw numbers; what they mean depends on the moment they are applied.
struct Raw {
  int kind = 0, a = 0, b = 0;
};

void showValue(const Raw& raw, std::ostream& out) {
  out << "{" << raw.kind << ", " << raw.a << ", " << raw.b << "}";
}

rc::Gen<std::vector<Raw>> commands() {
  constexpr int kMostSteps = 90;
  return rc::gen::resize(
      kMostSteps,
      rc::gen::container<std::vector<Raw>>(rc::gen::map(
          rc::gen::tuple(rc::gen::inRange(0, 20), rc::gen::inRange(0, 64), rc::gen::inRange(0, 64)),
          [](const std::tuple<int, int, int>& raw) {
            return Raw{std::get<0>(raw), std::get<1>(raw), std::get<2>(raw)};
          })));
}

/// The numbers of a scene begin where those of the shop's earlier ones end.
sale::Command renumbered(sale::Command command, const Mark& mark) {
  std::visit(
      [&](auto& one) {
        if constexpr (requires { one.order.value; }) one.order.value += mark.orders;
        if constexpr (requires { one.item.value; }) one.item.value += mark.items;
        if constexpr (requires { one.sale.value; }) one.sale.value += mark.sales;
        if constexpr (requires { one.payment->order; }) {
          if (one.payment) one.payment->order.value += mark.orders;
        }
      },
      command);
  return command;
}

ShopState renumbered(ShopState state, const Mark& mark, std::int64_t sign) {
  for (OrderState& order : state.orders) {
    order.id.value += sign * mark.orders;
    order.item.value += static_cast<std::uint32_t>(sign * mark.items);
  }
  return state;
}

template <class T>
std::string text(const T& value) {
  std::ostringstream out;
  PrintTo(value, &out);
  return out.str();
}

/// The same sales in all three shops, which then go through the same.
class Trial {
 public:
  Trial(bool has_gateway, std::chrono::seconds patience)
      : patience_(patience),
        scenes_{Scene(contract_shop(EngineKind::model, has_gateway)),
                Scene(contract_shop(EngineKind::embedded, has_gateway)),
                Scene(contract_shop(EngineKind::cluster, has_gateway))} {
    for (const auto& items : {std::vector{draft(3, 2), draft(2, 1)}, std::vector{draft(4, 3)}}) {
      const sale::OpenSale sale = contract_sale(items);
      for (Scene& scene : scenes_)
        scene.open(sale);
    }
    look();
  }

  /// Empty: all agree; else who does not, and how.
  std::string step(const Raw& raw) {
    const auto command = command_of(raw);
    if (!command) {
      // Their sums keep well away from the length of a hold.
      constexpr std::array kSeconds{140, 710, 1850};
      put_contract_clock_forward(Span::seconds(kSeconds.at(static_cast<std::size_t>(raw.a % 3))));
      for (Scene& scene : scenes_)
        scene.shop().time_has_passed();
      return compare_states("when time has passed");
    }
    std::array<Told, 3> told;
    for (std::size_t i = 0; i < scenes_.size(); ++i) {
      const Mark& mark = scenes_.at(i).mark();
      told.at(i) = scenes_.at(i).shop().tell(renumbered(*command, mark));
      if (told.at(i).order.value > 0) told.at(i).order.value -= mark.orders;
    }
    for (std::size_t i = 1; i < told.size(); ++i) {
      if (told.at(i) == told.at(0)) continue;
      return kNames.at(i) + " tells " + text(told.at(i)) + ", the model " + text(told.at(0));
    }
    return compare_states("after " + told[0].outcome);
  }

  /// What pages show follows at its leisure.
  std::string end() {
    const auto expected = scenes_[0].shop().shown(scenes_[0].mark());
    for (std::size_t i = 1; i < scenes_.size(); ++i) {
      Scene& scene = scenes_.at(i);
      if (!eventually([&] { return scene.shop().shown(scene.mark()) == expected; }, patience_)) {
        return "pages of " + kNames.at(i) + " go on showing other counters";
      }
    }
    return {};
  }

 private:
  std::string compare_states(const std::string& when) {
    look();
    for (std::size_t i = 1; i < scenes_.size(); ++i) {
      const Mark& mark = scenes_.at(i).mark();
      const ShopState wanted = renumbered(expected_, mark, 1);
      ShopState state;
      eventually([&] { return (state = scenes_.at(i).shop().state(mark)) == wanted; }, patience_);
      state = renumbered(state, mark, -1);
      if (state == expected_) continue;
      return kNames.at(i) + " " + when + ":" + text(state) + "\nthe model:" + text(expected_);
    }
    return {};
  }
  void look() {
    const Mark& mark = scenes_[0].mark();
    expected_ = renumbered(scenes_[0].shop().state(mark), mark, -1);
  }

  /// One of the youngest twelve, or one that nobody has.
  OrderId some_order(int pick) const {
    const auto count = static_cast<int>(expected_.orders.size());
    if (count == 0 || pick == 63) return OrderId{1'000'000};
    return expected_.orders[static_cast<std::size_t>(count - 1 - pick % std::min(count, 12))].id;
  }
  /// Mostly one that stands there, so that what comes after is met with as well.
  template <class... Statuses>
  OrderId some_order_in(int pick, Statuses... statuses) const {
    std::vector<OrderId> all;
    for (const OrderState& order : expected_.orders) {
      if (((order.status == statuses) || ...)) all.push_back(order.id);
    }
    if (all.empty() || pick % 8 == 0) return some_order(pick);
    return all[static_cast<std::size_t>(pick) % all.size()];
  }
  const OrderState* find(OrderId id) const {
    for (const OrderState& order : expected_.orders) {
      if (order.id == id) return &order;
    }
    return nullptr;
  }
  static std::string some_user(int pick) { return {static_cast<char>('a' + pick % 4)}; }
  std::string owner_or_other(OrderId id, int pick) const {
    const OrderState* order = find(id);
    return order != nullptr && pick % 8 != 0 ? order->user : some_user(pick);
  }
  std::string transaction_of(OrderId id) const {
    return "A" + scenes_[0].tag() + std::to_string(id.value);
  }
  sale::PaymentSucceeded some_payment(OrderId id, int b) const {
    sale::PaymentSucceeded payment;
    payment.order = id;
    payment.transaction_id = transaction_of(b % 16 == 4 ? some_order(b / 4) : id);
    if (b % 16 == 1) payment.transaction_id += "x";
    const OrderState* order = find(id);
    payment.amount = Money{order == nullptr ? 1 : order->amount + (b % 16 == 2 ? 1 : 0)};
    payment.paid_at = contract_now();
    return payment;
  }

  /// Empty: time passes.
  std::optional<sale::Command> command_of(const Raw& raw) const {
    using enum sale::OrderStatus;
    const auto [kind, a, b] = raw;
    const bool decides = kind == 7 || kind == 8 || kind == 11;
    const OrderId id = decides      ? some_order_in(a, closing, needs_person)
                       : kind == 10 ? some_order_in(a, refunding)
                                    : some_order(a);
    switch (kind) {
      case 0:
        return std::nullopt;
      case 1:
      case 2:
        return sale::CancelByUser{owner_or_other(id, b), id};
      case 3:
      case 4:
      case 5:
        return some_payment(id, b);
      case 6:
        return sale::PaymentFailed{id};
      case 7:
      case 8: {
        sale::PaymentClosed closed{id, static_cast<sale::PaymentClosed::Answer>(b % 3), {}};
        if (b % 5 != 0) closed.payment = some_payment(id, b);
        return closed;
      }
      case 9:
        return sale::Refund{by_olga(), id};
      case 10:
        return sale::RefundFinished{id, b % 3 != 0};
      case 11:
        return sale::Resolve{by_olga(), id, static_cast<sale::Resolve::Action>(b % 3),
                             b % 4 == 1 ? "" : "E" + transaction_of(some_order(b))};
      case 12:
        return sale::AdjustStock{by_olga(), some_item(a), Quantity{b % 8 - 1}};
      case 13:
        return sale::PauseSale{by_olga(), SaleNo{a % 3U}, b % 3 == 0};
      case 14:
        return sale::BeginPayment{owner_or_other(id, b), id};
      default: {
        sale::Grab grab{some_user(a), some_item(b), a / 4 % 8 == 7 ? 0 : 1 + b / 4 % 2, {}};
        // Of one sale each: see the note on keys in contract_shop.h.
        const std::uint32_t sale = grab.item.value < 2 ? 0 : grab.item.value;
        if (a / 32 == 0)
          grab.request = {1'000 * (1 + scenes_[0].mark().sales) + sale, 1U + b % 16U};
        return grab;
      }
    }
  }
  /// One of three, or one that nobody has.
  static ItemNo some_item(int pick) {
    return ItemNo{pick % 16 == 15 ? 1'000'000 : static_cast<std::uint32_t>(pick % 3)};
  }

  inline static const std::array<std::string, 3> kNames{"the model", "the embedded engine",
                                                        "the cluster"};
  const std::chrono::seconds patience_;
  std::array<Scene, 3> scenes_;
  ShopState expected_;  ///< the model's
};

/// Empty, or what the engines do not agree about.
std::string run(const std::vector<Raw>& sequence, bool has_gateway, std::chrono::seconds patience) {
  Trial trial(has_gateway, patience);
  for (std::size_t number = 0; number < sequence.size(); ++number) {
    const std::string failure = trial.step(sequence[number]);
    if (!failure.empty()) return "step " + std::to_string(number) + ": " + failure;
  }
  return trial.end();
}

/// rapidcheck prints a small sequence that fails and the RC_PARAMS that replay it. What fails is
/// said at once too, as a disagreement that has to be waited for takes its time to be made small.
void expect_agreement(const std::string& name, bool has_gateway) {
  constexpr std::chrono::seconds kPatienceWhenShrinking{3};
  constexpr std::chrono::seconds kMostShrinking{120};
  std::optional<std::chrono::steady_clock::time_point> failed_at;
  const bool held = rc::check(name, [&] {
    const auto sequence = *commands();
    const auto now = std::chrono::steady_clock::now();
    if (failed_at && now - *failed_at > kMostShrinking) return;
    const std::string failure =
        run(sequence, has_gateway, failed_at ? kPatienceWhenShrinking : kContractPatience);
    if (failure.empty()) return;
    if (!failed_at) std::cerr << name << ": not so; " << failure << "\n";
    if (!failed_at) failed_at = std::chrono::steady_clock::now();
    RC_FAIL(failure);
  });
  EXPECT_TRUE(held);
}

TEST(EngineAgreement, StepByStepWithoutAGateway) {
  expect_agreement("the three engines agree without a gateway", false);
}
TEST(EngineAgreement, StepByStepWithAGateway) {
  expect_agreement("the three engines agree with a gateway", true);
}

}  // namespace
}  // namespace sluice::test
