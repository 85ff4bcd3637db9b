// Text that a stranger may have written, made safe for HTML.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// `text` for HTML text and quoted attribute values: `&`, `<`, `>` and both quotes as entities,
/// control characters but the line feed as blanks.
std::string escape_html(std::string_view text);

}  // namespace sluice
