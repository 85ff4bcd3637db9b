// The tables of special addresses: RFC 6890 and the registries of IANA it began, RFC 6052 (NAT64),
// RFC 3056 (6to4), RFC 4380 (Teredo), and what clouds document of their metadata services.
#include "webhook/address.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace sluice::webhook {

namespace {

constexpr std::string_view kNotPublic = "the address is not public, and webhook.public_only is set";
constexpr std::string_view kTranslated =
    "the address stands for an IPv4 address that cannot be told from it";
constexpr std::string_view kMetadata =
    "the address is of a cloud's metadata service, which is never told";
constexpr std::string_view kLinkLocal = "link-local addresses are never told";
constexpr std::string_view kNoReceiver =
    "multicast, broadcast and unspecified addresses are never told";

struct NetworkV4 {
  std::uint32_t prefix;
  int bits;
  std::string_view why;
  bool always = false;  ///< refused whatever webhook.public_only says

  bool has(std::uint32_t host) const { return (host ^ prefix) >> (32 - bits) == 0; }
};

constexpr std::array kNetworksV4{
    NetworkV4{0xA9FE'0000, 16, kLinkLocal, true},   // 169.254/16: metadata of most clouds
    NetworkV4{0x6464'64C8, 32, kMetadata, true},    // 100.100.100.200: Alibaba Cloud
    NetworkV4{0xA83F'8110, 32, kMetadata, true},    // 168.63.129.16: Azure
    NetworkV4{0xC000'00C0, 32, kMetadata, true},    // 192.0.0.192: Oracle Cloud
    NetworkV4{0x0000'0000, 8, kNoReceiver, true},   // "this network": Linux connects to itself
    NetworkV4{0xE000'0000, 4, kNoReceiver, true},   // multicast
    NetworkV4{0xFFFF'FFFF, 32, kNoReceiver, true},  // broadcast
    NetworkV4{0x7F00'0000, 8, kNotPublic},          // loopback
    NetworkV4{0x0A00'0000, 8, kNotPublic},          // private
    NetworkV4{0xAC10'0000, 12, kNotPublic},        NetworkV4{0xC0A8'0000, 16, kNotPublic},
    NetworkV4{0x6440'0000, 10, kNotPublic},  // carrier-grade NAT
    NetworkV4{0xC000'0000, 24, kNotPublic},  // protocol assignments
    NetworkV4{0xC000'0200, 24, kNotPublic},  // documentation
    NetworkV4{0xC633'6400, 24, kNotPublic},        NetworkV4{0xCB00'7100, 24, kNotPublic},
    NetworkV4{0xC058'6300, 24, kNotPublic},  // relays of 6to4
    NetworkV4{0xC612'0000, 15, kNotPublic},  // benchmarks
    NetworkV4{0xF000'0000, 4, kNotPublic},   // reserved
};

std::string_view refused_v4(std::uint32_t host, bool public_only) {
  const auto* const found = std::ranges::find_if(kNetworksV4, [&](const NetworkV4& network) {
    return (network.always || public_only) && network.has(host);
  });
  return found == kNetworksV4.end() ? std::string_view{} : found->why;
}

using BytesV6 = std::array<std::uint8_t, 16>;

struct NetworkV6 {
  BytesV6 prefix;
  std::size_t bits;
  std::string_view why;
  bool always = false;

  bool has(const BytesV6& host) const {
    const std::size_t whole = bits / 8;
    if (!std::equal(prefix.begin(), prefix.begin() + whole, host.begin())) return false;
    const unsigned rest = bits % 8;
    return rest == 0 || (unsigned{prefix[whole]} ^ host[whole]) >> (8 - rest) == 0;
  }
};

constexpr std::array kNetworksV6{
    NetworkV6{{0xFE, 0x80}, 10, kLinkLocal, true},
    NetworkV6{{0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
              128,
              kMetadata,
              true},  // fd00:ec2::254: Amazon
    NetworkV6{{0xFD, 0x20, 0, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
              128,
              kMetadata,
              true},  // fd20:ce::254: Google
    // 64:ff9b:1::/48, translators of a network of one's own: where the IPv4 address stands in it
    // is their secret.
    NetworkV6{{0x00, 0x64, 0xFF, 0x9B, 0, 1}, 48, kTranslated, true},
    NetworkV6{{0xFF}, 8, kNoReceiver, true},              // multicast
    NetworkV6{{}, 128, kNoReceiver, true},                // ::, which Linux takes for itself
    NetworkV6{{0x20, 0x01, 0x0D, 0xB8}, 32, kNotPublic},  // documentation
    NetworkV6{{0x3F, 0xFF}, 20, kNotPublic},
    NetworkV6{{0x20, 0x01}, 23, kNotPublic},  // protocol assignments, Teredo among them
};

/// Where an IPv4 address stands inside an IPv6 one.
struct Carrier {
  BytesV6 prefix;
  std::size_t bits;
  std::size_t at;            ///< the first of its four bytes
  std::uint8_t mask = 0x00;  ///< what each of them is XORed with
};

constexpr std::array kCarriers{
    Carrier{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96, 12},  // ::ffff:0:0/96, mapped
    Carrier{{}, 96, 12},                                          // ::/96, compatible
    Carrier{{0x00, 0x64, 0xFF, 0x9B}, 96, 12},                    // 64:ff9b::/96, NAT64
    Carrier{{0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96, 12},        // ::ffff:0:0:0/96, SIIT
    Carrier{{0x20, 0x02}, 16, 2},                                 // 2002::/16, 6to4
    Carrier{{0x20, 0x01, 0, 0}, 32, 4},         // 2001::/32, Teredo: its server …
    Carrier{{0x20, 0x01, 0, 0}, 32, 12, 0xFF},  // … and its client
};

/// ::1 is written like an IPv4 address inside ::/96, and is none.
bool is_loopback(const BytesV6& host) {
  return host.back() == 1 &&
         std::all_of(host.begin(), host.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::string_view refused_carried(const BytesV6& host, bool public_only) {
  for (const Carrier& carrier : kCarriers) {
    if (!NetworkV6{carrier.prefix, carrier.bits, {}}.has(host)) continue;
    std::uint32_t carried = 0;
    for (const std::uint8_t byte : std::span(host).subspan(carrier.at, 4))
      carried = carried << 8 | (unsigned{byte} ^ carrier.mask);
    if (const auto why = refused_v4(carried, public_only); !why.empty()) return why;
  }
  return {};
}

std::string_view refused_v6(const BytesV6& host, bool public_only) {
  if (is_loopback(host)) return public_only ? kNotPublic : std::string_view{};
  for (const NetworkV6& network : kNetworksV6) {
    if ((network.always || public_only) && network.has(host)) return network.why;
  }
  if (const auto why = refused_carried(host, public_only); !why.empty()) return why;
  // Public unicast is 2000::/3; a public IPv4 address may also be mapped, or behind a NAT64.
  const bool is_public = (host[0] & 0xE0U) == 0x20 ||
                         NetworkV6{kCarriers[0].prefix, kCarriers[0].bits, {}}.has(host) ||
                         NetworkV6{kCarriers[2].prefix, kCarriers[2].bits, {}}.has(host);
  return is_public || !public_only ? std::string_view{} : kNotPublic;
}

}  // namespace

std::string_view refused_address(const sockaddr& address, bool public_only) {
  if (address.sa_family == AF_INET) {
    sockaddr_in exact{};
    std::memcpy(&exact, &address, sizeof exact);
    return refused_v4(ntohl(exact.sin_addr.s_addr), public_only);
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 exact{};
    std::memcpy(&exact, &address, sizeof exact);
    BytesV6 host{};
    std::memcpy(host.data(), &exact.sin6_addr, host.size());
    return refused_v6(host, public_only);
  }
  return "neither IPv4 nor IPv6";
}

}  // namespace sluice::webhook
