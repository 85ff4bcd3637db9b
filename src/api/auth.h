// Who is asking, and whether they may ask once more.
#pragma once

#include <string>
#include <string_view>

#include "api/routes.h"

namespace sluice::api {

/// Checks token, role and limits for `access`, in the order of the contract. True: the handler may
/// go on, `context.claims` names the user. False: the exchange has been answered.
bool admit(Context& context, const Request& request, Access access, Exchange& exchange);

/// Whether an operator asks. Answers nothing, counts for no limit and keeps no session alive.
bool is_operator(Context& context, const Request& head);

/// The peer's address, or what the proxy in front says it is.
std::string_view client_address(const Request& request, bool trust_forwarded_for);

/// What the limit per address counts by: an IPv4 address without its port; of an IPv6 address the
/// first 64 bits, because whoever has one has the whole network. Other text stands for itself.
std::string limit_key(std::string_view address);

}  // namespace sluice::api
