// What the plan does with the texts of cells.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "import/source.h"

namespace sluice::importing {

/// Without blanks around it.
std::string_view trim(std::string_view text);

/// The cell without surrounding blanks; NULL and blank cells are both "says nothing".
std::string_view said(const Cell& cell);

/// Line breaks and tabs of a description have no place in one line of JSON or a table of text.
std::string one_line(std::string_view text);

/// Why `text` cannot be used as the field `name`; empty: it can.
std::string check_text(std::string_view text, std::size_t limit, const char* name);

}  // namespace sluice::importing
