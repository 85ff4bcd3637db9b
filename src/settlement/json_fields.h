// A JSON object as flat fields: {"amount":{"total":1}} reads as "amount.total" = "1".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::settlement {

/// Text, and numbers and booleans as they were written; null and empty text are left out. Arrays
/// are passed over with what they hold. Errors: not JSON, not an object, the same field twice,
/// deeper than kMaxFieldDepth.
Result<std::map<std::string, std::string, std::less<>>> read_fields(std::string_view json);
inline constexpr std::size_t kMaxFieldDepth = 8;

}  // namespace sluice::settlement
