// `sluice token`: a token for a person with a terminal.
#include <fmt/format.h>

#include <memory>

#include "app/cli.h"
#include "app/keys.h"
#include "base/ids.h"
#include "base/text.h"

namespace sluice::app {

namespace {

struct TokenFlags {
  ConfigFlags config;
  std::string user;
  bool is_admin = false;
  bool is_service = false;
  std::string ttl = "1h";
};

int print_token(const TokenFlags& flags) {
  if (!valid_user(flags.user)) {
    return complain(fmt::format("--user {} cannot be used; it must be 1 to {} bytes of UTF-8 "
                                "without control characters",
                                quote(flags.user), kMaxUserBytes),
                    kWrongUsage);
  }
  const auto lifetime = parse_span(flags.ttl);
  if (!lifetime || lifetime->ms < 1000) {
    return complain(fmt::format("--ttl {} is not a duration of at least a second; write 90s, 30m "
                                "or 1h",
                                quote(flags.ttl)),
                    kWrongUsage);
  }
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kWrongUsage);
  const http::Role role = flags.is_admin     ? http::Role::admin
                          : flags.is_service ? http::Role::service
                                             : http::Role::shopper;
  const auto token = mint_token(*config, flags.user, role, *lifetime);
  if (!token) return complain(token.error().message, kJobFailed);
  fmt::print("{}\n", *token);
  return kSuccess;
}

}  // namespace

void add_token(CLI::App& app, int& status) {
  auto flags = std::make_shared<TokenFlags>();
  CLI::App* command =
      app.add_subcommand("token", "print a token signed with the server's key, for testing");
  flags->config.add_to(*command);
  command->add_option("--user", flags->user, "the shopper's or operator's name")->required();
  auto* admin = command->add_flag("--admin", flags->is_admin, "role admin: the operator API");
  command->add_flag("--service", flags->is_service, "role service: another service of the shop")
      ->excludes(admin);
  command->add_option("--ttl", flags->ttl, "how long it is valid")->capture_default_str();
  command->footer(
      "Example:\n  curl -H \"Authorization: Bearer $(sluice token --user alice)\" "
      "http://127.0.0.1:8080/api/v1/orders");
  command->callback([flags, &status] { status = print_token(*flags); });
}

}  // namespace sluice::app
