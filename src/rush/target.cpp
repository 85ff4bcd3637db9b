// Parsing and resolving the address of the server under load.
#include "rush/target.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <boost/json.hpp>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

#include "base/text.h"

namespace sluice::rush {
namespace {

constexpr const char* kDefaultUrl = "http://127.0.0.1:8080";
constexpr std::size_t kMaxServerFileBytes = 4096;  ///< it is one of ours, with a few addresses

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

Addresses find_addresses(const std::string& data) {
  Addresses standard{kDefaultUrl, kDefaultUrl};
  std::ifstream file(data + "/server.json", std::ios::binary);
  std::string text(kMaxServerFileBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  boost::system::error_code wrong;
  const auto json = boost::json::parse(text, wrong);
  if (wrong || !json.is_object()) return standard;
  const auto word = [&json](const char* name) {
    const auto* value = json.as_object().if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
  };
  Addresses found{word("url"), word("admin_url")};
  if (found.url.empty()) return standard;
  if (found.admin_url.empty()) found.admin_url = found.url;
  return found;
}

}  // namespace sluice::rush
