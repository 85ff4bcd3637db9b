// The words for order statuses, reasons and history events.
#include "sale/order.h"

#include <array>

#include "base/assert.h"
#include "sale/effects.h"

namespace sluice::sale {

const char* to_operator_text(OrderStatus status) {
  switch (status) {
    case OrderStatus::queued:
      return "queued";
    case OrderStatus::awaiting_payment:
      return "awaiting_payment";
    case OrderStatus::closing:
      return "closing";
    case OrderStatus::needs_person:
      return "needs_person";
    case OrderStatus::paid:
      return "paid";
    case OrderStatus::refunding:
      return "refunding";
    case OrderStatus::refunded:
      return "refunded";
    case OrderStatus::expired:
      return "expired";
    case OrderStatus::cancelled:
      return "cancelled";
    case OrderStatus::failed:
      return "failed";
  }
  return "unknown";
}

const char* to_text(OrderStatus status) {
  return to_operator_text(status == OrderStatus::needs_person ? OrderStatus::closing : status);
}

const char* to_text(EndReason reason) {
  switch (reason) {
    case EndReason::none:
      return "none";
    case EndReason::deadline:
      return "deadline";
    case EndReason::user:
      return "user";
    case EndReason::sale_cancelled:
      return "sale_cancelled";
    case EndReason::payment_failed:
      return "payment_failed";
    case EndReason::operator_release:
      return "operator_release";
    case EndReason::late_money:
      return "late_money";
    case EndReason::operator_refund:
      return "operator_refund";
  }
  return "unknown";
}

const char* to_text(HistoryEvent event) {
  switch (event) {
    case HistoryEvent::granted:
      return "granted";
    case HistoryEvent::payment_begun:
      return "payment_begun";
    case HistoryEvent::closing:
      return "closing";
    case HistoryEvent::close_retried:
      return "close_retried";
    case HistoryEvent::needs_person:
      return "needs_person";
    case HistoryEvent::expired:
      return "expired";
    case HistoryEvent::cancelled:
      return "cancelled";
    case HistoryEvent::paid:
      return "paid";
    case HistoryEvent::paid_late:
      return "paid_late";
    case HistoryEvent::refund_begun:
      return "refund_begun";
    case HistoryEvent::refunded:
      return "refunded";
    case HistoryEvent::refund_failed:
      return "refund_failed";
    case HistoryEvent::amount_mismatch:
      return "amount_mismatch";
    case HistoryEvent::currency_mismatch:
      return "currency_mismatch";
    case HistoryEvent::second_transaction:
      return "second_transaction";
    case HistoryEvent::refused:
      return "refused";
    case HistoryEvent::payment_refused:
      return "payment_refused";
  }
  return "unknown";
}

std::optional<OrderStatus> parse_order_status(std::string_view text) {
  constexpr std::array all = {OrderStatus::queued,    OrderStatus::awaiting_payment,
                              OrderStatus::closing,   OrderStatus::needs_person,
                              OrderStatus::paid,      OrderStatus::refunding,
                              OrderStatus::refunded,  OrderStatus::expired,
                              OrderStatus::cancelled, OrderStatus::failed};
  for (const OrderStatus status : all) {
    if (text == to_operator_text(status)) return status;
  }
  return std::nullopt;
}

int status_code(OrderStatus status) {
  switch (status) {
    case OrderStatus::queued:
      return 1;
    case OrderStatus::awaiting_payment:
    case OrderStatus::closing:
    case OrderStatus::needs_person:
      return 2;
    case OrderStatus::expired:
    case OrderStatus::cancelled:
      return 3;
    case OrderStatus::failed:
      return 4;
    case OrderStatus::paid:
    case OrderStatus::refunding:
    case OrderStatus::refunded:
      return 5;
  }
  SLUICE_ASSERT(false, "a known order status");
}

}  // namespace sluice::sale
