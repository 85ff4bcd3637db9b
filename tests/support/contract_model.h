// The plain model as a subject of the contract.
#pragma once

#include <chrono>
#include <stdexcept>

#include "sale/model.h"
#include "support/contract_subject.h"

namespace sluice::test {

class ModelSubject final : public Subject {
 public:
  void open(const sale::OpenSale& sale) override {
    const auto no = static_cast<std::uint32_t>(model_.sales.size());
    model_.sales.push_back({sale.starts_at.ms, sale.ends_at.ms, sale.hold.ms, false, false});
    for (const sale::ItemDraft& item : sale.items) {
      const std::int64_t limit = item.per_user_limit.units;
      model_.items.push_back({no, item.price.minor, limit, limit, item.stock.units, 0});
    }
  }
  Told run(const sale::Command& command) override {
    return std::visit([this](const auto& one) { return apply(one); }, command);
  }
  Seen order(std::int64_t number) override {
    const auto& order = model_.orders.at(static_cast<std::size_t>(number - 1));
    return {order.status, order.reason, order.amount, order.transaction.value_or("")};
  }
  Units units(std::uint32_t item) override {
    const auto& one = model_.items.at(item);
    return {one.stock, model_.available(item), model_.held(item), model_.sold(item), one.refunded};
  }
  void pass_time() override { model_.pulse(now()); }
  void restart() override {}

 private:
  static std::int64_t now() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }

  Told apply(const sale::Grab& grab) {
    const auto next = static_cast<std::int64_t>(model_.orders.size()) + 1;
    const auto outcome = model_.grab(grab, now(), OrderId{next});
    if (outcome == sale::GrabOutcome::granted) return told(outcome, next);
    if (outcome == sale::GrabOutcome::already_queued) return told(outcome, held_by(grab));
    if (outcome != sale::GrabOutcome::replayed) return told(outcome);
    const auto key = std::make_pair(grab.request.high, grab.request.low);
    return told(outcome, static_cast<std::int64_t>(model_.keys.at(key)) + 1);
  }
  std::int64_t held_by(const sale::Grab& grab) const {
    const std::uint32_t sale = model_.items.at(grab.item.value).sale;
    for (const auto& order : model_.orders) {
      if (order.user == grab.user && model_.items[order.item].sale == sale && order.holds())
        return order.id.value;
    }
    return 0;
  }
  Told apply(const sale::CancelByUser& one) { return told(model_.cancel(one)); }
  Told apply(const sale::BeginPayment& one) { return told(model_.begin(one, now())); }
  Told apply(const sale::PaymentSucceeded& one) { return told(model_.pay(one)); }
  Told apply(const sale::PaymentFailed& one) { return told(model_.fail_payment(one)); }
  Told apply(const sale::PaymentClosed& one) { return told(model_.closed(one, now())); }
  Told apply(const sale::RefundFinished& one) { return told(model_.refund_finished(one)); }
  Told apply(const sale::ChangeSale& one) { return told(model_.change(one)); }
  Told apply(const sale::ChangeItem& one) { return told(model_.change(one)); }
  Told apply(const sale::PauseSale& one) { return told(model_.pause(one, now())); }
  Told apply(const sale::CancelSale& one) {
    const auto outcome = model_.cancel_sale(one);
    pass_time();
    return told(outcome);
  }
  Told apply(const sale::AdjustStock& one) { return told(model_.adjust(one)); }
  Told apply(const sale::Resolve& one) { return told(model_.resolve(one, now())); }
  Told apply(const sale::Refund& one) { return told(model_.refund(one)); }
  template <class Other>
  Told apply(const Other&) {
    throw std::logic_error("this command is not part of the contract tests");
  }

  sale::testing::Model model_{contract_settings()};
};

}  // namespace sluice::test
