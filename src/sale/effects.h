// What a command leaves to be done: rows to write, payments to close, refunds to ask for, alarms.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "sale/order.h"

namespace sluice::sale {

/// One step in the life of an order. Stored in the history: never renumber.
enum class HistoryEvent : std::uint8_t {
  granted = 1,
  payment_begun = 2,
  closing = 3,        ///< asked the provider to close the payment
  close_retried = 4,  ///< the provider could not say; asked again
  needs_person = 5,
  expired = 6,
  cancelled = 7,
  paid = 8,
  paid_late = 9,
  refund_begun = 10,
  refunded = 11,
  refund_failed = 12,
  amount_mismatch = 13,
  currency_mismatch = 14,
  second_transaction = 15,  ///< the order, or the transaction, is settled with another
  payment_refused = 16,
  refused = 17,  ///< a reservation that the record could not grant (cluster engine only)
};

const char* to_text(HistoryEvent event);

/// A change of one order, in the order it happened. `detail` and `actor` are empty on the hot path.
struct OrderChange {
  OrderSlot slot = kNoOrder;
  HistoryEvent event = HistoryEvent::granted;
  Instant at;
  std::string actor;   ///< operator's name; empty for the shopper, the provider and the clock
  std::string detail;  ///< a transaction id, a mismatch in words
};

/// A field an operator's command changed, as text, for the audit log.
struct FieldChange {
  std::string field;
  std::string before;
  std::string after;
};

/// An operator's command that changed something.
struct Audit {
  Instant at;
  std::string actor;
  std::string action;   ///< "sale.open", "item.stock", "order.refund", …
  std::string subject;  ///< text id of the sale, item or order
  std::string reason;
  std::vector<FieldChange> changes;
};

/// The provider must be asked to close this order's payment; the answer comes as PaymentClosed.
struct ClosePayment {
  OrderId order;
};

/// The provider must be asked to refund this order; the answer comes as RefundFinished.
struct RefundPayment {
  OrderId order;
  std::string transaction_id;
  Money amount;
  Currency currency;
  EndReason reason = EndReason::operator_refund;
};

/// Everything since the last clear(). The engine reuses one object per batch, so the hot path does
/// not allocate once the vectors have grown.
struct Effects {
  std::vector<OrderChange> orders;
  std::vector<ItemNo> items;  ///< counters or text changed; may repeat
  std::vector<SaleNo> sales;  ///< may repeat
  std::vector<Audit> audits;
  std::vector<ClosePayment> closes;
  std::vector<RefundPayment> refunds;
  std::vector<std::string> alarms;  ///< for the log and the operator; one sentence each

  bool empty() const {
    return orders.empty() && items.empty() && sales.empty() && audits.empty() && closes.empty() &&
           refunds.empty() && alarms.empty();
  }
  void clear() {
    orders.clear();
    items.clear();
    sales.clear();
    audits.clear();
    closes.clear();
    refunds.clear();
    alarms.clear();
  }
};

}  // namespace sluice::sale
