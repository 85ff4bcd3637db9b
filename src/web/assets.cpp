// Which form of an asset a client can read.
#include "web/assets.h"

#include <algorithm>

#include "http/ascii.h"

namespace sluice::web {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// "q=0", "q=0.0" and so on: not wanted.
bool is_refused(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return false;
  return parameters.find_first_of("123456789", at) == std::string_view::npos;
}

}  // namespace

Coding negotiate_coding(std::string_view accept_encoding) {
  bool gzip = false;
  while (!accept_encoding.empty()) {
    const std::size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
    const std::string_view entry = accept_encoding.substr(0, end);
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
    const std::size_t semicolon = std::min(entry.find(';'), entry.size());
    if (is_refused(entry.substr(semicolon))) continue;
    const std::string_view name = trimmed(entry.substr(0, semicolon));
    if (http::equal_ignoring_case(name, "br")) return Coding::brotli;
    gzip = gzip || http::equal_ignoring_case(name, "gzip");
  }
  return gzip ? Coding::gzip : Coding::identity;
}

}  // namespace sluice::web
