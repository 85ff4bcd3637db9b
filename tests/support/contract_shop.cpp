// The clock of contract tests, how answers and states are written, and the shops of one program.
#include "support/contract_shop.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <type_traits>
#include <utility>

namespace sluice::test {

namespace {

std::atomic<std::int64_t> ahead_ms{0};

constexpr std::array kOutcomes{
    "grab",           "cancel",         "begin payment",   "payment succeeded",
    "payment failed", "payment closed", "refund finished", "open sale",
    "add item",       "change sale",    "change item",     "pause sale",
    "cancel sale",    "adjust stock",   "resolve",         "refund",
    "note",           "pulse"};
static_assert(kOutcomes.size() == std::variant_size_v<sale::Outcome>);

/// Ends and audits the shops after the last test, when a finding still fails the program.
class Shops final : public testing::Environment {
 public:
  ContractShop& get(EngineKind kind, bool has_gateway) {
    auto& shop = shops_[{kind, has_gateway}];
    if (shop == nullptr) {
      switch (kind) {
        case EngineKind::model:
          shop = model_shop(has_gateway);
          break;
        case EngineKind::embedded:
          shop = embedded_shop(has_gateway);
          break;
        case EngineKind::cluster:
          shop = cluster_shop(has_gateway);
      }
    }
    return *shop;
  }
  void TearDown() override {
    for (auto& [key, shop] : shops_)
      EXPECT_EQ(shop->audit(), "") << to_text(key.first);
    shops_.clear();
  }

 private:
  std::map<std::pair<EngineKind, bool>, std::unique_ptr<ContractShop>> shops_;
};

Shops& shops() {
  static auto* const all = new Shops;  // googletest owns it
  return *all;
}
[[maybe_unused]] const auto* const registered = testing::AddGlobalTestEnvironment(&shops());

}  // namespace

Instant contract_now() {
  return Instant{contract_time().wall_ms()};
}

void put_contract_clock_forward(Span by) {
  ahead_ms += by.ms;
}

engine::TimeSource contract_time() {
  return {.wall_ms = [] { return engine::TimeSource::system().wall_ms() + ahead_ms; },
          .elapsed_ms = [] { return engine::TimeSource::system().elapsed_ms() + ahead_ms; }};
}

std::string text_of(const sale::Outcome& outcome) {
  const int number = std::visit(
      [](const auto& one) {
        if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(one)>>) {
          return static_cast<int>(one);
        } else {
          return -1;
        }
      },
      outcome);
  return fmt::format("{} {}", kOutcomes.at(outcome.index()), number);
}

void PrintTo(const Told& told, std::ostream* out) {
  *out << "{" << told.outcome << ", order " << told.order.value;
  if (told.status) *out << ", " << to_operator_text(*told.status);
  *out << "}";
}

void PrintTo(const ShopState& state, std::ostream* out) {
  for (const sale::Counters& c : state.items) {
    *out << fmt::format("\n  item: stock {}, available {}, held {}, sold {}, refunded {}",
                        c.stock.units, c.available.units, c.held.units, c.sold.units,
                        c.refunded.units);
  }
  for (const OrderState& o : state.orders) {
    *out << fmt::format("\n  order {}: {}, item {}, {} for {}, {} ({}), {} attempts, paid by '{}'",
                        o.id.value, o.user, o.item.value, o.quantity, o.amount,
                        to_operator_text(o.status), to_text(o.reason), o.close_attempts,
                        o.transaction);
  }
  if (!state.unrest.empty()) *out << "\n  " << state.unrest;
}

Told ContractShop::tell(sale::Command command) {
  std::vector<sale::Command> one;
  one.push_back(std::move(command));
  return tell(std::move(one)).front();
}

const char* to_text(EngineKind kind) {
  switch (kind) {
    case EngineKind::model:
      return "model";
    case EngineKind::embedded:
      return "embedded";
    case EngineKind::cluster:
      break;
  }
  return "cluster";
}

sale::Settings contract_settings(bool has_gateway) {
  sale::Settings settings;
  settings.has_gateway = has_gateway;
  settings.max_close_attempts = 3;
  return settings;
}

ContractShop& contract_shop(EngineKind kind, bool has_gateway) {
  return shops().get(kind, has_gateway);
}

bool eventually(const std::function<bool()>& holds, std::chrono::seconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace sluice::test
