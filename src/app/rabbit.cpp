// From [rabbitmq] to a bus.
#include "app/rabbit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "bus/rabbit_probe.h"
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

Result<std::unique_ptr<bus::TimedBus>> open_rabbit(const Config& config,
                                                   const std::vector<bus::Binding>& places) {
  auto url = bus::parse_amqp_url(config.text("rabbitmq.url"));
  if (!url) return fail("rabbitmq.url: " + url.error().message);
  bus::RabbitOptions options;
  options.url = std::move(*url);
  options.kind = rabbit_queue_kind(config);
  return bus::open_rabbitmq(options, places);
}

Result<std::string> probe_rabbit(const Config& config, const std::vector<bus::Binding>& places) {
  const auto url = bus::parse_amqp_url(config.text("rabbitmq.url"));
  if (!url) return fail("rabbitmq.url: " + url.error().message);
  const auto report = bus::probe_rabbitmq(*url, rabbit_queue_kind(config), places);
  if (!report) return std::unexpected(report.error());
  std::string text = fmt::format("{} answers, version {}; ", url->place(), report->version);
  text += report->found == 0 ? "nothing is declared yet"
                             : fmt::format(
                                   "{} exchanges and queues are as they should be, and the "
                                   "account may configure and write them",
                                   report->found);
  if (!report->missing.empty()) {
    text += fmt::format("; made at the first start: {}", fmt::join(report->missing, ", "));
  }
  if (!report->parked.empty()) {
    text += fmt::format("; poison waits for a person in {}", fmt::join(report->parked, ", "));
  }
  return text;
}

}  // namespace sluice::app
