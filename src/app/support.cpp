// The limits of this version, in one place.
#include "app/support.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "app/cashier.h"
#include "app/cluster.h"
#include "app/goods_watch.h"
#include "app/rabbit.h"
#include "app/webhooks.h"
#include "app/wechat.h"
#include "app/write_back.h"

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

Result<> check_embedded_roles(const Config& config) {
  if (!has_role(config, "sale")) {
    return fail("server.roles needs sale: the embedded engine is one process that does it all");
  }
  return {};
}

}  // namespace

Result<> check_supported(const Config& config) {
  if (is_cluster(config)) {
    if (auto checked = check_cluster(config); !checked) return checked;
  } else if (auto fits = check_embedded_roles(config); !fits) {
    return fits;
  }
  for (const std::string_view name : {"server.listen", "server.admin_listen"}) {
    if (auto reachable = check_reachable(config, name); !reachable) return reachable;
  }
  if (wechat_configured(config)) {
    if (auto checked = check_wechat(config); !checked) return checked;
  }
  if (rabbit_configured(config)) {
    if (auto checked = check_rabbit(config); !checked) return checked;
  }
  if (auto checked = check_webhooks(config); !checked) return checked;
  if (write_back_configured(config)) {
    if (auto table = write_back_table(config); !table) return std::unexpected(table.error());
  }
  if (goods_source_configured(config)) {
    if (auto table = goods_source_table(config); !table) return std::unexpected(table.error());
  }
  if (auto places = destinations(config); !places) return std::unexpected(places.error());
  return {};
}

std::vector<std::string> unused_settings(const Config& config, bool demo) {
  std::vector<std::string> remarks;
  for (const std::string_view section : {"redis", "database", "cluster", "write_back"}) {
    if (is_cluster(config)) break;
    const bool is_set = std::ranges::any_of(config.settings(), [section](const Setting& setting) {
      return setting.key->name.starts_with(std::string(section) + ".") &&
             setting.origin != "default";
    });
    if (is_set)
      remarks.push_back(
          fmt::format(R"([{}] is read but not used: it is for engine.kind = "cluster")", section));
  }
  if (rabbit_configured(config) && !is_cluster(config) && !takes_payments(config, demo)) {
    remarks.emplace_back(
        "[rabbitmq] is read but not used: it carries payment notifications, and this server takes "
        "no payments (no [wechat], or server.roles lacks pay)");
  }
  if (wechat_configured(config) && !has_role(config, "pay")) {
    remarks.emplace_back(
        "[wechat] is read but not used: server.roles lacks pay, so nothing can be paid");
  }
  std::error_code ignored;
  if (!demo && !wechat_configured(config) &&
      std::filesystem::exists(config.text("server.data") + "/payments.db", ignored)) {
    remarks.emplace_back(
        "there are payments on record, but no [wechat] to ask about them: orders end at their "
        "deadline without it");
  }
  return remarks;
}

bool has_role(const Config& config, std::string_view role) {
  const auto roles = config.list("server.roles");
  return std::ranges::find(roles, role) != roles.end();
}

}  // namespace sluice::app
