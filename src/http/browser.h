// What browsers tell besides the request itself: cookies, and where it was sent from.
#pragma once

#include <string_view>

#include "http/message.h"

namespace sluice::http {

/// The value of that cookie; empty where it was not sent.
std::string_view cookie(const Request& request, std::string_view name);

/// Whether a browser says that one of our own pages sent this: Origin names the Host the request is
/// for, or, where there is no Origin, Sec-Fetch-Site says so. Neither: it is not.
bool same_origin(const Request& request);
/// Whether the page that sent this was reached over TLS, perhaps at a proxy in front of us.
bool sent_over_tls(const Request& request);

}  // namespace sluice::http
