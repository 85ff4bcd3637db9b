// The console's cookie as an alternative to the operator's token.
#pragma once

#include "api/context.h"

namespace sluice::api {

/// The secret of an operator's session. It goes to the operator API alone.
inline constexpr std::string_view kConsoleCookie = "sluice_console";
/// What a change must carry in a session, and what says that nobody asked: such a request does not
/// keep a session alive.
inline constexpr std::string_view kCsrfField = "Sluice-CSRF";
inline constexpr std::string_view kBackgroundField = "Sluice-Background";

/// Whether the request relies on a session: it has the cookie and no token.
bool has_session(const Context& context, const http::Request& request);

/// The same as admit(), for such a request.
bool admit_session(Context& context, const http::Request& request, Exchange& exchange);

}  // namespace sluice::api
