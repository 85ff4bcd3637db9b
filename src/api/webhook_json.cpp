// The members of endpoints and deliveries.
#include "api/webhook_json.h"

#include <optional>

namespace sluice::api {

namespace {

void optional_member(http::JsonWriter& json, std::string_view name,
                     const std::optional<Instant>& at) {
  json.key(name);
  if (at) {
    json.value(*at);
  } else {
    json.null();
  }
}

/// What came of an attempt; null where there was no answer, or no error.
void result_members(http::JsonWriter& json, std::string_view status_name, int status,
                    std::string_view error_name, std::string_view error) {
  json.key(status_name);
  if (status != 0) {
    json.value(status);
  } else {
    json.null();
  }
  json.key(error_name);
  if (!error.empty()) {
    json.value(error);
  } else {
    json.null();
  }
}

}  // namespace

void write_endpoint(http::JsonWriter& json, const webhook::EndpointState& state,
                    std::string_view secret) {
  const webhook::Endpoint& endpoint = state.endpoint;
  json.begin_object().member("id", endpoint.id).member("url", endpoint.url);
  json.key("events").begin_array();
  for (const webhook::EventType type : endpoint.events.list())
    json.value(to_text(type));
  json.end_array().member("description", endpoint.description);
  json.member("configured", endpoint.id == webhook::kConfiguredId);
  json.member("paused", endpoint.paused).member("created_at", endpoint.created_at);
  json.member("pending", state.pending).member("failed", state.failed);
  json.member("failures_in_a_row", state.failures);
  optional_member(json, "held_until", state.resumes_at);
  if (!secret.empty()) json.member("secret", secret);
  json.end_object();
}

void write_delivery(http::JsonWriter& json, const webhook::Delivery& delivery, bool whole) {
  json.begin_object().member("sequence", delivery.no).member("event_id", delivery.event_id);
  json.member("type", to_text(delivery.type)).member("subject", delivery.subject);
  json.member("state", to_text(delivery.state)).member("created_at", delivery.created_at);
  const bool waits = delivery.state == webhook::DeliveryState::waiting;
  json.member("waits_for_earlier", waits);
  const bool open = waits || delivery.state == webhook::DeliveryState::ready;
  optional_member(json, "next_attempt_at",
                  open ? std::optional(delivery.next_at) : std::optional<Instant>{});
  optional_member(json, "finished_at", delivery.finished_at);
  json.member("attempts", delivery.attempts);
  result_members(json, "last_status", delivery.last_status, "last_error", delivery.last_error);
  if (whole) {
    json.key("log").begin_array();
    for (const webhook::Attempt& attempt : delivery.log) {
      json.begin_object().member("at", attempt.at).member("took_ms", attempt.took.ms);
      result_members(json, "status", attempt.status, "error", attempt.error);
      json.end_object();
    }
    json.end_array().key("body").raw(delivery.body);
  }
  json.end_object();
}

}  // namespace sluice::api
