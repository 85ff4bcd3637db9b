// A look at one payment: what the record says of its order, then what the provider says of it.
#include "settlement/reconciler.h"

#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace sluice::settlement {

using payment::Trade;
using sale::OrderStatus;

namespace {

/// The record could not be read, or the list: soon again.
constexpr Span kReadAgain = Span::seconds(5);

bool saw_money(OrderStatus status) {
  return status == OrderStatus::paid || status == OrderStatus::refunding ||
         status == OrderStatus::refunded;
}

}  // namespace

Reconciler::Reconciler(Office& office, std::function<bool(OrderId)> is_busy)
    : office_(office), is_busy_(std::move(is_busy)) {}

void Reconciler::list_open() {
  list_behind(0);
}

void Reconciler::list_behind(std::int64_t sequence) {
  using Page = std::expected<std::vector<payment::Payment>, payment::ServiceError>;
  office_.service.open_payments(
      sequence, payment::kMaxPage, office_.here<Page>([this, sequence](Page page) {
        if (office_.stopping()) return;
        if (!page) {
          spdlog::error("listing the open payments: {}", page.error().message);
          return office_.loop.after(kReadAgain, [this, sequence] { list_behind(sequence); });
        }
        for (const payment::Payment& open : *page) {
          if (const auto order = order_of(open)) watch(*order, Span{0});
        }
        if (page->size() == payment::kMaxPage) list_behind(page->back().sequence);
      }));
}

/// Empty: another service's, whatever its number looks like.
std::optional<OrderId> Reconciler::order_of(const payment::Payment& payment) const {
  const bool ours = payment.attach.exchange == office_.options.exchange &&
                    payment.attach.queue == office_.options.queue;
  return ours ? parse_order_id(payment.out_trade_no) : std::nullopt;
}

void Reconciler::look_at(std::string out_trade_no) {
  using Found = std::expected<std::optional<payment::Payment>, payment::ServiceError>;
  std::string number = out_trade_no;
  office_.service.find(
      std::move(number),
      office_.here<Found>([this, out_trade_no = std::move(out_trade_no)](const Found& found) {
        if (office_.stopping()) return;
        if (!found) {
          return spdlog::error("payment {}: a query found it made, but it cannot be looked up: {}",
                               quote(out_trade_no), found.error().message);
        }
        const auto order = *found ? order_of(**found) : std::nullopt;
        if (!order) return;
        watch(*order, Span{0});
        nudge(*order);
      }));
}

void Reconciler::watch(OrderId order, Span first) {
  const Backoff backoff{office_.options.first_reconcile, office_.options.last_reconcile};
  if (entries_.try_emplace(order, Entry{backoff}).second) {
    office_.loop.after(first, [this, order] { nudge(order); });
  }
}

void Reconciler::nudge(OrderId order) {
  const auto at = entries_.find(order);
  if (at == entries_.end() || at->second.stage != Stage::sleeping) return;
  at->second.stage = Stage::ready;
  ready_.push_back(order);
  pump();
}

void Reconciler::settled(OrderId order) {
  const auto at = entries_.find(order);
  if (at == entries_.end()) return;
  if (at->second.stage == Stage::sleeping) {
    entries_.erase(at);
  } else {
    at->second.over = true;
  }
}

void Reconciler::pump() {
  while (under_way_ < kQueriesAtOnce && !ready_.empty() && office_.may_call()) {
    const OrderId order = ready_.front();
    ready_.pop_front();
    Entry& entry = entries_.at(order);
    if (entry.over) {
      entries_.erase(order);
      continue;
    }
    entry.stage = Stage::under_way;
    ++under_way_;
    look(order);
  }
}

void Reconciler::look(OrderId order) {
  if (is_busy_(order)) return sleep(order, kReadAgain);
  const bool taken = office_.engine.order(order, office_.loop, [this, order](Result<View>&& view) {
    if (!view) return sleep(order, kReadAgain);
    judge(order, *view);
  });
  if (!taken) sleep(order, kReadAgain);
}

void Reconciler::judge(OrderId order, const View& view) {
  if (!view) {
    spdlog::critical("alarm: order {} has a payment but is not in the record", to_text(order));
    --under_way_;
    entries_.erase(order);
    return pump();
  }
  if (saw_money(view->status)) return finish(order);
  office_.query_unseen(order, [this, order, status = view->status](const Said<Trade>& said) {
    read(order, status, said);
  });
}

void Reconciler::read(OrderId order, OrderStatus status, const Said<Trade>& said) {
  if (said.lost || !said.outcome) return sleep(order);
  const Trade& trade = *said.outcome;
  switch (trade.state) {
    case Trade::State::paid:
      return money(order, trade);
    case Trade::State::refunded:
      spdlog::critical(
          "alarm: order {} was paid and refunded at the provider, the record knows "
          "of neither; see to it",
          to_text(order));
      return finish(order);
    case Trade::State::not_paid:
    case Trade::State::paying:
      // A payment that nobody may make any more: its order is given up.
      return sale::holds_unit(status) ? sleep(order) : close(order);
    case Trade::State::not_found:
    case Trade::State::closed:
    case Trade::State::failed:
      return nothing_to_pay(order, status, trade.state);
  }
}

void Reconciler::money(OrderId order, const Trade& trade) {
  const auto payment = to_command(order, trade.payment);
  if (!payment) {
    spdlog::error("order {}: the provider says it is paid, but tells no payment", to_text(order));
    return sleep(order);
  }
  office_.submit(*payment, [this, order](const engine::Reply&) { finish(order); });
}

void Reconciler::nothing_to_pay(OrderId order, OrderStatus status, Trade::State state) {
  const auto done = [this, order](const engine::Reply&) { finish(order); };
  switch (status) {
    case OrderStatus::awaiting_payment:
      // A trade that is not there may only not be there yet.
      if (state == Trade::State::not_found) return sleep(order);
      return office_.submit(sale::PaymentFailed{order}, done);
    case OrderStatus::needs_person:
      // What the closing could not find out is certain now.
      return office_.submit(sale::PaymentClosed{order, sale::PaymentClosed::Answer::closed, {}},
                            done);
    case OrderStatus::closing:
      return sleep(order);
    default:
      return finish(order);
  }
}

/// A payment came into being while its order was being given up.
void Reconciler::close(OrderId order) {
  office_.close(order, [this, order](const Said<payment::CloseAnswer>& said) {
    if (said.lost || !said.outcome) return sleep(order);
    if (*said.outcome == payment::CloseAnswer::already_paid) return sleep(order, Span{0});
    finish(order);
  });
}

/// The ledger learns it last: what it calls final is not looked at after a crash.
void Reconciler::finish(OrderId order) {
  --under_way_;
  entries_.erase(order);
  if (!office_.stopping()) office_.query(order, [](const Said<Trade>&) {});
  office_.pump();
}

void Reconciler::sleep(OrderId order, Span pause) {
  --under_way_;
  Entry& entry = entries_.at(order);
  if (entry.over) {
    entries_.erase(order);
  } else {
    entry.stage = Stage::sleeping;
    office_.loop.after(pause, [this, order] { nudge(order); });
  }
  office_.pump();
}

}  // namespace sluice::settlement
