// Slots of a Redis Cluster, addresses, and error replies.
#include "redis/slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace sluice::redis {

namespace {

constexpr std::size_t kMaxUrlBytes = 4096;
constexpr std::int64_t kMaxDatabase = 1'000'000;

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Endpoint endpoint;
  std::string_view host = text;
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    const auto port = parse_uint(text.substr(colon + 1), 65535);
    if (!port || *port == 0) return std::nullopt;
    endpoint.port = static_cast<std::uint16_t>(*port);
    host = text.substr(0, colon);
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host.find_first_of("[]@/ ") != std::string_view::npos) return std::nullopt;
  endpoint.host = host;
  return endpoint;
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
  return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

Result<Address> parse_address(std::string_view url) {
  constexpr std::string_view scheme = "redis://";
  const auto refuse = [](std::string_view why) {
    return fail(
        fmt::format("this is no address of Redis: {}; write redis://host:port/db, with "
                    "user:password@ before the host where Redis asks for them",
                    why));
  };
  if (url.size() > kMaxUrlBytes) return refuse(fmt::format("it is above {} bytes", kMaxUrlBytes));
  if (!url.starts_with(scheme)) return refuse("it does not begin with redis://");
  std::string_view rest = url.substr(scheme.size());
  Address address;
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view account = rest.substr(0, at);
    rest = rest.substr(at + 1);
    const std::size_t colon = account.find(':');
    const auto user = percent_decoded(account.substr(0, colon));
    const auto password = percent_decoded(
        colon == std::string_view::npos ? std::string_view() : account.substr(colon + 1));
    if (!user || !password || password->empty()) {
      return refuse("its account is not user:password or :password, a percent sign being %25");
    }
    address.user = *user;
    address.password = *password;
  }
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string_view database = rest.substr(slash + 1);
    const auto number = parse_uint(database.empty() ? "0" : database, kMaxDatabase);
    if (!number) return refuse(fmt::format("the database {} is no number", quote(database)));
    address.database = static_cast<int>(*number);
    rest = rest.substr(0, slash);
  }
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    const std::string_view host = rest.substr(0, comma);
    const auto endpoint = parse_endpoint(host);
    if (!endpoint || endpoint->host.empty()) {
      return refuse(fmt::format("{} is no host, or its port is none", quote(host)));
    }
    address.endpoints.push_back(*endpoint);
    if (more) rest = rest.substr(comma + 1);
  }
  if (address.endpoints.size() > 1 && address.database != 0) {
    return refuse("a Redis Cluster has database 0 only");
  }
  return address;
}

std::uint16_t slot_of(std::string_view key) {
  if (const std::size_t open = key.find('{'); open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  std::uint32_t crc = 0;
  for (const char c : key) {
    crc ^= std::uint32_t{static_cast<unsigned char>(c)} << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc << 1) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U);
    crc &= 0xffffU;
  }
  return static_cast<std::uint16_t>(crc % kSlots);
}

Redirect read_error(std::string_view error, const Endpoint& from) {
  const bool moved = error.starts_with("MOVED ");
  if (moved || error.starts_with("ASK ")) {
    const std::size_t first = error.find(' ');
    const std::size_t second = error.find(' ', first + 1);
    if (second == std::string_view::npos) return {};
    const auto slot = parse_uint(error.substr(first + 1, second - first - 1), kSlots - 1);
    const std::string_view where = error.substr(second + 1);
    // Redis writes the address of IPv6 without brackets: the port is behind the last colon.
    const std::size_t colon = where.rfind(':');
    if (!slot || colon == std::string_view::npos) return {};
    const auto port = parse_uint(where.substr(colon + 1), 65535);
    if (!port || *port == 0) return {};
    Redirect redirect{moved ? Remedy::moved : Remedy::ask, static_cast<std::uint16_t>(*slot), {}};
    redirect.to.host = colon == 0 ? from.host : std::string(where.substr(0, colon));
    redirect.to.port = static_cast<std::uint16_t>(*port);
    return redirect;
  }
  if (error.starts_with("ERR Function not found")) return {Remedy::load_library, 0, {}};
  constexpr std::array<std::string_view, 9> passing = {"LOADING ", "CLUSTERDOWN ", "TRYAGAIN ",
                                                       "OOM ",     "BUSY ",        "MASTERDOWN ",
                                                       "MISCONF ", "READONLY ",    "NOREPLICAS "};
  const bool later = std::any_of(passing.begin(), passing.end(), [&](std::string_view prefix) {
    return error.starts_with(prefix);
  });
  return {later ? Remedy::later : Remedy::none, 0, {}};
}

}  // namespace sluice::redis
