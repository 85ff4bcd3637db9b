// Builds a small state of what the commands need, lets the core decide, and encodes what it did.
#include <algorithm>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/assert.h"
#include "store/cluster_plan.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Outcome;

/// The transaction that a command may settle an order with; empty: none.
std::string_view transaction_named(const sale::Command& command) {
  if (const auto* paid = std::get_if<sale::PaymentSucceeded>(&command)) return paid->transaction_id;
  if (const auto* resolve = std::get_if<sale::Resolve>(&command)) return resolve->evidence;
  const auto* closed = std::get_if<sale::PaymentClosed>(&command);
  if (closed != nullptr && closed->payment) return closed->payment->transaction_id;
  return {};
}

sale::Outcome apply_one(sale::State& state, const sale::Command& command, Instant now,
                        sale::Effects& effects, Applied& applied) {
  return std::visit(
      [&](const auto& one) -> sale::Outcome {
        using Kind = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Kind, sale::Grab>) {
          SLUICE_ASSERT(false, "grabs of a cluster are reservations, see grant()");
          return sale::GrabOutcome::unknown_item;
        } else if constexpr (std::is_same_v<Kind, sale::OpenSale>) {
          SaleNo sale{};
          const auto outcome = state.apply(one, now, effects, sale);
          if (outcome == sale::OpenSaleOutcome::opened) applied.sale = sale;
          return outcome;
        } else if constexpr (std::is_same_v<Kind, sale::AddItem>) {
          ItemNo item{};
          const auto outcome = state.apply(one, now, effects, item);
          if (outcome == sale::AddItemOutcome::added) applied.item = item;
          return outcome;
        } else {
          return state.apply(one, now, effects);
        }
      },
      command);
}

}  // namespace

OrderId order_named(const sale::Command& command) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.order.value; }) {
          return OrderId{one.order};
        } else {
          return OrderId{};
        }
      },
      command);
}

Outcome<> CommandPlan::read(Connection& connection, const Heads& heads) {
  batch_.reset();
  context_ = {};
  orders_.clear();
  applied_ = {};
  Outcome<> found;
  if (scope_ == Scope::orders) found = read_named(connection);
  if (scope_ == Scope::overdue) found = read_overdue(connection);
  if (!found) return found;
  sale::State state(settings_);
  if (auto filled = fill(connection, state); !filled) return filled;
  sale::Effects effects;
  run(state, effects);
  const bool writes = !effects.orders.empty() || !effects.items.empty() || !effects.sales.empty() ||
                      !effects.audits.empty();
  if (writes) {
    encoder_.begin_at(heads);
    encoder_.begin_with(std::move(events_));
    batch_ = encoder_.encode(effects, state, now_);
  }
  applied_.closes = std::move(effects.closes);
  applied_.refunds = std::move(effects.refunds);
  applied_.alarms = std::move(effects.alarms);
  return {};
}

Outcome<> CommandPlan::select(Connection& connection, const OrderQuery& query) {
  return read_orders(connection, query, [this](OrderRow& row) -> Result<> {
    if (row.was_granted()) orders_.emplace(row.id, std::move(row));
    return {};
  });
}

Outcome<> CommandPlan::read_named(Connection& connection) {
  OrderQuery named, settled, of_users;
  for (const sale::Command& command : commands_) {
    if (const OrderId order = order_named(command); order.value != 0) {
      named.numbers.push_back(order.value);
    }
    if (const auto id = transaction_named(command); !id.empty()) settled.texts.push_back(id);
  }
  named.conditions = "id IN (" + placeholders(named.numbers.size()) + ")";
  if (auto read = select(connection, named); !read) return read;
  // Whether money that comes late may still buy: what else the shopper holds and owns.
  std::set<std::string> users;
  for (const auto& [id, row] : orders_)
    users.insert(row.user);
  of_users.texts.assign(users.begin(), users.end());
  of_users.conditions =
      "`user` IN (" + placeholders(users.size()) + ") AND (status IN (2,3,4) OR unit_sold = 1)";
  if (auto read = select(connection, of_users); !read) return read;
  settled.conditions = "transaction_id IN (" + placeholders(settled.texts.size()) + ")";
  return select(connection, settled);
}

