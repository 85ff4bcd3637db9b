// Opens a file, tells its format, and hands it to the right parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "import/source.h"

namespace sluice::importing {

enum class Format : std::uint8_t { csv, json, sql };
const char* to_text(Format format);
std::optional<Format> parse_format(std::string_view word);

/// By the ending of the name, else by the first characters of the text.
Format detect_format(std::string_view path, std::string_view text);

/// The whole file. Errors: it cannot be read, is a directory, or is above kMaxFileBytes.
Result<std::string> read_file(const std::string& path);

/// Feeds `text` to `sink`. `table` matters to dumps only. Errors name the line, not the file.
Result<> read_source(std::string_view text, Format format, std::string_view table, Sink& sink);

}  // namespace sluice::importing
