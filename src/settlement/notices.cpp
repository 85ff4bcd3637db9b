// From a delivery to a durable command and back.
#include "settlement/notices.h"

#include <utility>

#include "base/ids.h"
#include "base/text.h"

namespace sluice::settlement {

namespace {

constexpr std::int64_t kLongestPauseMs = 30'000;

/// 1 s, 2 s, 4 s … 30 s. The order row may not be visible yet when the first attempt comes.
Span pause_before(std::uint32_t attempt) {
  const std::uint32_t doublings = std::min(attempt, 6U) - 1;
  return Span{std::min<std::int64_t>(std::int64_t{1000} << doublings, kLongestPauseMs)};
}

}  // namespace

void Notices::take(std::shared_ptr<bus::Delivery> delivery) {
  ++taken_;
  if (office_.stopping()) return delivery->give_back(Span{0});
  const auto notice = parse_notice(delivery->message().body);
  if (!notice) return refuse(delivery, notice.error().message);
  std::visit([&](const auto& exact) { apply(delivery, exact); }, *notice);
}

void Notices::apply(const Shared& delivery, const PaidNotice& notice) {
  const std::optional<OrderId> order = parse_order_id(notice.out_trade_no);
  if (!order) return refuse(delivery, "no order of this shop: " + quote(notice.out_trade_no));
  const sale::PaymentSucceeded payment{*order, notice.transaction_id, notice.amount,
                                       notice.currency, notice.paid_at};
  if (incidents_.contains({*order, notice.transaction_id, notice.amount.minor,
                           std::string{notice.currency.code()}})) {
    return delivery->acknowledge();
  }
  office_.submit(payment, [this, delivery, payment](const engine::Reply& reply) {
    read(delivery, payment, std::get<sale::PaymentOutcome>(reply.outcome));
  });
}

void Notices::read(const Shared& delivery, const sale::PaymentSucceeded& payment,
                   sale::PaymentOutcome outcome) {
  using Outcome = sale::PaymentOutcome;
  switch (outcome) {
    case Outcome::unknown_order:
      return refuse(delivery, "money for an order that is not there: " + to_text(payment.order) +
                                  ", transaction " + quote(payment.transaction_id));
    case Outcome::currency_mismatch:
    case Outcome::amount_mismatch:
    case Outcome::second_transaction:
    case Outcome::transaction_reused:
      remember({payment.order, payment.transaction_id, payment.amount.minor,
                std::string{payment.currency.code()}});
      break;
    case Outcome::already_applied:
    case Outcome::paid:
    case Outcome::paid_late:
    case Outcome::refund_due:
      break;
  }
  delivery->acknowledge();
  events_.settled(payment.order);
}

void Notices::apply(const Shared& delivery, const FailedNotice& notice) {
  const std::optional<OrderId> order = parse_order_id(notice.out_trade_no);
  if (!order) return refuse(delivery, "no order of this shop: " + quote(notice.out_trade_no));
  office_.submit(sale::PaymentFailed{*order}, [this, delivery, order](const engine::Reply& reply) {
    using Outcome = sale::PaymentFailedOutcome;
    if (std::get<Outcome>(reply.outcome) == Outcome::unknown_order) {
      return refuse(delivery, "a failed payment of an unknown order " + to_text(*order));
    }
    delivery->acknowledge();
  });
}

void Notices::apply(const Shared& delivery, const RefundNotice& notice) {
  const std::optional<OrderId> order = parse_order_id(notice.out_trade_no);
  if (!order) return refuse(delivery, "no order of this shop: " + quote(notice.out_trade_no));
  // Refunds are read from the record at every start, so the poll is not lost with this message.
  delivery->acknowledge();
  events_.refund_ended(*order);
}

void Notices::apply(const Shared& delivery, const OtherNotice& notice) {
  const std::optional<OrderId> order = parse_order_id(notice.out_trade_no);
  if (!order) return refuse(delivery, "no order of this shop: " + quote(notice.out_trade_no));
  delivery->acknowledge();
  events_.look_at(*order);
}

void Notices::refuse(const Shared& delivery, const std::string& why) {
  const std::string id = quote(delivery->message().id);
  if (delivery->attempt() >= bus::kMaxAttempts) {
    ++parked_;
    spdlog::critical("alarm: payment notification {} is parked for a person: {}", id, why);
  } else if (delivery->attempt() == 1) {
    spdlog::error("payment notification {}: {}; it is tried {} times", id, why, bus::kMaxAttempts);
  }
  delivery->give_back(pause_before(delivery->attempt()));
}

void Notices::remember(Incident incident) {
  if (!incidents_.insert(incident).second) return;
  oldest_first_.push_back(std::move(incident));
  if (oldest_first_.size() > kMaxIncidents) {
    incidents_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
}

}  // namespace sluice::settlement
