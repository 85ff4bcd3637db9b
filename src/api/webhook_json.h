// Endpoints and deliveries as JSON, for operators.
#pragma once

#include <string_view>

#include "http/json_writer.h"
#include "webhook/webhook.h"

namespace sluice::api {

/// `secret` is shown where it is not empty: once, to whoever made it.
void write_endpoint(http::JsonWriter& json, const webhook::EndpointState& state,
                    std::string_view secret = {});

/// With `whole` also its body and its attempts.
void write_delivery(http::JsonWriter& json, const webhook::Delivery& delivery, bool whole);

}  // namespace sluice::api
