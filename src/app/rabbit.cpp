// From [rabbitmq] to a bus.
#include "app/rabbit.h"

#include "bus/rabbitmq.h"

namespace sluice::app {

bool rabbit_configured(const Config& config) {
  return !config.text("rabbitmq.url").empty();
}

bus::QueueKind rabbit_queue_kind(const Config& config) {
  return config.text("rabbitmq.queue_type") == "classic" ? bus::QueueKind::classic
                                                         : bus::QueueKind::quorum;
}

Result<> check_rabbit(const Config& config) {
  const auto url = bus::parse_amqp_url(config.text("rabbitmq.url"));
  if (!url) return fail("rabbitmq.url: " + url.error().message);
  return {};
}

Result<std::unique_ptr<bus::Bus>> open_rabbit(const Config& config,
                                              const std::vector<bus::Binding>& places) {
  auto url = bus::parse_amqp_url(config.text("rabbitmq.url"));
  if (!url) return fail("rabbitmq.url: " + url.error().message);
  bus::RabbitOptions options;
  options.url = std::move(*url);
  options.kind = rabbit_queue_kind(config);
  return bus::open_rabbitmq(options, places);
}

}  // namespace sluice::app
