// The OpenAPI document, embedded from openapi.json when the room is built.
#pragma once

#include <string_view>

namespace sluice::api {

extern const std::string_view kOpenApi;

}  // namespace sluice::api
