// The query of one order, and its row as a view.
#include "store/order_row.h"

namespace sluice::store {

const char* const kOrderQuery =
    "SELECT o.id, o.user, i.id, s.id, i.title, o.quantity, o.amount, i.currency, o.status, "
    "o.reason, o.created_at, o.expires_at, o.paid_at, o.transaction_id, o.close_attempts, "
    "o.user_previous, (SELECT event FROM history WHERE seq = o.last_event) "
    "FROM orders o JOIN item i ON i.no = o.item_no JOIN sale s ON s.no = i.sale_no WHERE o.id = ?1";

sale::OrderView order_view(const Statement& row) {
  sale::OrderView view;
  view.id = OrderId{row.integer(0)};
  view.user = row.text(1);
  view.item_id = row.text(2);
  view.sale_id = row.text(3);
  view.title = row.text(4);
  view.quantity = row.integer(5);
  view.amount = Money{row.integer(6)};
  view.currency = Currency::parse(row.text(7)).value_or(Currency{});
  view.status = static_cast<sale::OrderStatus>(row.integer(8));
  view.reason = static_cast<sale::EndReason>(row.integer(9));
  view.created_at = Instant{row.integer(10)};
  view.expires_at = Instant{row.integer(11)};
  if (!row.is_null(12)) view.paid_at = Instant{row.integer(12)};
  view.transaction_id = row.text(13);
  view.close_attempts = static_cast<std::uint8_t>(row.integer(14));
  view.last_event = static_cast<sale::HistoryEvent>(row.integer(16));
  return view;
}

}  // namespace sluice::store
