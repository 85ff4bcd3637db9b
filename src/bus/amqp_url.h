// The address of a broker: amqp://user:password@host:port/vhost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::bus {

struct AmqpUrl {
  std::string host;
  std::uint16_t port = 5672;
  std::string user;
  std::string password;
  std::string vhost;

  /// "host:port/vhost", for people: without the account.
  std::string place() const;
};

/// Percent-encoded parts are decoded; a missing vhost is "/". Errors never repeat the password.
Result<AmqpUrl> parse_amqp_url(std::string_view text);

}  // namespace sluice::bus
