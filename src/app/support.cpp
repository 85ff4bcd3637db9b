// The limits of this version, in one place.
#include "app/support.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace sluice::app {

namespace {

Result<> check_reachable(const Config& config, std::string_view name) {
  const std::string& text = config.text(name);
  if (text.empty()) return {};
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) return fail(fmt::format("{}: {}", name, endpoint.error().message));
  const bool has_keys = !config.text("auth.hs256_secret").empty() ||
                        !config.text("auth.ed25519_public_key_file").empty();
  if (endpoint->is_loopback() || has_keys) return {};
  return fail(fmt::format(
      "{} {} can be reached from other machines, but no key for tokens is configured: make one "
      "with \"openssl rand -hex 32 > secret\" and set auth.hs256_secret_file = \"secret\" (or "
      "auth.ed25519_public_key_file), or listen on 127.0.0.1",
      name, text));
}

}  // namespace

Result<> check_supported(const Config& config) {
  if (config.text("engine.kind") != "embedded") {
    return fail(fmt::format(R"(engine.kind = "{}" is not built into this version; use "embedded")",
                            config.text("engine.kind")));
  }
  const auto roles = config.list("server.roles");
  for (const std::string& role : roles) {
    if (role == "sale" || role == "console") continue;
    return fail(
        fmt::format("the role {} of server.roles is not built into this version; there are "
                    "sale and console",
                    role));
  }
  if (std::ranges::find(roles, "sale") == roles.end()) {
    return fail("server.roles needs sale: the embedded engine is one process that does it all");
  }
  for (const std::string_view name : {"server.listen", "server.admin_listen"}) {
    if (auto reachable = check_reachable(config, name); !reachable) return reachable;
  }
  return {};
}

std::vector<std::string> unused_settings(const Config& config) {
  std::vector<std::string> remarks;
  for (const std::string_view section : {"redis", "rabbitmq", "database", "wechat"}) {
    const bool is_set = std::ranges::any_of(config.settings(), [section](const Setting& setting) {
      return setting.key->name.starts_with(std::string(section) + ".") &&
             setting.origin != "default";
    });
    if (is_set)
      remarks.push_back(fmt::format("[{}] is read but not used by this version", section));
  }
  return remarks;
}

}  // namespace sluice::app
