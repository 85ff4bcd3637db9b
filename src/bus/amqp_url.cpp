// Taking the address of a broker apart, by rabbitmq-c's own rules.
#include "bus/amqp_url.h"

#include <amqp.h>
#include <fmt/format.h>

#include <vector>

#include "base/text.h"

namespace sluice::bus {

std::string AmqpUrl::place() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}/{}", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port,
                     vhost == "/" ? "" : vhost);
}

Result<AmqpUrl> parse_amqp_url(std::string_view text) {
  constexpr std::string_view form =
      "write amqp://user:password@host:port/vhost, with %2f for a slash in the vhost's name.";
  if (text.starts_with("amqps://")) {
    return fail(
        "The address of RabbitMQ begins with amqps://, but TLS to the broker is not built "
        "in: connect over a private network or a tunnel, and write amqp://.");
  }
  // A decoded zero byte would cut a name short.
  if (has_control(text) || text.find("%00") != std::string_view::npos) {
    return fail(fmt::format("The address of RabbitMQ has control characters; {}", form));
  }
  std::vector<char> copy(text.begin(), text.end());
  copy.push_back('\0');
  amqp_connection_info info{};
  amqp_default_connection_info(&info);
  if (amqp_parse_url(copy.data(), &info) != AMQP_STATUS_OK) {
    return fail(fmt::format("The address of RabbitMQ cannot be read; {}", form));
  }
  if (*info.host == '\0' || info.port < 1 || info.port > 65535) {
    return fail(
        fmt::format("The address of RabbitMQ has no host or no port of 1 to 65535; {}", form));
  }
  const std::string_view vhost = info.vhost;
  return AmqpUrl{info.host, static_cast<std::uint16_t>(info.port), info.user, info.password,
                 std::string{vhost.empty() ? "/" : vhost}};
}

}  // namespace sluice::bus
