// Recovery from the record: every row is checked as if it came from a stranger.
#include <limits>
#include <utility>
#include <vector>

#include "base/text.h"
#include "sale/parts.h"

namespace sluice::sale {

namespace {

/// Whether units count as sold in this status: must, must not, or may.
bool unit_sold_fits(OrderStatus status, bool unit_sold) {
  if (status == OrderStatus::paid) return unit_sold;
  return status == OrderStatus::refunding || !unit_sold;
}

bool saw_money(OrderStatus status) {
  return status == OrderStatus::paid || status == OrderStatus::refunding ||
         status == OrderStatus::refunded;
}

bool known(OrderStatus status) {
  return holds_unit(status) || saw_money(status) || status == OrderStatus::expired ||
         status == OrderStatus::cancelled;
}

std::unexpected<Error> wrong_order(OrderId id, std::string_view what) {
  return fail("order " + to_text(id) + " of the record " + std::string{what} +
              "; check it with `sluice verify`");
}

/// What is wrong with the row on its own; empty: nothing.
std::string_view flaw_of(const StoredOrder& order) {
  if (!valid_user(order.user)) return "has a user name that is not valid";
  if (order.quantity < 1 || order.quantity > kMaxStock.units) return "has a bad quantity";
  if (order.amount.minor < 0) return "has a negative amount";
  if (!known(order.status)) return "has a status that this engine cannot continue";
  if (!unit_sold_fits(order.status, order.unit_sold)) return "has units that contradict its status";
  if (saw_money(order.status) == order.transaction_id.empty()) {
    return "has a payment that contradicts its status";
  }
  return {};
}

}  // namespace

Result<> State::restore(const Sale& sale) {
  Parts& in = *parts_;
  if (sale.no.value != in.sales.size()) {
    return fail("sale " + quote(sale.id) + " of the record has number " +
                std::to_string(sale.no.value) + " where " + std::to_string(in.sales.size()) +
                " was due; restore the record from a backup");
  }
  if (!valid_catalog_id(sale.id) || in.sale_by_id.contains(sale.id)) {
    return fail("sale " + quote(sale.id) + " of the record has an id that is not valid or not " +
                "unique; restore the record from a backup");
  }
  in.sales.push_back(sale);
  in.items_of_sale.push_back(0);
  in.sale_by_id.emplace(sale.id, sale.no);
  return {};
}

Result<> State::restore(const Item& item) {
  Parts& in = *parts_;
  if (item.no.value != in.items.size() || item.sale.value >= in.sales.size()) {
    return fail("item " + quote(item.id) + " of the record has number " +
                std::to_string(item.no.value) + " where " + std::to_string(in.items.size()) +
                " was due, or no sale; restore the record from a backup");
  }
  if (!valid_catalog_id(item.id) || in.item_by_id.contains(item.id)) {
    return fail("item " + quote(item.id) + " of the record has an id that is not valid or not " +
                "unique; restore the record from a backup");
  }
  in.items.push_back(item);
  ++in.items_of_sale[item.sale.value];
  in.item_by_id.emplace(item.id, item.no);
  return {};
}

Result<> State::restore(const StoredOrder& stored) {
  Parts& in = *parts_;
  if (stored.id <= in.orders.last_id()) return wrong_order(stored.id, "is out of order");
  if (stored.item.value >= in.items.size()) return wrong_order(stored.id, "is of an unknown item");
  if (const std::string_view flaw = flaw_of(stored); !flaw.empty()) {
    return wrong_order(stored.id, flaw);
  }
  if (stored.request && in.requests.find(stored.request) != kNoOrder) {
    return wrong_order(stored.id, "has the request key of another order");
  }
  Order order;
  order.id = stored.id;
  order.amount = stored.amount;
  order.created_at = stored.created_at;
  order.expires_at = stored.expires_at;
  order.item = stored.item;
  order.quantity = static_cast<std::int32_t>(stored.quantity);
  order.status = stored.status;
  order.reason = stored.reason;
  order.close_attempts = stored.close_attempts;
  order.unit_sold = stored.unit_sold;
  const OrderSlot slot = in.add_order(order, in.users.key(stored.user), stored.request);
  if (!stored.transaction_id.empty()) {
    in.settlements.add(
        slot, Settlement{std::string{stored.transaction_id}, stored.paid_at, stored.paid_amount});
  }
  return {};
}

void State::finish_restore(Instant now, Effects& effects) {
  Parts& in = *parts_;
  struct Units {
    Quantity held, sold;
  };
  std::vector<Units> counted(in.items.size());
  for (OrderSlot slot = 0; slot < in.orders.size(); ++slot) {
    const Order& order = in.orders[slot];
    Units& units = counted[order.item.value];
    if (holds_unit(order.status)) units.held += Quantity{order.quantity};
    if (order.unit_sold) units.sold += Quantity{order.quantity};
    if (order.status == OrderStatus::closing) {
      if (in.settings.has_gateway) {
        effects.closes.push_back(ClosePayment{order.id});
      } else {
        in.close_retries.plan(slot, now);
      }
    }
    if (order.status == OrderStatus::refunding && in.settings.has_gateway) {
      effects.refunds.push_back(in.refund_of(slot));
    }
  }
  for (Item& item : in.items) {
    const Units& units = counted[item.no.value];
    if (!item.counters.conserved()) {
      in.freeze(item, "its units do not add up", effects);
    } else if (units.held != item.counters.held || units.sold != item.counters.sold) {
      in.freeze(item,
                "its orders hold " + std::to_string(units.held.units) + " and own " +
                    std::to_string(units.sold.units) + " units",
                effects);
    }
  }
  for (const Sale& sale : in.sales) {
    if (sale.cancelled) in.sweep_end = in.orders.size();
  }
}

}  // namespace sluice::sale
