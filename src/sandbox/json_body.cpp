// Checks around Boost.JSON.
#include "sandbox/json_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <span>

#include "base/text.h"

namespace sluice::sandbox {

namespace json = boost::json;

namespace {

/// Boost.JSON keeps the last of two members of one name; two readers of one text could then see two
/// different things. Keeps the keys that a parser was given, per open object.
Result<json::value> parse_value(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return fail(fmt::format("the body is not JSON: {}", error.message()));
  return value;
}

/// Members of the text's objects, counted without a tree: names are what stands before a colon
/// outside of strings.
std::size_t count_members(std::string_view text) {
  std::size_t members = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && text[i] == ':') {
      ++members;
    }
  }
  return members;
}

std::size_t count_members(const json::value& value) {
  std::size_t members = 0;
  if (const json::object* object = value.if_object()) {
    members += object->size();
    for (const auto& [key, member] : *object)
      members += count_members(member);
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array)
      members += count_members(element);
  }
  return members;
}

}  // namespace

Result<json::object> parse_object(std::string_view text) {
  auto value = parse_value(text);
  if (!value) return std::unexpected(value.error());
  if (count_members(text) != count_members(*value)) {
    return fail("the body has a key twice; write each key once");
  }
  json::object* object = value->if_object();
  if (object == nullptr) return fail("the body is not a JSON object; write {…}");
  return std::move(*object);
}

Result<> only_keys(const json::object& object, std::string_view where,
                   std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object) {
    if (std::ranges::find(known, std::string_view(key)) != known.end()) continue;
    const auto near = nearest(key, std::span(known.begin(), known.size()));
    return fail(fmt::format("{}key {} is unknown{}", where, quote(key),
                            near ? fmt::format(", did you mean {}?", *near) : std::string()));
  }
  return {};
}

Result<std::int64_t> whole_number(const json::object& object, std::string_view name,
                                  std::int64_t least, std::int64_t most, std::int64_t otherwise) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return otherwise;
  const std::int64_t* number = value->if_int64();
  if (number == nullptr || *number < least || *number > most) {
    return fail(fmt::format("{} must be a whole number from {} to {}", name, least, most));
  }
  return *number;
}

Result<bool> truth(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return false;
  if (const bool* is = value->if_bool()) return *is;
  return fail(fmt::format("{} must be true or false", name));
}

Result<const json::object*> child(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return nullptr;
  if (const json::object* inner = value->if_object()) return inner;
  return fail(fmt::format("{} must be an object", name));
}

std::optional<std::string_view> text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string_view(*text);
}

}  // namespace sluice::sandbox
