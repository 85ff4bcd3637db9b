// Comma-separated values (RFC 4180) with a header row.
#pragma once

#include <string_view>

#include "base/result.h"
#include "import/source.h"

namespace sluice::importing {

/// Feeds every record after the header to `sink`. Accepts CRLF and LF, quoted cells with doubled
/// quotes and line breaks, and a UTF-8 byte order mark. Records of a wrong width or with stray
/// quotes are left out; an unclosed quote or a passed bound is an error, since nothing after it can
/// be trusted.
Result<> read_csv(std::string_view text, Sink& sink);

}  // namespace sluice::importing
