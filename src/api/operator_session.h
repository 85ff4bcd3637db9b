// The console's cookie as an alternative to the operator's token.
#pragma once

#include "api/context.h"

namespace sluice::api {

/// The secret of an operator's session. It goes to the operator API alone.
inline constexpr std::string_view kConsoleCookie = "sluice_console";
/// The same over TLS. Browsers take a cookie of such a name from this very host over TLS alone, so
/// that no neighbouring subdomain or plaintext answer can plant one.
inline constexpr std::string_view kConsoleTlsCookie = "__Host-sluice_console";
/// What a change must carry in a session, and what says that nobody asked: such a request does not
/// keep a session alive.
inline constexpr std::string_view kCsrfField = "Sluice-CSRF";
inline constexpr std::string_view kBackgroundField = "Sluice-Background";

/// The secret that the request carries; over TLS nothing but kConsoleTlsCookie counts. Empty: none.
/// Only where there is a door.
std::string_view console_cookie(const Context& context, const http::Request& request);

/// Whether the request relies on a session: it has the cookie and no token.
bool has_session(const Context& context, const http::Request& request);

/// The same as admit(), for such a request.
bool admit_session(Context& context, const http::Request& request, Exchange& exchange);

}  // namespace sluice::api
