// From [redis], [rabbitmq], [database] and [cluster] to an engine.
#include "app/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/rabbit.h"
#include "app/support.h"
#include "app/wechat.h"
#include "bus/amqp_url.h"
#include "cluster/cluster_engine.h"
#include "mariadb/address.h"
#include "redis/slots.h"

namespace sluice::app {

namespace {

constexpr std::size_t kMaxName = 255;  // bytes; AMQP's limit for names

cluster::Names names_of(const Config& config) {
  cluster::Names names;
  names.grab_exchange = config.text("cluster.order_exchange");
  names.grab_queue = config.text("cluster.order_queue");
  names.timer_exchange = config.text("payment.exchange");
  names.timer_queue = config.text("cluster.timer_queue");
  names.delay_queue = config.text("cluster.delay_queue");
  return names;
}

Result<> check_url(const Config& config, std::string_view key, std::string_view example) {
  if (!config.text(key).empty()) return {};
  return fail(fmt::format(R"(engine.kind = "cluster" needs {}: for example "{}")", key, example));
}

/// What one node would generate for itself is unknown to the others.
Result<> check_shared_keys(const Config& config) {
  if (config.text("auth.hs256_secret").empty() &&
      config.text("auth.ed25519_public_key_file").empty()) {
    return fail(
        "the nodes of a cluster must know the same key, or a token of one is refused by the next: "
        "make one with \"openssl rand -hex 32 > secret\" and set auth.hs256_secret_file = "
        "\"secret\" on every node (or auth.ed25519_public_key_file)");
  }
  if (has_role(config, "console") && config.text("auth.console_password").empty()) {
    return fail(
        "the nodes of a cluster must know the same password for the console: set "
        "auth.console_password_file on every node with the role console");
  }
  return {};
}

}  // namespace

bool is_cluster(const Config& config) {
  return config.text("engine.kind") == "cluster";
}

Result<> check_cluster(const Config& config) {
  if (auto given = check_url(config, "redis.url", "redis://127.0.0.1:6379/0"); !given) return given;
  if (auto given = check_url(config, "rabbitmq.url", "amqp://user:password@127.0.0.1:5672/shop");
      !given) {
    return given;
  }
  if (auto given = check_url(config, "database.url", "mysql://user:password@127.0.0.1:3306/shop");
      !given) {
    return given;
  }
  if (const auto redis = redis::parse_address(config.text("redis.url")); !redis) {
    return fail("redis.url: " + redis.error().message);
  }
  if (const auto record = mariadb::parse_address(config.text("database.url")); !record) {
    return fail("database.url: " + record.error().message);
  }
  if (!config.text("webhook.url").empty()) {
    return fail(
        "webhook.url: webhooks are not sent by the cluster engine yet; consume the shop's queues "
        "at RabbitMQ, or use the embedded engine");
  }
  for (const char* key : {"cluster.order_exchange", "cluster.order_queue", "cluster.timer_queue",
                          "cluster.delay_queue"}) {
    const std::string& name = config.text(key);
    if (name.empty() || name.size() > kMaxName) {
      return fail(
          fmt::format("{} is {} bytes long; a name has 1 to {}", key, name.size(), kMaxName));
    }
  }
  if (auto places = places_of(config); !places) return std::unexpected(places.error());
  return check_shared_keys(config);
}

Result<std::vector<bus::Binding>> places_of(const Config& config) {
  auto places = destinations(config);
  if (!places || !is_cluster(config)) return places;
  for (bus::Binding& binding : cluster::bindings_of(names_of(config))) {
    const bool twice = std::ranges::any_of(
        *places, [&](const bus::Binding& place) { return place.queue == binding.queue; });
    if (twice) {
      return fail(fmt::format("the queue {} is named for two purposes; see [cluster] and [payment]",
                              binding.queue));
    }
    places->push_back(std::move(binding));
  }
  return places;
}

Result<std::unique_ptr<bus::TimedBus>> open_cluster_bus(const Config& config) {
  const auto places = places_of(config);
  if (!places) return std::unexpected(places.error());
  return open_rabbit(config, *places);
}

Result<std::unique_ptr<engine::Engine>> start_cluster_engine(const Config& config,
                                                             const sale::Settings& settings,
                                                             bus::TimedBus& bus) {
  auto record = mariadb::parse_address(config.text("database.url"));
  if (!record) return fail("database.url: " + record.error().message);
  auto redis = redis::parse_address(config.text("redis.url"));
  if (!redis) return fail("redis.url: " + redis.error().message);
  cluster::ClusterOptions options;
  options.record = std::move(*record);
  options.redis = std::move(*redis);
  options.names = names_of(config);
  options.settings = settings;
  options.takes_grabs = has_role(config, "sale");
  options.works = has_role(config, "worker");
  // Closings and refunds are handed out where they can be asked for.
  options.has_desk = wechat_configured(config) && has_role(config, "pay");
  options.keeps = wechat_configured(config) ? options.has_desk : options.works;
  options.queue_bound = static_cast<std::size_t>(config.integer("engine.queue"));
  options.preload_every = config.span("cluster.preload_every");
  options.preload_ahead = config.span("cluster.preload_ahead");
  return cluster::start_cluster(options, bus);
}

std::string cluster_services(const Config& config) {
  const auto redis = redis::parse_address(config.text("redis.url"));
  const auto rabbit = bus::parse_amqp_url(config.text("rabbitmq.url"));
  const auto record = mariadb::parse_address(config.text("database.url"));
  std::string text = "Redis ";
  if (redis) {
    for (const redis::Endpoint& endpoint : redis->endpoints)
      text += (text.size() > 6 ? "," : "") + redis::to_text(endpoint);
  }
  if (rabbit) text += ", RabbitMQ " + rabbit->place();
  if (record) text += ", MariaDB " + record->shown();
  return text;
}

}  // namespace sluice::app
