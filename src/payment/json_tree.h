// Reads members of the provider's JSON strictly: exact types, and empty for what is not there.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "payment/gateway.h"

namespace sluice::payment {

/// Errors: not one JSON object in UTF-8, nested deeper than any document of a provider.
Result<boost::json::object> parse_object(std::string_view text);

const boost::json::object* object_in(const boost::json::object& parent, std::string_view name);
/// The text of that member; empty where it is absent or no text.
std::string text_in(const boost::json::object& parent, std::string_view name);
/// A whole number of at least 0, written as one.
std::optional<std::int64_t> whole_in(const boost::json::object& parent, std::string_view name);

/// Every member as a field; those of nested objects get "outer.inner", lists stay JSON.
Fields flatten(const boost::json::object& tree);

}  // namespace sluice::payment
