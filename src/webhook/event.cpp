// Bodies of events.
#include "webhook/event.h"

#include <fmt/format.h>

#include <utility>

#include "base/ids.h"

namespace sluice::webhook {

namespace {

using sale::EndReason;
using sale::HistoryEvent;
using sale::OrderStatus;

/// The order as the event left it: what came after belongs to the next event.
sale::OrderView as_of(const store::Change& change) {
  sale::OrderView order = change.order;
  switch (change.event) {
    case HistoryEvent::expired:
    case HistoryEvent::cancelled: {
      const bool expired = change.event == HistoryEvent::expired;
      const OrderStatus then = expired ? OrderStatus::expired : OrderStatus::cancelled;
      // Late money overwrites why it was given up.
      if (order.status != then) order.reason = expired ? EndReason::deadline : EndReason::none;
      order.status = then;
      order.paid_at.reset();
      order.transaction_id.clear();
      break;
    }
    case HistoryEvent::refunded:
      order.status = OrderStatus::refunded;
      break;
    default:
      order.status = OrderStatus::paid;
      order.reason = EndReason::none;
  }
  return order;
}

EventType type_of(HistoryEvent event) {
  switch (event) {
    case HistoryEvent::expired:
      return EventType::order_expired;
    case HistoryEvent::cancelled:
      return EventType::order_cancelled;
    case HistoryEvent::refunded:
      return EventType::order_refunded;
    default:
      return EventType::order_paid;
  }
}

http::JsonWriter& begin(http::JsonWriter& json, const Event& event) {
  json.begin_object().member("id", event.id).member("type", to_text(event.type));
  return json.member("created_at", event.at);
}

Event order_event(const store::Change& change, OrderWriter write_order) {
  Event event;
  // With its time, so that an older record that was put back does not use ids again.
  event.id = fmt::format("evt_{}_{}", change.sequence, change.at.ms);
  event.type = type_of(change.event);
  event.subject = sluice::to_text(change.order.id);
  event.at = change.at;
  http::JsonWriter json(event.body);
  begin(json, event).member("user", change.order.user).key("order");
  write_order(json, as_of(change));
  json.end_object();
  return event;
}

Event item_event(const store::SoldOutItem& item, std::int64_t head, Instant now) {
  Event event;
  event.id = fmt::format("evt_{}_{}_{}", head, item.no.value, now.ms);
  event.type = EventType::item_sold_out;
  event.subject = item.id;
  event.at = now;
  http::JsonWriter json(event.body);
  begin(json, event).key("item").begin_object();
  json.member("id", item.id).member("sale_id", item.sale_id).member("title", item.title);
  json.member("image_url", item.image_url).member("description", item.description);
  json.member("price", item.price.minor).member("list_price", item.list_price.minor);
  json.member("currency", item.currency.code()).member("stock", item.stock);
  json.member("available", 0).member("sold_out", true);
  json.member("per_user_limit", item.per_user_limit);
  json.member("starts_at", item.starts_at).member("ends_at", item.ends_at);
  json.end_object().end_object();
  return event;
}

}  // namespace

std::vector<Event> events_of(const store::Changes& changes, OrderWriter write_order, Instant now) {
  std::vector<Event> events;
  events.reserve(changes.changes.size() + changes.sold_out.size());
  for (const store::Change& change : changes.changes)
    events.push_back(order_event(change, write_order));
  for (const store::SoldOutItem& item : changes.sold_out)
    events.push_back(item_event(item, changes.head, now));
  return events;
}

Event ping_event(std::int64_t number, Instant now) {
  Event event;
  event.id = fmt::format("evt_ping_{}_{}", now.ms, number);
  event.type = EventType::ping;
  event.subject = "ping";
  event.at = now;
  http::JsonWriter json(event.body);
  begin(json, event).end_object();
  return event;
}

}  // namespace sluice::webhook
