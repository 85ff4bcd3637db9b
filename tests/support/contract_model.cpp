// The plain model as a shop: what is expected of the others.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sale/model.h"
#include "support/contract_shop.h"

namespace sluice::test {

namespace {

using sale::testing::Model;
using sale::testing::ModelItem;
using sale::testing::ModelOrder;

class ModelShop final : public ContractShop {
 public:
  explicit ModelShop(bool has_gateway) : model_(contract_settings(has_gateway)) {}

  SaleNo open(const sale::OpenSale& sale) override {
    const SaleNo no{static_cast<std::uint32_t>(model_.sales.size())};
    model_.sales.push_back({sale.starts_at.ms, sale.ends_at.ms, sale.hold.ms, false, false});
    for (const sale::ItemDraft& item : sale.items) {
      const std::int64_t limit = item.per_user_limit.units;
      model_.items.push_back({no.value, item.price.minor, limit, limit, item.stock.units, 0});
    }
    return no;
  }

  std::vector<Told> tell(std::vector<sale::Command> commands) override {
    std::vector<Told> all;
    for (const sale::Command& command : commands)
      all.push_back(std::visit([&](const auto& one) { return told(one); }, command));
    return all;
  }

  void time_has_passed() override { model_.pulse(contract_now().ms); }

  Mark mark() const override {
    return {static_cast<std::uint32_t>(model_.sales.size()),
            static_cast<std::uint32_t>(model_.items.size()),
            static_cast<std::int64_t>(model_.orders.size())};
  }

  ShopState state(const Mark& since) override {
    ShopState state;
    state.items = shown(since);
    for (std::size_t i = static_cast<std::size_t>(since.orders); i < model_.orders.size(); ++i) {
      const ModelOrder& order = model_.orders[i];
      state.orders.push_back({order.id, order.user, ItemNo{order.item}, order.quantity,
                              order.amount, order.status, order.reason, order.attempts,
                              order.transaction.value_or("")});
    }
    return state;
  }

  std::vector<sale::Counters> shown(const Mark& since) override {
    std::vector<sale::Counters> all;
    for (std::uint32_t no = since.items; no < model_.items.size(); ++no) {
      const ModelItem& item = model_.items[no];
      all.push_back({Quantity{item.stock}, Quantity{model_.available(no)},
                     Quantity{model_.held(no)}, Quantity{model_.sold(no)},
                     Quantity{item.refunded}});
    }
    return all;
  }

  bool is_asked_to_close(OrderId order) override { return has(model_.closes, order); }
  bool is_asked_to_refund(OrderId order) override { return has(model_.refunds, order); }
  void restart() override {}
  std::string audit() override { return {}; }

 private:
  static bool has(const std::vector<OrderId>& orders, OrderId order) {
    return std::ranges::find(orders, order) != orders.end();
  }

  Told told(const sale::Grab& grab) {
    const auto now = contract_now().ms;
    const OrderId next{static_cast<std::int64_t>(model_.orders.size()) + 1};
    const sale::GrabOutcome outcome = model_.grab(grab, now, next);
    Told told{text_of(outcome), {}, {}};
    if (outcome == sale::GrabOutcome::granted) told.order = next;
    if (outcome == sale::GrabOutcome::replayed) {
      told.order = model_.orders[model_.keys.at({grab.request.high, grab.request.low})].id;
    }
    if (outcome == sale::GrabOutcome::already_queued) told.order = unpaid(grab).id;
    return told;
  }

  const ModelOrder& unpaid(const sale::Grab& grab) const {
    const std::uint32_t sale = model_.items[grab.item.value].sale;
    return *std::ranges::find_if(model_.orders, [&](const ModelOrder& order) {
      return order.holds() && order.user == grab.user && model_.items[order.item].sale == sale;
    });
  }

  template <class C>
  Told told(const C& command) {
    const auto outcome = apply(command);
    Told told{text_of(outcome), {}, {}};
    if constexpr (requires { command.order.value; }) {
      if (outcome != std::remove_cv_t<decltype(outcome)>::unknown_order) {
        told.order = command.order;
        told.status = model_.find(command.order)->status;
      }
    }
    return told;
  }

  auto apply(const sale::CancelByUser& c) { return model_.cancel(c); }
  auto apply(const sale::BeginPayment& c) { return model_.begin(c, contract_now().ms); }
  auto apply(const sale::PaymentSucceeded& c) { return model_.pay(c); }
  auto apply(const sale::PaymentFailed& c) { return model_.fail_payment(c); }
  auto apply(const sale::PaymentClosed& c) { return model_.closed(c, contract_now().ms); }
  auto apply(const sale::RefundFinished& c) { return model_.refund_finished(c); }
  auto apply(const sale::Refund& c) { return model_.refund(c); }
  auto apply(const sale::Resolve& c) { return model_.resolve(c, contract_now().ms); }
  auto apply(const sale::PauseSale& c) { return model_.pause(c, contract_now().ms); }
  auto apply(const sale::CancelSale& c) { return model_.cancel_sale(c); }
  auto apply(const sale::AdjustStock& c) { return model_.adjust(c); }
  auto apply(const sale::ChangeSale& c) { return model_.change(c); }
  auto apply(const sale::ChangeItem& c) { return model_.change(c); }
  /// What no contract test tells a shop: sales are opened by open(), time passes by itself.
  template <class C>
  sale::NoteOutcome apply(const C&) {
    throw std::logic_error("the model does not know this command");
  }

  Model model_;
};

}  // namespace

std::unique_ptr<ContractShop> model_shop(bool has_gateway) {
  return std::make_unique<ModelShop>(has_gateway);
}

}  // namespace sluice::test
