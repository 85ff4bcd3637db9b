// The storefront: pages in front of the API, on the same server. Everything works without script;
// decisions are in docs/adr/0015.
#pragma once

#include <string>

#include "api/api.h"
#include "http/server.h"

namespace sluice::web {

struct StorefrontOptions {
  /// Seals the forms. The same secret after a restart, or on another node, knows the same forms.
  std::string form_secret;
  bool tls = false;  ///< the server itself speaks TLS: cookies are then Secure
};

/// The factory to start a server with: pages, and for every other path the API of `api`, which must
/// outlive the server.
http::ServiceFactory storefront(api::Api& api, bool operators, const StorefrontOptions& options);

}  // namespace sluice::web
