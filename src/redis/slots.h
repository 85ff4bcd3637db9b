// Where a key lives in a Redis Cluster, and what an error reply asks of the client.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::redis {

struct Endpoint {
  std::string host;
  std::uint16_t port = 6379;
  auto operator<=>(const Endpoint&) const = default;
};
std::string to_text(const Endpoint& endpoint);

/// `redis://user:password@host:port/db`, several hosts separated by commas for a Redis Cluster,
/// which knows database 0 only. The account may be left out, its user as well, and both are
/// percent-encoded. An address of IPv6 stands in brackets.
struct Address {
  std::vector<Endpoint> endpoints;
  int database = 0;
  std::string user;      ///< empty: Redis's own `default`
  std::string password;  ///< empty: no AUTH is sent
};
/// The error never repeats the account.
Result<Address> parse_address(std::string_view url);

inline constexpr std::uint16_t kSlots = 16384;
/// The slot of a key: CRC-16/XMODEM of its hash tag, or of all of it (Redis Cluster specification).
std::uint16_t slot_of(std::string_view key);

/// What an error reply means for the command that got it.
enum class Remedy : std::uint8_t {
  none,          ///< an answer like any other
  moved,         ///< the slot lives elsewhere for good: there it is to be sent
  ask,           ///< the slot is moving: once, with ASKING, to be sent there
  load_library,  ///< the functions are gone: load them, then send it again
  later,         ///< not done now: loading, no quorum, out of memory, busy
};
struct Redirect {
  Remedy remedy = Remedy::none;
  std::uint16_t slot = 0;
  Endpoint to;
};
/// `from` answered: a redirection without a host means that host.
Redirect read_error(std::string_view error, const Endpoint& from);

}  // namespace sluice::redis
