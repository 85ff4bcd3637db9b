// The cluster's record and the core in memory, step by step with the same commands.
#include <gmock/gmock.h>

#include <random>

#include "support/cluster_world.h"

namespace sluice::store {
namespace {

using namespace test::cluster;  // NOLINT(google-build-using-namespace)
using mariadb::Failure;

class Agreement : public ClusterRecordTest, public testing::WithParamInterface<int> {};

TEST_P(Agreement, StepByStepWithOneStateInMemory) {
  const auto seed = static_cast<std::uint64_t>(GetParam());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::uint64_t below) { return random() % below; };
  ClusterOptions options;
  options.settings.has_gateway = seed % 2 == 0;
  options.settings.max_close_attempts = 3;
  auto record = open(options);
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

}  // namespace
}  // namespace sluice::store
