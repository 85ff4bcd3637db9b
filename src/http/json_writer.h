// Appends JSON to a string without building a tree: the answers of the hot path.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/instant.h"

namespace sluice::http {

/// Commas are placed by the writer; nesting is the caller's duty (begin/end calls must pair).
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  /// `name` must be a literal that needs no escaping.
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);  ///< escaped; `text` is valid UTF-8
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(double number);  ///< null where JSON has no number for it
  JsonWriter& value(bool truth);
  JsonWriter& value(Instant at);  ///< RFC 3339
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);  ///< already JSON

  /// The other integer types, so that a literal is not ambiguous.
  template <std::integral T>
  JsonWriter& value(T number) {
    if constexpr (std::signed_integral<T>) {
      return value(static_cast<std::int64_t>(number));
    } else {
      return value(static_cast<std::uint64_t>(number));
    }
  }

  template <class T>
  JsonWriter& member(std::string_view name, const T& member_value) {
    key(name);
    return value(member_value);
  }

 private:
  void separate();
  std::string& out_;
  bool first_ = true;
};

}  // namespace sluice::http
