// A plain model of the core for tests: maps and full scans, nothing kept that can be computed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sale/commands.h"
#include "sale/state.h"

namespace sluice::sale::testing {

struct ModelOrder {
  OrderId id;
  std::string user;
  std::uint32_t item = 0;
  std::int64_t quantity = 0;
  std::int64_t amount = 0;
  std::int64_t expires_ms = 0;
  OrderStatus status = OrderStatus::awaiting_payment;
  EndReason reason = EndReason::none;
  int attempts = 0;
  bool owns_units = false;
  std::optional<std::string> transaction;
  std::optional<std::int64_t> ask_again_ms;

  bool holds() const {
    return status == OrderStatus::awaiting_payment || status == OrderStatus::closing ||
           status == OrderStatus::needs_person;
  }
};

struct ModelSale {
  std::int64_t starts_ms = 0, ends_ms = 0, hold_ms = 0;
  bool paused = false, cancelled = false;
  bool over(std::int64_t now) const { return cancelled || now >= ends_ms; }
};

struct ModelItem {
  std::uint32_t sale = 0;
  std::int64_t price = 0, limit = 0, highest_limit = 0, stock = 0, refunded = 0;
};

/// Says what each command should come to, one rule after the other as the headers list them.
class Model {
 public:
  explicit Model(const Settings& settings) : settings_(settings) {}

  std::vector<ModelSale> sales;
  std::vector<ModelItem> items;
  std::vector<ModelOrder> orders;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> keys;

  // What the last command should have asked of the provider.
  std::vector<OrderId> closes, refunds;

  std::int64_t held(std::uint32_t item) const { return sum(item, &ModelOrder::holds); }
  std::int64_t sold(std::uint32_t item) const {
    std::int64_t units = 0;
    for (const ModelOrder& o : orders)
      units += o.item == item && o.owns_units ? o.quantity : 0;
    return units;
  }
  std::int64_t available(std::uint32_t item) const {
    return items[item].stock - held(item) - sold(item);
  }
  std::int64_t counted(const std::string& user, std::uint32_t item) const {
    std::int64_t units = 0;
    for (const ModelOrder& o : orders) {
      if (o.user == user && o.item == item && (o.holds() || o.owns_units)) units += o.quantity;
    }
    return units;
  }
  ModelOrder* find(OrderId id) {
    for (ModelOrder& o : orders) {
      if (o.id == id) return &o;
    }
    return nullptr;
  }

