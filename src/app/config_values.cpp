// Types of keys: their words for people, and their checks.
#include "app/config_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace sluice::app {

namespace {

bool is_choice(const Key& key, std::string_view word) {
  const auto choices = split(key.choices);
  return std::ranges::find(choices, word) != choices.end();
}

}  // namespace

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

std::string bounds_of(const Key& key) {
  switch (key.type) {
    case KeyType::integer:
      return fmt::format("a whole number from {} to {}", key.least, key.most);
    case KeyType::boolean:
      return "true or false";
    case KeyType::duration:
      return "a duration such as 500ms, 90s or 2h";
    case KeyType::choice:
      return fmt::format("one of {}", key.choices);
    case KeyType::list:
      if (key.choices.empty()) return "a list of words, comma-separated";
      return fmt::format("any of {}", key.choices);
    case KeyType::endpoint:
      return "HOST:PORT with a numeric host";
    case KeyType::text:
    case KeyType::path:
      break;
  }
  return "text without control characters";
}

bool valid_value(const Key& key, const std::string& value) {
  switch (key.type) {
    case KeyType::integer: {
      const auto number = parse_uint(value, key.most);
      return number && *number >= key.least;
    }
    case KeyType::boolean:
      return value == "true" || value == "false";
    case KeyType::duration:
      return parse_span(value).has_value();
    case KeyType::choice:
      return is_choice(key, value);
    case KeyType::list: {
      const auto words = split(value);
      if (key.choices.empty()) return valid_utf8(value) && !has_control(value);
      return !words.empty() && std::ranges::all_of(words, [&key](std::string_view word) {
        return is_choice(key, word);
      });
    }
    case KeyType::endpoint:
      return (value.empty() && key.fallback.empty()) || parse_endpoint(value).has_value();
    case KeyType::text:
    case KeyType::path:
      return key.secret || (valid_utf8(value) && !has_control(value));
  }
  return false;
}

}  // namespace sluice::app
