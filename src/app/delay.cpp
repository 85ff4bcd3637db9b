// `sluice delay`: a delay queue of TTL and dead letters on a RabbitMQ, to send to and listen at.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "app/cli.h"
#include "app/keys.h"
#include "app/logging.h"
#include "app/rabbit.h"
#include "app/system.h"
#include "base/instant.h"
#include "base/text.h"
#include "bus/backoff.h"
#include "bus/delay.h"

namespace sluice::app {

namespace {

/// The longest a signal waits.
constexpr Span kWatch{200};
/// Where a RabbitMQ is after its installation, with the account that it has then.
constexpr const char* kLocalUrl = "amqp://guest:guest@127.0.0.1:5672/%2f";

struct DelayFlags {
  ConfigFlags config;
  std::string text;
  std::string ttl = "10s";
  std::uint64_t count = 0;
};

Result<std::unique_ptr<bus::DelayQueue>> open_queue(const Config& config) {
  const std::string& given = config.text("rabbitmq.url");
  const auto url = bus::parse_amqp_url(given.empty() ? kLocalUrl : given);
  if (!url) return fail("rabbitmq.url: " + url.error().message);
  return bus::DelayQueue::open(*url, rabbit_queue_kind(config));
}

int send(const DelayFlags& flags) {
  const auto ttl = parse_span(flags.ttl);
  if (!ttl || *ttl > bus::kLongestDelay) {
    return complain(fmt::format("--ttl {} is not a duration of 0 to 49 days; write 500ms, 10s, 30m "
                                "or 2h",
                                quote(flags.ttl)),
                    kWrongUsage);
  }
  if (!valid_utf8(flags.text)) return complain("the text is not UTF-8", kWrongUsage);
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kWrongUsage);
  auto queue = open_queue(*config);
  if (!queue) return complain(queue.error().message, kJobFailed);
  bus::Message message;
  message.id = fmt::format("{:016x}{:016x}", random_seed(), random_seed());
  message.content_type = "text/plain";
  message.timestamp = wall_now();
  message.body = flags.text;
  const std::string sent_at = to_rfc3339(message.timestamp);
  if (auto sent = (*queue)->send(std::move(message), *ttl); !sent) {
    return complain(sent.error().message, kJobFailed);
  }
  fmt::print("sent {}  {} to {} for {}\n", sent_at, quote(flags.text), bus::kDelayWaiting,
             flags.ttl);
  (*queue)->close();
  return kSuccess;
}

void print(const bus::DelayQueue::Heard& heard) {
  fmt::print("sent {:<24}  received {}  {}\n",
             heard.is_dated ? to_rfc3339(heard.message.timestamp) : "at an unknown time",
             to_rfc3339(wall_now()),
             heard.too_large ? fmt::format("(more than {} bytes, left out)", bus::kMaxMessageBytes)
                             : escaped(heard.message.body));
  std::fflush(stdout);
}

int listen(const DelayFlags& flags) {
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kWrongUsage);
  StopSignals signals;
  // What cannot be opened at first is a mistake; what is lost later comes back.
  auto queue = open_queue(*config);
  if (!queue) return complain(queue.error().message, kJobFailed);
  fmt::print(stderr, "listening at {}; Ctrl-C stops it\n", bus::kDelayDone);
  bus::Backoff backoff;
  for (std::uint64_t heard_count = 0; flags.count == 0 || heard_count < flags.count;) {
    if (signals.wait(queue ? 0 : static_cast<int>(backoff.next().ms))) break;
    if (!queue) queue = open_queue(*config);
    if (!queue) continue;
    backoff.reset();
    auto heard = (*queue)->next(kWatch);
    if (!heard) {
      complain(heard.error().message + " Listening again as soon as it answers.", kJobFailed);
      queue = std::unexpected(heard.error());
    } else if (heard->has_value()) {
      print(**heard);
      ++heard_count;
    }
  }
  if (queue) (*queue)->close();
  return kSuccess;
}

void add_flags(CLI::App& command, ConfigFlags& flags) {
  flags.add_to(command);
  flags.add_key(command, "--url", "rabbitmq.url",
                fmt::format("the RabbitMQ; without it and rabbitmq.url: {}", kLocalUrl));
  flags.add_key(command, "--queue-type", "rabbitmq.queue_type",
                "how queue1 and queue2 are declared: quorum or classic");
}

}  // namespace

void add_delay(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "delay", "a delay queue on RabbitMQ: messages wait in queue1 and come out of queue2");
  command->require_subcommand(1);
  command->footer(
      "queue1 has no consumer: what is not fetched within its time is moved, by way of\n"
      "delayExchange, to queue2. Messages leave queue1 in their order only, so a short time waits\n"
      "behind a longer one that was sent before: keep one delay queue per length of time.\n\n"
      "Example:\n  sluice delay listen &\n  sluice delay send --ttl 10s \"hello\"");
  auto sending = std::make_shared<DelayFlags>();
  CLI::App* send_command = command->add_subcommand("send", "send a text that comes out later");
  send_command->add_option("text", sending->text, "the text")->required();
  send_command->add_option("--ttl", sending->ttl, "how long it waits")->capture_default_str();
  add_flags(*send_command, sending->config);
  send_command->footer("Example:\n  sluice delay send --ttl 10s \"hello\"");
  send_command->callback([sending, &status] { status = send(*sending); });
  auto listening = std::make_shared<DelayFlags>();
  CLI::App* listen_command = command->add_subcommand(
      "listen", "print what comes out, with the times it was sent and received");
  listen_command->add_option("--count", listening->count, "end after so many; 0: never")
      ->capture_default_str();
  add_flags(*listen_command, listening->config);
  listen_command->footer("Example:\n  sluice delay listen --url amqp://shop:secret@mq:5672/%2f");
  listen_command->callback([listening, &status] { status = listen(*listening); });
}

}  // namespace sluice::app