  /// `granted_id` is the id the core gave, in case the model grants too.
  GrabOutcome grab(const Grab& c, std::int64_t now, OrderId granted_id) {
    const auto key = std::make_pair(c.request.high, c.request.low);
    if (c.request && keys.contains(key)) {
      const ModelOrder& made = orders[keys[key]];
      const bool same =
          made.item == c.item.value && made.quantity == c.quantity && made.user == c.user;
      return same ? GrabOutcome::replayed : GrabOutcome::key_mismatch;
    }
    if (c.item.value >= items.size()) return GrabOutcome::unknown_item;
    const ModelItem& item = items[c.item.value];
    const ModelSale& sale = sales[item.sale];
    if (c.quantity < 1 || c.quantity > 1'000'000'000) return GrabOutcome::invalid_quantity;
    if (now < sale.starts_ms && !sale.cancelled) return GrabOutcome::not_started;
    if (sale.over(now)) return GrabOutcome::ended;
    if (sale.paused) return GrabOutcome::paused;
    for (ModelOrder& o : orders) {
      if (o.user != c.user || items[o.item].sale != item.sale || !o.holds()) continue;
      const bool over = o.status == OrderStatus::awaiting_payment && now >= o.expires_ms &&
                        !settings_.has_gateway;
      if (!over) return GrabOutcome::already_queued;
      end(o, EndReason::deadline);
    }
    if (counted(c.user, c.item.value) + c.quantity > item.limit) return GrabOutcome::limit_reached;
    if (available(c.item.value) < c.quantity) return GrabOutcome::sold_out;
    ModelOrder order;
    order.id = granted_id;
    order.user = c.user;
    order.item = c.item.value;
    order.quantity = c.quantity;
    order.amount = item.price * c.quantity;
    order.expires_ms = now + sale.hold_ms;
    if (c.request) keys[key] = orders.size();
    orders.push_back(order);
    return GrabOutcome::granted;
  }

  CancelOutcome cancel(const CancelByUser& c) {
    ModelOrder* o = find(c.order);
    if (o == nullptr || o->user != c.user) return CancelOutcome::unknown_order;
    if (o->status == OrderStatus::awaiting_payment) {
      give_up(*o, EndReason::user);
      return o->holds() ? CancelOutcome::closing : CancelOutcome::cancelled;
    }
    if (o->holds()) return CancelOutcome::already_closing;
    const bool ended = o->status == OrderStatus::expired || o->status == OrderStatus::cancelled;
    return ended ? CancelOutcome::already_ended : CancelOutcome::already_paid;
  }

  BeginPaymentOutcome begin(const BeginPayment& c, std::int64_t now) {
    const ModelOrder* o = find(c.order);
    if (o == nullptr || o->user != c.user) return BeginPaymentOutcome::unknown_order;
    if (o->status != OrderStatus::awaiting_payment) return BeginPaymentOutcome::not_awaiting;
    return now >= o->expires_ms ? BeginPaymentOutcome::past_deadline : BeginPaymentOutcome::begun;
  }

  PaymentOutcome pay(const PaymentSucceeded& c) {
    ModelOrder* o = find(c.order);
    if (o == nullptr) return PaymentOutcome::unknown_order;
    if (c.currency.code() != "CNY") return PaymentOutcome::currency_mismatch;
    if (c.amount.minor != o->amount) return PaymentOutcome::amount_mismatch;
    if (o->transaction) {
      return *o->transaction == c.transaction_id ? PaymentOutcome::already_applied
                                                 : PaymentOutcome::second_transaction;
    }
    if (is_used(c.transaction_id)) return PaymentOutcome::transaction_reused;
    if (o->holds()) {
      settle(*o, c.transaction_id);
      return PaymentOutcome::paid;
    }
    const bool late = !sales[items[o->item].sale].cancelled && available(o->item) >= o->quantity &&
                      counted(o->user, o->item) + o->quantity <= items[o->item].limit;
    o->transaction = c.transaction_id;
    if (!late) {
      o->status = OrderStatus::refunding;
      o->reason = EndReason::late_money;
      refunds.push_back(o->id);
      return PaymentOutcome::refund_due;
    }
    settle(*o, c.transaction_id);
    return PaymentOutcome::paid_late;
  }

  PaymentFailedOutcome fail_payment(const PaymentFailed& c) {
    ModelOrder* o = find(c.order);
    if (o == nullptr) return PaymentFailedOutcome::unknown_order;
    if (o->status != OrderStatus::awaiting_payment) return PaymentFailedOutcome::not_awaiting;
    give_up(*o, EndReason::payment_failed);
    return o->holds() ? PaymentFailedOutcome::closing : PaymentFailedOutcome::cancelled;
  }

  PaymentClosedOutcome closed(const PaymentClosed& c, std::int64_t now) {
    ModelOrder* o = find(c.order);
    if (o == nullptr) return PaymentClosedOutcome::unknown_order;
    const bool retry = c.answer == PaymentClosed::Answer::retry;
    const bool open =
        o->status == OrderStatus::closing || (o->status == OrderStatus::needs_person && !retry);
    if (!open) return PaymentClosedOutcome::not_closing;
    if (c.answer == PaymentClosed::Answer::closed) {
      end(*o, o->reason);
      return o->status == OrderStatus::expired ? PaymentClosedOutcome::expired
                                               : PaymentClosedOutcome::cancelled;
    }
    if (retry) {
      close_failed(*o, now);
      return o->status == OrderStatus::closing ? PaymentClosedOutcome::retry_later
                                               : PaymentClosedOutcome::needs_person;
    }
    if (c.payment && c.payment->order == o->id && c.payment->amount.minor == o->amount &&
        c.payment->currency.code() == "CNY" && !is_used(c.payment->transaction_id)) {
      settle(*o, c.payment->transaction_id);
      return PaymentClosedOutcome::paid;
    }
    if (o->status != OrderStatus::closing) return PaymentClosedOutcome::payment_refused;
    if (c.payment) {
      await_person(*o);
    } else {
      close_failed(*o, now);
    }
    return PaymentClosedOutcome::payment_refused;
  }

  RefundFinishedOutcome refund_finished(const RefundFinished& c) {
    ModelOrder* o = find(c.order);
    if (o == nullptr) return RefundFinishedOutcome::unknown_order;
    if (o->status != OrderStatus::refunding) return RefundFinishedOutcome::not_refunding;
    if (!c.succeeded) return RefundFinishedOutcome::failed;
    o->status = OrderStatus::refunded;
    if (o->owns_units) items[o->item].refunded += o->quantity;
    o->owns_units = false;
    return RefundFinishedOutcome::refunded;
  }

  RefundOutcome refund(const Refund& c) {
    ModelOrder* o = find(c.order);
    if (o == nullptr) return RefundOutcome::unknown_order;
    if (o->status == OrderStatus::refunding || o->status == OrderStatus::refunded) {
      if (o->status == OrderStatus::refunding && settings_.has_gateway) refunds.push_back(o->id);
      return RefundOutcome::already_refunding;
    }
    if (o->status != OrderStatus::paid) return RefundOutcome::not_paid;
    if (!settings_.has_gateway) return RefundOutcome::no_gateway;
    o->status = OrderStatus::refunding;
    o->reason = EndReason::operator_refund;
    refunds.push_back(o->id);
    return RefundOutcome::refunding;
  }

  ResolveOutcome resolve(const Resolve& c, std::int64_t now) {
    ModelOrder* o = find(c.order);
    if (o == nullptr) return ResolveOutcome::unknown_order;
    if (o->status != OrderStatus::closing && o->status != OrderStatus::needs_person) {
      return ResolveOutcome::not_resolvable;
    }
    if (c.action == Resolve::Action::mark_paid) {
      if (c.evidence.empty()) return ResolveOutcome::missing_evidence;
      if (is_used(c.evidence)) return ResolveOutcome::evidence_used;
      settle(*o, c.evidence);
      return ResolveOutcome::paid;
    }
    if (c.action == Resolve::Action::release) {
      end(*o, EndReason::operator_release);
      return ResolveOutcome::released;
    }
    start_closing(*o);
    if (!settings_.has_gateway) o->ask_again_ms = now;
    return ResolveOutcome::retrying;
  }

  PauseSaleOutcome pause(const PauseSale& c, std::int64_t now) {
    if (c.sale.value >= sales.size()) return PauseSaleOutcome::unknown_sale;
    ModelSale& sale = sales[c.sale.value];
    if (sale.over(now)) return PauseSaleOutcome::ended;
    if (sale.paused == c.paused) return PauseSaleOutcome::unchanged;
    sale.paused = c.paused;
    return PauseSaleOutcome::changed;
  }

  CancelSaleOutcome cancel_sale(const CancelSale& c) {
    if (c.sale.value >= sales.size()) return CancelSaleOutcome::unknown_sale;
    if (sales[c.sale.value].cancelled) return CancelSaleOutcome::unchanged;
    sales[c.sale.value].cancelled = true;
    return CancelSaleOutcome::cancelled;
  }

  AdjustStockOutcome adjust(const AdjustStock& c) {
    const std::uint32_t no = c.item.value;
    if (no >= items.size()) return AdjustStockOutcome::unknown_item;
    if (c.stock.units < 0 || c.stock > kMaxStock) return AdjustStockOutcome::invalid_stock;
    if (c.stock.units < held(no) + sold(no)) return AdjustStockOutcome::below_committed;
    if (c.stock.units == items[no].stock) return AdjustStockOutcome::unchanged;
    items[no].stock = c.stock.units;
    return AdjustStockOutcome::adjusted;
  }

  ChangeSaleOutcome change(const ChangeSale& c) {
    if (c.sale.value >= sales.size()) return ChangeSaleOutcome::unknown_sale;
    ModelSale& sale = sales[c.sale.value];
    if (sale.cancelled) return ChangeSaleOutcome::cancelled;
    ModelSale next = sale;
    if (c.ends_at) next.ends_ms = c.ends_at->ms;
    if (c.hold) next.hold_ms = c.hold->ms;
    if (next.ends_ms <= next.starts_ms) return ChangeSaleOutcome::invalid_window;
    if (next.hold_ms < 1000) return ChangeSaleOutcome::invalid_hold;
    const bool same = next.ends_ms == sale.ends_ms && next.hold_ms == sale.hold_ms;
    sale = next;
    return same ? ChangeSaleOutcome::unchanged : ChangeSaleOutcome::changed;
  }

  ChangeItemOutcome change(const ChangeItem& c) {
    if (c.item.value >= items.size()) return ChangeItemOutcome::unknown_item;
    ModelItem& item = items[c.item.value];
    if (c.price && c.price->minor < 1) return ChangeItemOutcome::invalid_price;
    if (c.per_user_limit && c.per_user_limit->units < 1) return ChangeItemOutcome::invalid_limit;
    const ModelItem before = item;
    if (c.price) item.price = c.price->minor;
    if (c.per_user_limit) item.limit = c.per_user_limit->units;
    item.highest_limit = std::max(item.highest_limit, item.limit);
    const bool same = before.price == item.price && before.limit == item.limit;
    return same ? ChangeItemOutcome::unchanged : ChangeItemOutcome::changed;
  }

  struct Pulsed {
    std::uint32_t expired = 0, closing = 0;
  };
  /// Everything that is due, however much.
  Pulsed pulse(std::int64_t now) {
    Pulsed done;
    for (ModelOrder& o : orders) {
      const bool due = (o.expires_ms + 63) / 64 * 64 <= now;
      const bool sale_gone = sales[items[o.item].sale].cancelled;
      if (o.status == OrderStatus::awaiting_payment && (due || sale_gone)) {
        give_up(o, due ? EndReason::deadline : EndReason::sale_cancelled);
        ++(o.holds() ? done.closing : done.expired);
      } else if (o.status == OrderStatus::closing && o.ask_again_ms && *o.ask_again_ms <= now) {
        o.ask_again_ms.reset();
        if (settings_.has_gateway) {
          closes.push_back(o.id);
        } else {
          end(o, o.reason);
          ++done.expired;
        }
      }
    }
    return done;
  }

 private:
  template <class Test>
  std::int64_t sum(std::uint32_t item, Test test) const {
    std::int64_t units = 0;
    for (const ModelOrder& o : orders)
      units += o.item == item && (o.*test)() ? o.quantity : 0;
    return units;
  }
  bool is_used(const std::string& transaction) const {
    return std::any_of(orders.begin(), orders.end(),
                       [&](const ModelOrder& o) { return o.transaction == transaction; });
  }
  void settle(ModelOrder& o, const std::string& transaction) {
    o.status = OrderStatus::paid;
    o.reason = EndReason::none;
    o.owns_units = true;
    o.transaction = transaction;
  }
  void end(ModelOrder& o, EndReason reason) {
    o.reason = reason;
    o.status = reason == EndReason::deadline ? OrderStatus::expired : OrderStatus::cancelled;
  }
  void start_closing(ModelOrder& o) {
    o.status = OrderStatus::closing;
    o.attempts = 0;
    o.ask_again_ms.reset();
    if (settings_.has_gateway) closes.push_back(o.id);
  }
  void give_up(ModelOrder& o, EndReason reason) {
    o.reason = reason;
    if (settings_.has_gateway) {
      start_closing(o);
    } else {
      end(o, reason);
    }
  }
  static void await_person(ModelOrder& o) {
    o.status = OrderStatus::needs_person;
    o.ask_again_ms.reset();
  }
  void close_failed(ModelOrder& o, std::int64_t now) const {
    if (++o.attempts >= settings_.max_close_attempts) return await_person(o);
    o.ask_again_ms = now + std::min(settings_.first_close_retry.ms << (o.attempts - 1),
                                    settings_.last_close_retry.ms);
  }

  Settings settings_;
};

}  // namespace sluice::sale::testing
