// Orders as the control shows them.
#pragma once

#include <string_view>

#include "http/json_writer.h"
#include "sandbox/book.h"

namespace sluice::sandbox {

/// Without the history.
void write_summary(http::JsonWriter& json, const Order& order, std::string_view base_url);
/// With events, refunds and every notification attempt.
void write_detail(http::JsonWriter& json, const Order& order, std::string_view base_url);
void write_event(http::JsonWriter& json, const Event& event);

}  // namespace sluice::sandbox
