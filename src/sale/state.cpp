// Reading the state, and the effects that every command goes through.
#include "sale/state.h"

#include <algorithm>

#include "base/assert.h"
#include "sale/parts.h"

namespace sluice::sale {

State::Parts::Parts(const Settings& chosen)
    : settings(chosen),
      users(chosen.hash_seed),
      orders(chosen.node),
      settlements(sip_key(chosen.hash_seed)) {
  SLUICE_ASSERT(settings.max_close_attempts > 0, "at least one attempt to close a payment");
  SLUICE_ASSERT(settings.first_close_retry > Span{} &&
                    settings.last_close_retry >= settings.first_close_retry,
                "close retries that wait");
}

State::State(const Settings& settings) : parts_(std::make_unique<Parts>(settings)) {}
State::~State() = default;
State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;

std::span<const Sale> State::sales() const {
  return parts_->sales;
}
std::span<const Item> State::items() const {
  return parts_->items;
}

const Sale* State::find_sale(std::string_view id) const {
  const auto found = parts_->sale_by_id.find(id);
  return found == parts_->sale_by_id.end() ? nullptr : &parts_->sales[found->second.value];
}

const Item* State::find_item(std::string_view id) const {
  const auto found = parts_->item_by_id.find(id);
  return found == parts_->item_by_id.end() ? nullptr : &parts_->items[found->second.value];
}

std::uint32_t State::order_count() const {
  return parts_->orders.size();
}

const Order& State::order(OrderSlot slot) const {
  SLUICE_ASSERT(slot < parts_->orders.size(), "a slot that holds an order");
  return parts_->orders[slot];
}

OrderSlot State::find_order(OrderId id) const {
  return parts_->orders.find(id);
}

std::string_view State::user_name(UserNo user) const {
  return parts_->users.name(user);
}
std::uint32_t State::user_count() const {
  return parts_->users.size();
}

OrderSlot State::newest_order_of(std::string_view user) const {
  const auto found = parts_->users.find(parts_->users.key(user));
  return found ? parts_->users[*found].newest : kNoOrder;
}

const Settlement* State::settlement(OrderSlot slot) const {
  return parts_->settlements.find(slot);
}

RequestKey State::request_key(OrderSlot slot) const {
  return parts_->requests.key_of(slot);
}

std::optional<Instant> State::next_pulse() const {
  if (parts_->sweep_at != parts_->sweep_end) return Instant{};
  const std::optional<Instant> deadline = parts_->deadlines.next();
  const std::optional<Instant> retry = parts_->close_retries.next();
  if (deadline && retry) return std::min(*deadline, *retry);
  return deadline ? deadline : retry;
}

State::Memory State::memory() const {
  Memory memory;
  memory.users = parts_->users.bytes();
  memory.orders =
      parts_->orders.bytes() + parts_->deadlines.bytes() + parts_->close_retries.bytes();
  memory.requests = parts_->requests.bytes();
  memory.settlements = parts_->settlements.bytes();
  return memory;
}

OrderSlot State::Parts::order_of(OrderId id, std::string_view user) const {
  const OrderSlot slot = orders.find(id);
  return slot != kNoOrder && users.name(orders[slot].user) == user ? slot : kNoOrder;
}

void State::Parts::touch(ItemNo no, Effects& effects) {
  if (effects.items.empty() || effects.items.back() != no) effects.items.push_back(no);
  Item& item = items[no.value];
  if (!item.counters.conserved()) freeze(item, "its units do not add up", effects);
}

void State::Parts::touch(SaleNo no, Effects& effects) {
  effects.sales.push_back(no);
}

void State::Parts::freeze(Item& item, std::string_view what, Effects& effects) {
  if (item.frozen) return;
  item.frozen = true;
  effects.items.push_back(item.no);
  const Counters& units = item.counters;
  effects.alarms.push_back(
      "item " + item.id + " is frozen: " + std::string{what} + ": stock " +
      std::to_string(units.stock.units) + ", available " + std::to_string(units.available.units) +
      ", held " + std::to_string(units.held.units) + ", sold " + std::to_string(units.sold.units) +
      ", refunded " + std::to_string(units.refunded.units) +
      "; compare its orders with `sluice verify`");
}

std::string alarm_of(OrderId order, std::string_view what) {
  return "order " + to_text(order) + ": " + std::string{what};
}

}  // namespace sluice::sale
