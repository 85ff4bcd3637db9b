// Writes responses as bytes (RFC 9112) and the server's own refusals as problems (RFC 9457).
#include "http/wire.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <ctime>

#include "base/assert.h"

namespace sluice::http {

namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 425:
      return "Too Early";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

void append_number(std::string& out, std::size_t number) {
  char digits[20];
  const auto* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_head_start(std::string& out, const Response& response, const WireOptions& options) {
  SLUICE_ASSERT(response.status >= 200 && response.status <= 599, "a final status");
  if (response.status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
  } else {
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::size_t>(response.status));
    out.append(1, ' ').append(reason_of(response.status)).append("\r\n");
  }
  out.append(options.common);
  if (!response.content_type.empty()) {
    out.append("Content-Type: ").append(response.content_type).append("\r\n");
  }
  out.append(response.headers);
}

}  // namespace

std::string common_fields(Instant now) {
  const auto seconds = static_cast<std::time_t>(now.ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\nX-Content-Type-Options: nosniff\r\n",
                     utc);
}

void append_response(std::string& out, const Response& response, const WireOptions& options) {
  append_head_start(out, response, options);
  const bool has_length = response.status != 204 && response.status != 304;
  if (has_length) {
    out.append("Content-Length: ");
    append_number(out, response.body.size());
    out.append("\r\n");
  }
  if (!options.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (options.http_1_0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  if (has_length && !options.head_only) out.append(response.body);
}

void append_stream_head(std::string& out, const Response& head, const WireOptions& options) {
  append_head_start(out, head, options);
  out.append("Connection: close\r\n\r\n");
}

Response problem(const Refusal& refusal) {
  Response response;
  response.status = refusal.status;
  response.content_type = "application/problem+json";
  response.close = true;
  // Codes, titles and details are literals of this room that need no escaping.
  response.body =
      fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":"{}","code":"{}"}})",
                  reason_of(refusal.status), refusal.status, refusal.detail, refusal.code);
  if (refusal.status == 503) response.add("Retry-After", "1");
  return response;
}

}  // namespace sluice::http
