// HOST:PORT in both directions.
#include <arpa/inet.h>
#include <fmt/format.h>

#include "app/config.h"
#include "base/text.h"

namespace sluice::app {

namespace {

bool is_address(const std::string& host, int family) {
  in6_addr parsed{};
  return inet_pton(family, host.c_str(), &parsed) == 1;
}

}  // namespace

bool Endpoint::is_loopback() const {
  return host == "::1" || (host.starts_with("127.") && is_address(host, AF_INET));
}

bool Endpoint::is_any() const {
  return host == "::" || host == "0.0.0.0";
}

std::string Endpoint::text() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto refuse = [text] {
    return fail(
        fmt::format("{} is not an address; write HOST:PORT with a numeric host, such as "
                    "127.0.0.1:8080 or [::1]:8080",
                    quote(text)));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  const auto port = parse_uint(text.substr(colon + 1), 65'535);
  std::string_view host = text.substr(0, colon);
  const bool has_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (has_brackets) host = host.substr(1, host.size() - 2);
  Endpoint endpoint;
  endpoint.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  const bool is_known =
      !endpoint.host.contains('\0') && is_address(endpoint.host, has_brackets ? AF_INET6 : AF_INET);
  if (!port || !is_known) return refuse();
  endpoint.port = static_cast<std::uint16_t>(*port);
  return endpoint;
}

}  // namespace sluice::app