Outcome<> CommandPlan::read_overdue(Connection& connection) {
  OrderQuery due;
  due.conditions =
      "id IN (SELECT id FROM (SELECT id FROM orders WHERE status = 2 AND expires_at <= ? ORDER BY "
      "expires_at LIMIT ?) AS due)";
  due.numbers = {now_.ms, most_};
  if (auto read = select(connection, due); !read) return read;
  const auto cancelled = connection.integer("SELECT COUNT(*) FROM sale WHERE cancelled <> 0");
  if (!cancelled) return std::unexpected(cancelled.error());
  if (*cancelled == 0 || orders_.size() >= most_) return {};
  OrderQuery given_up;
  given_up.conditions =
      "id IN (SELECT id FROM (SELECT id FROM orders WHERE status = 2 AND sale_no IN (SELECT no "
      "FROM "
      "sale WHERE cancelled <> 0) LIMIT ?) AS given_up)";
  given_up.numbers = {static_cast<std::int64_t>(most_ - orders_.size())};
  return select(connection, given_up);
}

/// With its own counters a state knows whether they agree with the orders in it.
void CommandPlan::count_units(sale::Item& item) const {
  sale::Counters& units = item.counters;
  units.held = units.sold = Quantity{};
  for (const auto& [id, row] : orders_) {
    if (row.item_no != std::int64_t{item.no.value}) continue;
    if (row.holds()) units.held += Quantity{row.quantity};
    if (row.unit_sold) units.sold += Quantity{row.quantity};
  }
  units.stock = units.available + units.held + units.sold;
}

Outcome<> CommandPlan::fill(Connection& connection, sale::State& state) {
  std::set<std::int64_t> wanted_items, wanted_sales;
  for (const auto& [id, row] : orders_) {
    wanted_items.insert(row.item_no);
    wanted_sales.insert(row.sale_no);
  }
  const bool whole = scope_ == Scope::catalog;
  events_ = {};
  if (!whole && orders_.empty()) return {};
  auto sales = read_sales(connection, std::vector(wanted_sales.begin(), wanted_sales.end()));
  if (!sales) return std::unexpected(sales.error());
  auto items = read_items(connection, std::vector(wanted_items.begin(), wanted_items.end()));
  if (!items) return std::unexpected(items.error());

  std::map<std::int64_t, std::uint32_t> local_sale, local_item;
  for (sale::Sale& sale : *sales) {
    const std::int64_t number = sale.no.value;
    sale.no = SaleNo{static_cast<std::uint32_t>(local_sale.size())};
    local_sale.emplace(number, sale.no.value);
    context_.sale_no.push_back(number);
    if (auto done = state.restore(sale); !done) {
      return std::unexpected(damaged("sale", number, done.error().message));
    }
  }
  for (sale::Item& item : *items) {
    const std::int64_t number = item.no.value;
    const auto sale = local_sale.find(item.sale.value);
    if (sale == local_sale.end()) {
      return std::unexpected(damaged("item", number, "its sale is not its orders' sale"));
    }
    if (!whole) count_units(item);
    context_.before[number] = item.counters;
    item.no = ItemNo{static_cast<std::uint32_t>(local_item.size())};
    item.sale = SaleNo{sale->second};
    local_item.emplace(number, item.no.value);
    context_.item_no.push_back(number);
    if (auto done = state.restore(item); !done) {
      return std::unexpected(damaged("item", number, done.error().message));
    }
  }
  for (const auto& [id, row] : orders_) {
    const auto item = local_item.find(row.item_no);
    if (item == local_item.end()) return std::unexpected(damaged("orders", id, "unknown item"));
    if (auto done = state.restore(row.stored(ItemNo{item->second})); !done) {
      return std::unexpected(damaged("orders", id, done.error().message));
    }
    events_.resize(state.order_count());
    events_.set(state.order_count() - 1, row.last_event);
  }
  if (whole) {
    // New ones are numbered after these, and the numbers are the record's.
    context_.item_no.clear();
    context_.sale_no.clear();
  }
  return {};
}

void CommandPlan::run(sale::State& state, sale::Effects& effects) {
  if (scope_ == Scope::overdue) {
    state.finish_restore(now_, effects);  // makes it look for orders of cancelled sales
    sale::PulseOutcome pulse = state.apply(sale::Pulse{most_}, now_, effects);
    // The state has no more orders than were read.
    pulse.more = orders_.size() >= most_;
    applied_.outcomes.emplace_back(pulse);
    applied_.statuses.push_back(sale::OrderStatus::failed);
    return;
  }
  for (const sale::Command& command : commands_) {
    applied_.outcomes.push_back(apply_one(state, command, now_, effects, applied_));
    const sale::OrderSlot slot = state.find_order(order_named(command));
    applied_.statuses.push_back(slot == sale::kNoOrder ? sale::OrderStatus::failed
                                                       : state.order(slot).status);
  }
}

}  // namespace sluice::store
