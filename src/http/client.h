// A small blocking HTTP client over libcurl, for commands that talk to a running server.
#pragma once

#include <string>
#include <vector>

#include "base/instant.h"
#include "base/result.h"

namespace sluice::http {

struct ClientRequest {
  std::string method = "GET";
  std::string url = {};
  std::vector<std::string> headers = {};  ///< "Name: value"
  std::string body = {};
  Span timeout = Span::seconds(10);
  /// PEM file of the one certificate that the peer must present, whatever its name and issuer; it
  /// replaces the usual verification. For a server on this machine whose files are at hand.
  std::string pinned_certificate_file = {};
  bool direct = false;  ///< past any proxy that the environment names
};

struct ClientResponse {
  int status = 0;
  std::string body;
};

/// Performs one request; follows no redirects, verifies TLS. Errors name the URL and the cause.
/// Blocks the calling thread for at most `timeout`. Answers above 64 MiB are refused.
Result<ClientResponse> perform(const ClientRequest& request);

}  // namespace sluice::http
