// The section [webhook], and the office made of it.
#include "app/webhooks.h"

#include <fmt/format.h>

#include <memory>
#include <random>
#include <utility>

#include "api/orders_json.h"
#include "app/keys.h"
#include "app/version.h"
#include "webhook/protocol.h"

namespace sluice::app {

namespace {

constexpr Span kShortestTimeout{100};
constexpr Span kLongestTimeout = Span::seconds(60);
constexpr Span kShortestRetention = Span::seconds(60);

std::optional<webhook::EndpointDraft> configured(const Config& config) {
  if (config.text("webhook.url").empty()) return std::nullopt;
  webhook::EndpointDraft draft;
  draft.url = config.text("webhook.url");
  draft.secret = config.text("webhook.secret");
  draft.events = webhook::EventSet{};
  for (const std::string& name : config.list("webhook.events")) {
    if (const auto type = webhook::parse_event_type(name)) draft.events.add(*type);
  }
  draft.description = "webhook.url of the configuration";
  return draft;
}

}  // namespace

Result<> check_webhooks(const Config& config) {
  const Span timeout = config.span("webhook.timeout");
  if (timeout < kShortestTimeout || timeout > kLongestTimeout) {
    return fail(fmt::format("webhook.timeout is {} ms; give {} ms to {} s", timeout.ms,
                            kShortestTimeout.ms, kLongestTimeout.ms / 1000));
  }
  if (config.span("webhook.retention") < kShortestRetention) {
    return fail(fmt::format("webhook.retention is {} ms; give 60s at least",
                            config.span("webhook.retention").ms));
  }
  const auto draft = configured(config);
  if (!draft) return {};
  if (auto fine = webhook::check_url(draft->url); !fine) {
    return fail("webhook.url: " + fine.error().message);
  }
  if (draft->secret.empty()) {
    return fail(
        "webhook.url needs a key that its receiver knows too: make one with \"openssl rand -hex 32 "
        "> "
        "hook-secret\" and set webhook.secret_file = \"hook-secret\"");
  }
  if (auto fine = webhook::check_secret(draft->secret); !fine) {
    return fail("webhook.secret: " + fine.error().message);
  }
  if (draft->events.empty()) return fail("webhook.events names nothing; leave it out for all");
  return {};
}

Result<std::unique_ptr<webhook::Office>> open_webhooks(const Config& config) {
  webhook::OfficeOptions options;
  options.desk.directory = config.text("server.data");
  options.desk.write_order = &api::write_order;
  options.desk.configured = configured(config);
  options.desk.retention = config.span("webhook.retention");
  auto random = std::make_shared<std::mt19937_64>(std::random_device{}());
  options.desk.jitter = [random] { return std::uniform_real_distribution<double>(0, 1)(*random); };
  options.sender.user_agent = fmt::format("Sluice/{}", version());
  options.sender.timeout = config.span("webhook.timeout");
  options.sender.public_only = config.truth("webhook.public_only");
  // Receivers hold the time of a signature against their own clock.
  options.sender.now = [] { return wall_now(); };
  return webhook::Office::open(std::move(options));
}

}  // namespace sluice::app
