// Cookies and origins of a request.
#include "http/browser.h"

#include <algorithm>

#include "http/ascii.h"

namespace sluice::http {

namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view cookie(const Request& request, std::string_view name) {
  for (const Field& field : request.fields) {
    if (!equal_ignoring_case(field.name, "cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
        return pair.substr(equals + 1);
      }
    }
  }
  return {};
}

bool same_origin(const Request& request) {
  if (const auto origin = request.field("origin")) {
    const auto host = request.field("host");
    const std::size_t scheme = origin->find("://");
    if (!host || scheme == std::string_view::npos) return false;
    return equal_ignoring_case(origin->substr(scheme + 3), *host);
  }
  return request.field("sec-fetch-site") == "same-origin";
}

bool sent_over_tls(const Request& request) {
  return request.field("origin").value_or("").starts_with("https://");
}

}  // namespace sluice::http
