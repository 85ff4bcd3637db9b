// Which addresses a webhook may lead to.
#pragma once

#include <string_view>

struct sockaddr;

namespace sluice::webhook {

/// Why that address is not connected to; empty: it is fine. Never: where clouds hand out the
/// machine's credentials, link-local and multicast addresses, and "this host". With `public_only`
/// nothing but what the internet routes to. An IPv6 address that carries an IPv4 one (mapped,
/// NAT64, 6to4, Teredo) is judged by that one as well: a translator on the way would lead there.
std::string_view refused_address(const sockaddr& address, bool public_only);

}  // namespace sluice::webhook
