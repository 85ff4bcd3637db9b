// Comma-separated values (RFC 4180) that a spreadsheet cannot mistake for formulas.
#pragma once

#include <string>
#include <string_view>

namespace sluice::api {

/// Appends `cell`, quoted where needed. A cell that starts with = + - @, a tab or a carriage return
/// gets an apostrophe in front: spreadsheets would run it as a formula.
void append_cell(std::string& row, std::string_view cell);

}  // namespace sluice::api
