// Requests as handlers see them and responses as they write them: the parts that need code.
#include "http/message.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"
#include "http/ascii.h"

namespace sluice::http {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus : std::uint8_t { literal, space };

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::space) {
      out.push_back(' ');
    } else if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  if (!valid_utf8(out)) return std::nullopt;
  return out;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_token_char(c); });
}

}  // namespace

std::optional<std::string_view> Request::field(std::string_view name) const {
  for (const Field& candidate : fields) {
    if (equal_ignoring_case(candidate.name, name)) return candidate.value;
  }
  return std::nullopt;
}

Response& Response::add(std::string_view name, std::string_view value) & {
  SLUICE_ASSERT(is_token(name), "a header name is a token");
  SLUICE_ASSERT(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
                "a header value holds no line end");
  headers.append(name).append(": ").append(value).append("\r\n");
  return *this;
}

Response&& Response::add(std::string_view name, std::string_view value) && {
  add(name, value);
  return std::move(*this);
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = percent_decode(pair.substr(0, equals), Plus::space);
    if (!key || *key != name) continue;
    return percent_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::space);
  }
  return std::nullopt;
}

std::optional<std::string> decode_segment(std::string_view segment) {
  auto decoded = percent_decode(segment, Plus::literal);
  if (decoded && decoded->find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
    return std::nullopt;
  }
  return decoded;
}

}  // namespace sluice::http
