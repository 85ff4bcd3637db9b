// Parsing and resolving the address of the server under load.
#include "rush/target.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <optional>

#include "base/text.h"

namespace sluice::rush {
namespace {

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
  }
  return false;
}

struct HostPort {
  std::string host;
  std::string port;
};

/// Splits "host", "host:port" or "[v6]:port"; empty where it is none of them.
std::optional<HostPort> split(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port = "80";
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.contains(':')) {
    return std::nullopt;
  }
  const auto number = parse_uint(port, 65'535);
  if (host.empty() || !number || *number == 0) return std::nullopt;
  return HostPort{std::string(host), std::string(port)};
}

}  // namespace

Result<Target> resolve_target(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) {
    return fail(
        fmt::format("the target '{}' does not start with http://; rush speaks plain HTTP only, so "
                    "aim it at the "
                    "server's own listener, behind the TLS proxy",
                    url));
  }
  std::string_view authority = url.substr(kScheme.size());
  if (authority.ends_with('/')) authority.remove_suffix(1);
  const auto parts = split(authority);
  if (!parts || authority.find_first_of("/?#@ \t\r\n") != std::string_view::npos) {
    return fail(
        fmt::format("the target '{}' is not http://HOST:PORT with a port from 1 to 65535", url));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
  if (failure != 0 || found == nullptr) {
    return fail(fmt::format("the host '{}' of the target does not resolve: {}", parts->host,
                            gai_strerror(failure)));
  }
  Target target;
  target.url = fmt::format("http://{}", authority);
  target.host = authority;
  target.loopback = true;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    target.loopback = target.loopback && is_loopback(one->ai_addr);
  }
  std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
  target.address_size = found->ai_addrlen;
  return target;
}

}  // namespace sluice::rush
