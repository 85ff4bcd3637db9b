// The calls of merchants and payers, with their faults and their traces in the history.
#include "sandbox/emulator.h"

#include <fmt/format.h>

#include "payment/crypto.h"

namespace sluice::sandbox {

namespace {

constexpr std::size_t kTokenLength = 20;

std::unexpected<Refusal> refuse(Why why) {
  return std::unexpected(Refusal{why});
}

std::unexpected<Refusal> refuse(std::string code) {
  return std::unexpected(Refusal{Why::injected, std::move(code)});
}

}  // namespace

Emulator::Emulator(std::function<Instant()> now, std::size_t most_orders)
    : now_(std::move(now)),
      book_([] { return payment::random_nonce(kTokenLength); }, most_orders) {}

Outcome<Trade> Emulator::create(const OrderRequest& request) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  if (auto code = sandbox::take(faults_.create)) {
    book_.note(request.out_trade_no, What::create_refused, *code, now);
    return refuse(std::move(*code));
  }
  const auto found = book_.create(request, now);
  if (!found) {
    book_.note(request.out_trade_no, What::create_refused, std::string(name(found.error())), now);
  }
  return answer(found);
}

Outcome<Trade> Emulator::query(const TradeKey& key) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  Order* order = key.transaction_id.empty() ? book_.find(key.out_trade_no)
                                            : book_.find_transaction(key.transaction_id);
  const std::string_view number = order != nullptr            ? order->trade.asked.out_trade_no
                                  : !key.out_trade_no.empty() ? key.out_trade_no
                                                              : key.transaction_id;
  if (auto code = sandbox::take(faults_.query)) {
    book_.note(number, What::queried, *code, now);
    return refuse(std::move(*code));
  }
  if (order == nullptr) {
    book_.note(number, What::queried, std::string(name(Why::unknown_order)), now);
    return refuse(Why::unknown_order);
  }
  book_.note(*order, What::queried, std::string(name(order->trade.state)), now);
  return order->trade;
}

Outcome<Trade> Emulator::close(std::string_view out_trade_no) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  book_.note(out_trade_no, What::close_asked, "", now);
  if (auto code = sandbox::take(faults_.close)) {
    book_.note(out_trade_no, What::close_refused, *code, now);
    return refuse(std::move(*code));
  }
  if (faults_.pay_before_close) {
    const Order* order = book_.find(out_trade_no);
    if (order != nullptr && order->trade.state == TradeState::not_paid) {
      pay_locked(out_trade_no, order->trade.asked.total, true, now).value();
    }
  }
  const auto found = book_.close(out_trade_no, now);
  if (!found) {
    book_.note(out_trade_no, What::close_refused, std::string(name(found.error())), now);
  }
  return answer(found);
}

Outcome<Emulator::RefundView> Emulator::refund(const RefundRequest& request) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  const auto place = book_.refund(request, now);
  if (!place) {
    const Order* order = book_.find_transaction(request.transaction_id);
    const std::string& number = order != nullptr               ? order->trade.asked.out_trade_no
                                : request.out_trade_no.empty() ? request.transaction_id
                                                               : request.out_trade_no;
    book_.note(number, What::refund_refused, std::string(name(place.error())), now);
    return refuse(place.error());
  }
  if (place->is_new && !request.notify_url.empty()) post(*place->order, place->index, now);
  return RefundView{place->order->trade, place->index, place->is_new};
}

Outcome<Emulator::RefundView> Emulator::query_refund(std::string_view out_refund_no) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  const Book::RefundPlace place = book_.find_refund(out_refund_no);
  if (place.order == nullptr) return refuse(Why::unknown_refund);
  book_.note(*place.order, What::refund_queried, std::string(out_refund_no), now);
  return RefundView{place.order->trade, place.index, false};
}

Outcome<Trade> Emulator::pay(std::string_view out_trade_no, std::optional<Money> amount,
                             bool force) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  const Order* order = book_.find(out_trade_no);
  if (order == nullptr) return refuse(Why::unknown_order);
  return pay_locked(out_trade_no, amount.value_or(order->trade.asked.total), force, now);
}

