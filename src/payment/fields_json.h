// The provider's fields as a JSON object of texts: what messages carry and the ledger keeps.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "payment/gateway.h"

namespace sluice::payment {

/// In the order of the fields; the first of a repeated name counts. Errors: not UTF-8.
Result<std::string> fields_to_json(const Fields& fields);
/// What fields_to_json wrote. Errors: anything else.
Result<Fields> fields_from_json(std::string_view json);

}  // namespace sluice::payment
