// Webhooks: what the shop's own systems are told of orders and items, as this room's callers see
// it. docs/webhooks.md says what receivers see; docs/formats/webhooks.md how it is stored.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"

namespace sluice::webhook {

/// What an event tells. Stored: never renumber.
enum class EventType : std::uint8_t {
  order_paid = 1,
  order_expired = 2,
  order_cancelled = 3,
  order_refunded = 4,
  item_sold_out = 5,
  ping = 6,  ///< a test; every endpoint gets it, on demand
};

/// "order.paid" and so on.
std::string_view to_text(EventType type);
/// The inverse; empty for any other word.
std::optional<EventType> parse_event_type(std::string_view text);

/// A set of event types.
struct EventSet {
  std::uint32_t bits = 0;

  static constexpr EventSet all() { return EventSet{0b11'1110}; }
  constexpr void add(EventType type) { bits |= 1U << static_cast<unsigned>(type); }
  constexpr bool has(EventType type) const {
    return (bits >> static_cast<unsigned>(type) & 1U) != 0;
  }
  constexpr bool empty() const { return bits == 0; }
  constexpr auto operator<=>(const EventSet&) const = default;
  /// The words, with a comma and a blank between them.
  std::string text() const;
  std::vector<EventType> list() const;
};

// Bounds.
inline constexpr std::size_t kMaxEndpoints = 32;
inline constexpr std::size_t kMaxUrlBytes = 2048;
inline constexpr std::size_t kMaxDescriptionBytes = 256;
inline constexpr std::size_t kLeastSecretBytes = 16;
inline constexpr std::size_t kMaxSecretBytes = 256;
inline constexpr std::uint32_t kMaxDeliveriesPage = 200;
/// Deliveries that one endpoint may have waiting; what comes above is logged as failed.
inline constexpr std::int64_t kMaxPending = 1'000'000;
/// Deliveries in flight to one endpoint, so that one that hangs holds up no other.
inline constexpr std::size_t kAtOnce = 4;
/// Failed deliveries that one request sends again.
inline constexpr std::int64_t kMaxRedelivered = 10'000;
/// For how long a delivery is tried.
inline constexpr Span kKeepTrying = Span::seconds(24 * 3600);

/// The endpoint that the configuration names.
inline constexpr std::string_view kConfiguredId = "config";

struct Endpoint {
  std::int64_t no = 0;
  std::string id;
  std::string url;
  std::string secret;  ///< never shown but once, to whoever made it
  EventSet events;
  std::string description;
  bool paused = false;
  Instant created_at;
};

/// How an endpoint is doing.
struct EndpointState {
  Endpoint endpoint;
  std::int64_t pending = 0;
  std::int64_t failed = 0;            ///< given up and not redelivered
  std::uint32_t failures = 0;         ///< attempts that failed since the last that did not
  std::optional<Instant> resumes_at;  ///< nothing is sent before, because of those failures
};

struct EndpointDraft {
  std::string url;
  std::string secret;  ///< empty: one is made
  EventSet events = EventSet::all();
  std::string description;
};

/// Absent fields stay as they are.
struct EndpointChange {
  std::optional<std::string> url;
  std::optional<EventSet> events;
  std::optional<std::string> description;
  std::optional<bool> paused;
};

/// Stored: never renumber.
enum class DeliveryState : std::uint8_t {
  ready = 1,    ///< is, or will be, tried
  waiting = 2,  ///< behind an earlier one of the same order or item
  delivered = 3,
  failed = 4,  ///< given up
};
/// "pending", "delivered" or "failed".
std::string_view to_text(DeliveryState state);

struct Attempt {
  Instant at;
  int status = 0;  ///< of the answer; 0: there was none
  Span took;
  std::string error;  ///< empty: it was delivered
};

struct Delivery {
  std::int64_t no = 0;
  std::int64_t endpoint_no = 0;
  std::string event_id;
  EventType type = EventType::ping;
  std::string subject;  ///< "No…" of an order, the id of an item, "ping"
  DeliveryState state = DeliveryState::ready;
  std::string body;
  Instant created_at;
  Instant next_at;
  Instant until;  ///< a failure after this is the last
  std::optional<Instant> finished_at;
  std::int64_t attempts = 0;
  int last_status = 0;
  std::string last_error;
  std::vector<Attempt> log;  ///< oldest first; only where one delivery was asked for
};

enum class FaultKind : std::uint8_t {
  invalid,  ///< `message` says which value and why
  unknown_endpoint,
  unknown_delivery,
  configured,  ///< it comes from the configuration: change it there
  too_many,    ///< kMaxEndpoints
  not_failed,  ///< only a failed or delivered delivery is sent again
  storage,
};
struct Fault {
  FaultKind kind;
  std::string message;
};
template <class T>
using Outcome = std::expected<T, Fault>;

/// Since the start, and at present; for metrics.
struct Counts {
  std::uint64_t events = 0;
  std::uint64_t delivered = 0;
  std::uint64_t given_up = 0;
  std::uint64_t attempts_ok = 0;
  std::uint64_t attempts_refused = 0;  ///< answered, but not with 2xx
  std::uint64_t attempts_failed = 0;   ///< not answered
  std::uint64_t endpoints = 0;
  std::uint64_t endpoints_held = 0;  ///< paused, or held back after failures
  std::uint64_t pending = 0;
  std::uint64_t failed = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t behind = 0;  ///< rows of the history that were not looked at yet
  bool healthy = true;       ///< webhooks.db can be written and the record be read
};

}  // namespace sluice::webhook
