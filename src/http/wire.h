// Writes responses as bytes: status lines, the fields every response carries, problems.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "http/message.h"
#include "http/parser.h"

namespace sluice::http {

/// What a response's bytes depend on besides the response.
struct WireOptions {
  std::string_view common;  ///< from common_fields()
  bool head_only = false;   ///< answers HEAD: no body
  bool keep_alive = true;
  bool http_1_0 = false;  ///< the request's version: keep-alive must then be said
};

/// The header lines that every response carries, with `now` as the Date. Made once a second.
std::string common_fields(Instant now);

/// Appends head and body.
void append_response(std::string& out, const Response& response, const WireOptions& options);

/// Appends the head of a body that ends with the connection.
void append_stream_head(std::string& out, const Response& head, const WireOptions& options);

/// A refusal as RFC 9457 application/problem+json; the connection closes after it.
Response problem(const Refusal& refusal);

}  // namespace sluice::http
