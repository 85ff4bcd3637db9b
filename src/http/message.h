// Requests as handlers see them and responses as they write them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };

struct Field {
  std::string_view name;   ///< as sent; compare without regard to case
  std::string_view value;  ///< without surrounding white space
};

/// A complete, well-formed request. All views point into the connection's buffer and stay valid
/// until the handler returns; what outlives it must be copied.
struct Request {
  Method method = Method::other;
  std::string_view target;  ///< as sent: path and query
  std::string_view path;    ///< not percent-decoded; the router refuses encoded slashes
  std::string_view query;   ///< without '?'
  std::string_view body;
  std::string_view remote_address;  ///< without port
  std::string_view authorization;
  std::string_view content_type;
  std::string_view accept_language;
  std::string_view idempotency_key;  ///< data() is null where it was not sent
  std::vector<Field> fields;         ///< every header, at most kMaxFields

  /// Case-insensitive; the first of that name.
  std::optional<std::string_view> field(std::string_view name) const;
};

/// Limits of every connection; all are tested with hostile input.
inline constexpr std::size_t kMaxHeaderBytes = 16 * 1024;  ///< above: 431
inline constexpr std::size_t kMaxBodyBytes =
    64 * 1024;  ///< above: 413, unless the service takes more
inline constexpr std::size_t kMaxUploadBytes = 2112 * 1024;  ///< whatever the service says
inline constexpr std::size_t kMaxTargetBytes = 4 * 1024;     ///< above: 414
inline constexpr std::size_t kMaxFields = 64;                ///< above: 431

/// A whole response. Header values are checked for CR and LF when added: one that has them is a
/// bug of ours and asserts.
struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  ///< must be a literal; empty: no body
  std::string body;
  std::string headers;  ///< "Name: value\r\n" lines, from add()
  bool close = false;   ///< close the connection after this response

  Response& add(std::string_view name, std::string_view value) &;
  Response&& add(std::string_view name, std::string_view value) &&;
};

/// The value of `name` in a query string, percent-decoded; empty where absent; an error value of
/// "bad" pairs is treated as absent. Checks UTF-8.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

/// Percent-decodes one path segment; empty where it is malformed or decodes to '/' or NUL.
std::optional<std::string> decode_segment(std::string_view segment);

}  // namespace sluice::http
