// A JSON document as a tree that knows its line numbers and keeps numbers as they were written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "import/source.h"

namespace sluice::importing {

struct JsonNode {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  Line line = 0;
  std::string name;  ///< of a member of an object
  std::string text;  ///< string: decoded; number and boolean: as written
  std::vector<JsonNode> children;

  const JsonNode* member(std::string_view member_name) const;
};

/// Errors name the line: text that is not JSON or not UTF-8, more than kMaxJsonNodes values,
/// nesting above kMaxJsonDepth, a member that is there twice.
Result<JsonNode> parse_json(std::string_view text);

}  // namespace sluice::importing
