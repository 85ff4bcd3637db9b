// Reads JSON bodies strictly: no duplicate or unknown keys, bounded depth, exact types, and errors
// that name the field.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "api/language.h"
#include "base/instant.h"

namespace sluice::api {

/// The deepest nesting that any body of the API has is 3.
inline constexpr std::size_t kMaxJsonDepth = 8;

/// Parses one JSON document. The error says what is wrong: syntax, depth, UTF-8, a duplicate key.
std::expected<boost::json::value, Text> parse_json(std::string_view body);

/// The first thing that was wrong with a document.
class JsonFaults {
 public:
  void refuse(const std::string& path, std::string_view en, std::string_view zh);
  const std::optional<Text>& first() const { return first_; }

 private:
  std::optional<Text> first_;
};

/// One object of a document and its place in it, such as "items[2]". Each getter marks what is
/// wrong in `faults` and then gives a value of no meaning.
class ObjectReader {
 public:
  /// Refuses `value` if it is no object or has a key that is not in `known`.
  ObjectReader(const boost::json::value& value, std::string path, JsonFaults& faults,
               std::initializer_list<std::string_view> known);

  bool has(std::string_view name) const { return find(name) != nullptr; }

  enum class Need : std::uint8_t { optional, required };
  enum class Lines : std::uint8_t { one, many, file };
  /// At most `max_bytes` without control characters; with many lines, line feeds and tabs are none;
  /// a file may have any.
  /// A required text may not be empty.
  std::string text(std::string_view name, std::size_t max_bytes, Need need,
                   Lines lines = Lines::one);
  /// A whole number in [min, max], or `otherwise` where it is absent; required without it.
  std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max,
                       std::optional<std::int64_t> otherwise);
  bool truth(std::string_view name, bool otherwise);
  Instant instant(std::string_view name);
  /// The id of a sale or an item: text, or a whole number for those who number theirs. Empty where
  /// it is absent.
  std::string id(std::string_view name);
  /// Null where it is absent or no array.
  const boost::json::array* array(std::string_view name, std::size_t max_size);

  std::string path(std::string_view name) const;
  JsonFaults& faults() { return *faults_; }

 private:
  const boost::json::value* find(std::string_view name) const;
  void missing(std::string_view name);

  const boost::json::object* object_ = nullptr;
  std::string path_;
  JsonFaults* faults_;
};

}  // namespace sluice::api
