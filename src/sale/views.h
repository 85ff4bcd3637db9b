// Orders, timelines and audit entries as the record tells them: what the read side of every engine
// answers with. All text is owned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "sale/effects.h"
#include "sale/order.h"

namespace sluice::sale {

/// One committed order with what it needs of its item and sale.
struct OrderView {
  OrderId id;
  std::string user;
  std::string item_id;
  std::string sale_id;
  std::string title;  ///< the item's
  std::int64_t quantity = 1;
  Money amount;
  Currency currency;
  OrderStatus status = OrderStatus::awaiting_payment;
  EndReason reason = EndReason::none;
  Instant created_at;
  Instant expires_at;
  std::optional<Instant> paid_at;
  std::string transaction_id;  ///< empty: none
  std::uint8_t close_attempts = 0;
  HistoryEvent last_event = HistoryEvent::granted;
};

/// One row of an order's history, oldest first.
struct TimelineEntry {
  std::int64_t sequence = 0;
  Instant at;
  std::string event;  ///< to_text(HistoryEvent)
  std::string actor;  ///< "shopper", "clock", "provider" or the operator's name
  std::string detail;
};

struct AuditEntry {
  std::int64_t sequence = 0;
  Instant at;
  std::string actor;
  std::string action;
  std::string subject;
  std::string reason;
  std::string before_json;  ///< an object of the changed fields
  std::string after_json;
};

/// Which orders an operator wants to see. Absent fields do not filter.
struct OrderFilter {
  std::optional<std::string> user;
  std::optional<std::string> item_id;
  std::optional<std::string> sale_id;
  std::optional<OrderStatus> status;
  std::optional<OrderId> order;
  std::optional<std::string> transaction_id;
  std::optional<Instant> created_from;    ///< inclusive
  std::optional<Instant> created_before;  ///< exclusive
  bool needs_attention = false;           ///< only orders of which awaits_person() is true
};

/// Whether a person must look at an order of this status of which `last` is the newest event: its
/// closing or refund failed, or money came that settles nothing. What happens next ends it.
constexpr bool awaits_person(OrderStatus status, HistoryEvent last) {
  switch (last) {
    case HistoryEvent::needs_person:
    case HistoryEvent::refund_failed:
    case HistoryEvent::amount_mismatch:
    case HistoryEvent::currency_mismatch:
    case HistoryEvent::second_transaction:
    case HistoryEvent::payment_refused:
      return true;
    default:
      return status == OrderStatus::needs_person;
  }
}

/// A bounded piece of a longer list, newest first.
struct PageRequest {
  std::optional<std::int64_t> before;  ///< continue below this key (order id or sequence)
  std::uint32_t limit = 50;            ///< 1 to kMaxPage
};
inline constexpr std::uint32_t kMaxPage = 1000;

template <class T>
struct Page {
  std::vector<T> entries;
  std::optional<std::int64_t> next;  ///< key to pass as `before`; empty: the list ended
};

}  // namespace sluice::sale