Outcome<Trade> Emulator::pay_locked(std::string_view out_trade_no, Money amount, bool force,
                                    Instant now) {
  const auto found = book_.pay(out_trade_no, amount, force, now);
  if (found) {
    post(**found, std::nullopt, now);
  } else {
    book_.note(out_trade_no, What::pay_refused, std::string(name(found.error())), now);
  }
  return answer(found);
}

Outcome<Trade> Emulator::decline(std::string_view out_trade_no) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  return answer(book_.decline(out_trade_no, now));
}

Outcome<Trade> Emulator::answer(const Book::Found& found) {
  if (!found) return refuse(found.error());
  return (*found)->trade;
}

std::optional<Trade> Emulator::find_code(std::string_view code) const {
  const std::lock_guard lock(mutex_);
  const Order* order = book_.find_code(code);
  if (order == nullptr) return std::nullopt;
  return order->trade;
}

Faults Emulator::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

void Emulator::set_faults(const Faults& faults) {
  {
    const std::lock_guard lock(mutex_);
    faults_ = faults;
  }
  wake();
}

double Emulator::speed() const {
  const std::lock_guard lock(mutex_);
  return outbox_.speed();
}

void Emulator::set_speed(double speed) {
  {
    const std::lock_guard lock(mutex_);
    outbox_.set_speed(speed);
  }
  wake();
}

void Emulator::post(Order& order, std::optional<std::size_t> refund, Instant now) {
  book_.notice_opened(order);
  outbox_.post(order.trade.asked.out_trade_no, refund, payment::random_nonce(),
               faults_.notify.delay, now);
  wake();
}

std::vector<Outbox::Task> Emulator::take(std::size_t room) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  auto tasks = outbox_.take(room, faults_.notify, now);
  std::erase_if(tasks, [&](const Outbox::Task& task) {
    if (task.kind != Attempt::Kind::dropped) return false;
    settle(task, {false, 0, now, Span{}, "lost on purpose"});
    return true;
  });
  return tasks;
}

std::optional<Emulator::Subject> Emulator::subject(const Outbox::Task& task) const {
  const std::lock_guard lock(mutex_);
  const Notice* notice = outbox_.find(task.notice);
  if (notice == nullptr) return std::nullopt;
  const Order* order = book_.find(notice->out_trade_no);
  if (order == nullptr) return std::nullopt;
  return Subject{order->trade, notice->refund, notice->event_id, faults_.notify.omit_sign_type};
}

void Emulator::answered(const Outbox::Task& task, const Answer& answer) {
  const std::lock_guard lock(mutex_);
  settle(task, answer);
}

void Emulator::settle(const Outbox::Task& task, const Answer& answer) {
  const Instant now = now_();
  const Notice* notice = outbox_.find(task.notice);
  if (notice == nullptr) return;
  // Copies of a notification may be under way when its order has already made room for others.
  Order* order = book_.find(notice->out_trade_no);
  const bool of_refund = notice->refund.has_value();
  const auto then = outbox_.answered(task, answer.acknowledged, now);
  if (order == nullptr) return;
  Attempt attempt;
  attempt.kind = task.kind;
  attempt.of_refund = of_refund;
  attempt.acknowledged = answer.acknowledged;
  attempt.status = static_cast<std::int16_t>(answer.status);
  attempt.took_ms = static_cast<std::int32_t>(answer.took.ms);
  attempt.at = answer.asked_at;
  book_.attempted(*order, std::move(attempt), answer.text);
  if (then == Outbox::Then::waits) return;
  book_.note(*order,
             then == Outbox::Then::acknowledged ? What::notify_acknowledged : What::notify_given_up,
             of_refund ? "refund" : "", now);
  book_.notice_ended(*order);
}

std::optional<Instant> Emulator::next_due() const {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  return outbox_.next_due(faults_.notify, now);
}

std::size_t Emulator::notices() const {
  const std::lock_guard lock(mutex_);
  return outbox_.size();
}

}  // namespace sluice::sandbox
