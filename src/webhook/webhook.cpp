// Names of events and states.
#include "webhook/webhook.h"

#include <array>
#include <utility>

namespace sluice::webhook {

namespace {

constexpr std::array<std::pair<EventType, std::string_view>, 6> kTypes{
    {{EventType::order_paid, "order.paid"},
     {EventType::order_expired, "order.expired"},
     {EventType::order_cancelled, "order.cancelled"},
     {EventType::order_refunded, "order.refunded"},
     {EventType::item_sold_out, "item.sold_out"},
     {EventType::ping, "ping"}}};

}  // namespace

std::string_view to_text(EventType type) {
  for (const auto& [known, name] : kTypes) {
    if (known == type) return name;
  }
  return "unknown";
}

std::optional<EventType> parse_event_type(std::string_view text) {
  for (const auto& [type, name] : kTypes) {
    if (name == text && type != EventType::ping) return type;
  }
  return std::nullopt;
}

std::vector<EventType> EventSet::list() const {
  std::vector<EventType> types;
  for (const auto& [type, name] : kTypes) {
    if (type != EventType::ping && has(type)) types.push_back(type);
  }
  return types;
}

std::string EventSet::text() const {
  std::string words;
  for (const EventType type : list()) {
    if (!words.empty()) words += ", ";
    words += to_text(type);
  }
  return words;
}

std::string_view to_text(DeliveryState state) {
  switch (state) {
    case DeliveryState::ready:
    case DeliveryState::waiting:
      return "pending";
    case DeliveryState::delivered:
      return "delivered";
    case DeliveryState::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace sluice::webhook
