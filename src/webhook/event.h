// Events and their bodies, made of changes of the record.
#pragma once

#include <string>
#include <vector>

#include "base/instant.h"
#include "http/json_writer.h"
#include "sale/views.h"
#include "store/tail.h"
#include "webhook/webhook.h"

namespace sluice::webhook {

struct Event {
  std::string id;  ///< the same however often it is made
  EventType type = EventType::ping;
  std::string subject;
  Instant at;
  std::string body;
};

/// Writes an order as the shopper API shows it.
using OrderWriter = void (*)(http::JsonWriter& json, const sale::OrderView& order);

/// The events of `changes`, oldest first. `now` dates what has no time of its own.
std::vector<Event> events_of(const store::Changes& changes, OrderWriter write_order, Instant now);

/// A test event with an id of its own.
Event ping_event(std::int64_t number, Instant now);

}  // namespace sluice::webhook
