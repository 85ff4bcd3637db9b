// The inside of State: its data, and the steps that several commands share. The commands of one
// kind have a file of their own: grab, payments, operator, resolve, pulse, restore.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sale/deadlines.h"
#include "sale/order_book.h"
#include "sale/requests.h"
#include "sale/settlements.h"
#include "sale/state.h"
#include "sale/users.h"

namespace sluice::sale {

/// Lets a map of strings be asked with a view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

struct State::Parts {
  explicit Parts(const Settings& settings);

  Settings settings;
  std::vector<Sale> sales;
  std::vector<Item> items;
  std::vector<std::uint32_t> items_of_sale;  ///< how many items each sale has
  TextMap<SaleNo> sale_by_id;
  TextMap<ItemNo> item_by_id;
  UserTable users;
  OrderBook orders;
  RequestTable requests;
  SettlementTable settlements;
  Deadlines deadlines;
  CloseRetries close_retries;
  /// Slots still to be looked at for orders of cancelled sales; equal: nothing to do.
  OrderSlot sweep_at = 0;
  OrderSlot sweep_end = 0;

  Item& item_of(const Order& order) { return items[order.item.value]; }
  Sale& sale_of(const Item& item) { return sales[item.sale.value]; }

  /// The order, if there is one and it is this shopper's; else kNoOrder.
  OrderSlot order_of(OrderId id, std::string_view user) const;

  // Effects ---------------------------------------------------------------------------------------
  /// Names the item in the effects and checks its conservation: call after every change of
  /// counters.
  void touch(ItemNo item, Effects& effects);
  void touch(SaleNo sale, Effects& effects);
  /// Marks the item as broken and says so, unless it is frozen already.
  void freeze(Item& item, std::string_view what, Effects& effects);

  // The shopper's orders that count: those that hold or own units. Walking them is bounded by the
  // units the shopper holds or bought, however many orders were given up before. -----------------
  void start_counting(OrderSlot slot);
  void stop_counting(OrderSlot slot);
  /// The shopper's order that holds a unit in this sale (there is one at most), or kNoOrder.
  OrderSlot held_order_in(UserNo user, SaleNo sale) const;
  /// Units of the item over the shopper's counting orders.
  Quantity counted_units(UserNo user, ItemNo item) const;

  /// Adds an item whose draft and id have been checked.
  ItemNo add_item(const ItemDraft& draft, std::string id, SaleNo sale, const Operator& by,
                  Instant now, Effects& effects);

  // Transitions
  // ------------------------------------------------------------------------------------
  /// Adds the order to the book, to its shopper and to the item's counters.
  OrderSlot add_order(Order order, const UserTable::Key& user, const RequestKey& request);
  void note(OrderSlot slot, HistoryEvent event, Instant now, Effects& effects,
            std::string actor = {}, std::string detail = {});
  /// Begins to give up an order that holds a unit: at once without a gateway (true), or after the
  /// provider has closed the payment.
  bool give_up(OrderSlot slot, EndReason reason, Instant now, Effects& effects);
  void start_closing(OrderSlot slot, Instant now, Effects& effects, std::string actor = {});
  /// Puts the held units back on sale; the order ends by its reason.
  void end_order(OrderSlot slot, Instant now, Effects& effects, std::string actor = {});
  /// A held order becomes paid.
  void pay(OrderSlot slot, Settlement settlement, Instant now, Effects& effects,
           std::string actor = {});
  void start_refund(OrderSlot slot, EndReason reason, Instant now, Effects& effects,
                    std::string actor = {});
  /// What the provider is asked for an order in `refunding`.
  RefundPayment refund_of(OrderSlot slot);
  /// Counts an attempt to close that told nothing and plans the next, or lists it for a person.
  /// Its units stay held until a person decides.
  void await_person(OrderSlot slot, Instant now, Effects& effects);
  void close_failed(OrderSlot slot, Instant now, Effects& effects);

  /// Applies money to an order that has been given up: paid_late or refund_due.
  PaymentOutcome pay_late(OrderSlot slot, Settlement settlement, Instant now, Effects& effects);
};

/// "order No123: <what>" for alarms.
std::string alarm_of(OrderId order, std::string_view what);

}  // namespace sluice::sale
