// A sale in a shop, for contract cases: one line per command, counters and orders that come to
// rest.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sale/testing.h"
#include "support/contract_shop.h"

namespace sluice::test {

inline constexpr Span kContractHold = Span::seconds(1800);
/// Well before a hold ends, and well after.
inline constexpr Span kAlmostTheHold = Span::seconds(1680);
inline constexpr Span kPastTheHold = Span::seconds(1860);
inline constexpr Span kContractWindow = Span::seconds(30 * 24 * 3600);

/// Open since ten seconds ago; named like no other sale of the program.
inline sale::OpenSale contract_sale(std::vector<sale::ItemDraft> items) {
  static std::atomic<int> number{0};
  sale::OpenSale open;
  open.by = {"olga", "because"};
  open.id = "sale-" + std::to_string(++number);
  open.title = "A sale";
  open.starts_at = contract_now() - Span::seconds(10);
  open.ends_at = contract_now() + kContractWindow;
  open.hold = kContractHold;
  open.items = std::move(items);
  for (std::size_t i = 0; i < open.items.size(); ++i)
    open.items[i].id = open.id + "-" + std::to_string(i);
  return open;
}

class Scene {
 public:
  explicit Scene(ContractShop& shop) : shop_(shop), mark_(shop.mark()) {}
  Scene(ContractShop& shop, std::vector<sale::ItemDraft> items) : Scene(shop) {
    open(contract_sale(std::move(items)));
  }

  SaleNo open(const sale::OpenSale& sale) { return shop_.open(sale); }
  SaleNo sale(std::uint32_t n = 0) const { return SaleNo{mark_.sales + n}; }
  ItemNo item(std::uint32_t n = 0) const { return ItemNo{mark_.items + n}; }

  sale::Grab grab_of(std::string user, std::uint32_t n = 0, std::int64_t quantity = 1,
                     sale::RequestKey key = {}) const {
    return {std::move(user), item(n), quantity, key};
  }
  Told grab(std::string user, std::uint32_t n = 0, std::int64_t quantity = 1,
            sale::RequestKey key = {}) {
    return shop_.tell(grab_of(std::move(user), n, quantity, key));
  }
  /// Grabs and expects to win.
  OrderId win(const std::string& user, std::uint32_t n = 0, std::int64_t quantity = 1) {
    const Told told = grab(user, n, quantity);
    EXPECT_EQ(told.outcome, text_of(sale::GrabOutcome::granted)) << user;
    return told.order;
  }
  template <class C>
  std::string tell(const C& command) {
    return shop_.tell(command).outcome;
  }
  std::string cancel(std::string user, OrderId order) {
    return tell(sale::CancelByUser{std::move(user), order});
  }
  /// One unit costs draft()'s price.
  sale::PaymentSucceeded payment(OrderId order, std::string transaction = {},
                                 std::int64_t units = 1) const {
    if (transaction.empty()) transaction = "T" + tag() + std::to_string(order.value);
    return {order, std::move(transaction), Money{sale::testing::draft(1).price.minor * units},
            sale::testing::draft(1).currency, contract_now()};
  }
  std::string pay(OrderId order, std::string transaction = {}) {
    return tell(payment(order, std::move(transaction)));
  }
  void pass(Span time) {
    put_contract_clock_forward(time);
    shop_.time_has_passed();
  }
  /// Transactions and keys are told apart by it from those of other scenes.
  std::string tag() const { return std::to_string(mark_.sales) + "-"; }
  sale::RequestKey key(std::uint64_t n) const { return {mark_.sales + 1, n}; }

  /// The counters of every item come to be these, in the record and wherever they are kept beside.
  void expect_units(const std::vector<sale::Counters>& expected) {
    ShopState state;
    eventually([&] {
      state = shop_.state(mark_);
      return state.items == expected && state.unrest.empty();
    });
    EXPECT_EQ(state.items, expected);
    EXPECT_EQ(state.unrest, "");
    std::vector<sale::Counters> shown;
    eventually([&] { return (shown = shop_.shown(mark_)) == expected; });
    EXPECT_EQ(shown, expected) << "as pages show it";
  }
  /// Whatever became of the order, it comes to stand there.
  void expect_order(OrderId order, sale::OrderStatus status,
                    sale::EndReason reason = sale::EndReason::none) {
    std::optional<OrderState> found;
    eventually([&] {
      found = find(order);
      return found && found->status == status && found->reason == reason;
    });
    ASSERT_TRUE(found) << "order " << order.value << " is not there";
    EXPECT_EQ(found->status, status);
    EXPECT_STREQ(to_text(found->reason), to_text(reason));
  }
  std::optional<OrderState> find(OrderId order) {
    for (const OrderState& one : shop_.state(mark_).orders) {
      if (one.id == order) return one;
    }
    return std::nullopt;
  }

  ContractShop& shop() { return shop_; }
  const Mark& mark() const { return mark_; }

 private:
  ContractShop& shop_;
  const Mark mark_;
};

/// The cases of every file run for each kind: see engine_contract_test.cpp.
class EngineContract : public testing::TestWithParam<EngineKind> {
 protected:
  static ContractShop& shop() { return contract_shop(GetParam(), false); }
  static ContractShop& shop_with_gateway() { return contract_shop(GetParam(), true); }
};

}  // namespace sluice::test
