// Looks over a document before the XML library does, so that nothing hostile ever reaches it.
#pragma once

#include <string_view>

#include "base/result.h"

namespace sluice::payment {

/// Whether `document` holds nothing but what parse_xml says that it takes, as far as markup goes:
/// size, depth, number of fields, encoding, entities. One pass, no memory. The error names the
/// offence, the place and the limit.
Result<> scan_xml(std::string_view document);

}  // namespace sluice::payment
