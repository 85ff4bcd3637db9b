// Reads the JSON bodies that the sandbox is sent: strict syntax, no key twice, texts in UTF-8.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::sandbox {

inline constexpr std::size_t kMaxJsonDepth = 8;

/// One JSON object. Errors: syntax, depth, UTF-8, a key twice, not an object.
Result<boost::json::object> parse_object(std::string_view text);

/// Errors: a key that is not in `known`, with the nearest that is.
Result<> only_keys(const boost::json::object& object, std::string_view where,
                   std::initializer_list<std::string_view> known);

/// The whole number under `name`, or `otherwise` where it is absent. Errors: no whole number, or
/// outside [least, most].
Result<std::int64_t> whole_number(const boost::json::object& object, std::string_view name,
                                  std::int64_t least, std::int64_t most, std::int64_t otherwise);

/// Errors: neither true nor false.
Result<bool> truth(const boost::json::object& object, std::string_view name);

/// The object under `name`; null where it is absent. Errors: something else.
Result<const boost::json::object*> child(const boost::json::object& object, std::string_view name);

/// The text under `name`; empty where it is absent or no text.
std::optional<std::string_view> text_of(const boost::json::object& object, std::string_view name);

}  // namespace sluice::sandbox
