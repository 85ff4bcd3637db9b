// Who is asking, and whether they may ask once more.
#pragma once

#include <string_view>

#include "api/routes.h"

namespace sluice::api {

/// Checks token, role and limits for `access`, in the order of the contract. True: the handler may
/// go on, `context.claims` names the user. False: the exchange has been answered.
bool admit(Context& context, const Request& request, Access access, Exchange& exchange);

/// The peer's address, or what the proxy in front says it is.
std::string_view client_address(const Request& request, bool trust_forwarded_for);

}  // namespace sluice::api
