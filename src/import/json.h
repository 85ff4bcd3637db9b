// Sales and rows written as JSON.
#pragma once

#include <string_view>

#include "base/result.h"
#include "import/source.h"

namespace sluice::importing {

/// Accepts a sale in the shape of the operator API, an array of such sales, {"sales":[…]}, or an
/// array of flat rows with the columns of a CSV file; one array may mix them. What has an "items"
/// member is a sale. Errors: text that is not JSON or not UTF-8, and passed bounds, with the line.
Result<> read_json(std::string_view text, Sink& sink);

}  // namespace sluice::importing
