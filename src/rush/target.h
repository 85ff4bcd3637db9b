// Where the crowd goes: an http:// address, resolved once, and whether it is this machine.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::rush {

struct Target {
  std::string url;   ///< "http://host:port" without a trailing slash, for the control plane
  std::string host;  ///< the value of the Host header
  sockaddr_storage address{};
  socklen_t address_size = 0;
  bool loopback = false;  ///< every address of the host is a loopback address
};

/// Reads "http://host[:port][/]", IPv6 in brackets, and resolves the host. Errors: another scheme,
/// a path, a bad port, a host that does not resolve.
Result<Target> resolve_target(std::string_view url);

/// Where a server is reached.
struct Addresses {
  std::string url;
  std::string admin_url;  ///< the operator API; the same unless it has a listener of its own
};

/// What a server wrote to DATA/server.json, else the default http://127.0.0.1:8080.
Addresses find_addresses(const std::string& data);

}  // namespace sluice::rush
