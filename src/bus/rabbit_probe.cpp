// Asking a broker what is there, and whether the account may use it.
#include "bus/rabbit_probe.h"

#include <fmt/format.h>
#include <poll.h>

#include <charconv>
#include <chrono>
#include <memory>
#include <utility>

#include "base/text.h"
#include "bus/amqp_connection.h"

namespace sluice::bus {

namespace {

/// Below it, quorum queues know neither message TTL nor safe dead letters.
constexpr int kOldestMajor = 3;
constexpr int kOldestMinor = 10;

bool is_old(const std::string& version) {
  int major = 0;
  int minor = 0;
  const char* end = version.data() + version.size();
  const auto first = std::from_chars(version.data(), end, major);
  if (first.ec != std::errc{} || first.ptr == end) return true;
  std::from_chars(first.ptr + 1, end, minor);
  return major < kOldestMajor || (major == kOldestMajor && minor < kOldestMinor);
}

/// A message that no queue is bound for comes back: nothing is left behind, and the right to write
/// was needed.
Result<> check_write(AmqpConnection& connection, const std::string& exchange) {
  Outgoing outgoing;
  outgoing.exchange = exchange;
  outgoing.routing_key = "sluice.doctor";
  outgoing.message.id = "sluice.doctor";
  if (auto sent = connection.publish(outgoing, 1); !sent) return sent;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < until) {
    auto event = connection.receive();
    if (!event) return std::unexpected(event.error());
    if (event->has_value()) {
      if (std::holds_alternative<Acked>(**event)) return {};
      if (const auto* blocked = std::get_if<Blocked>(&**event)) {
        return fail(fmt::format("RabbitMQ: {}; free memory or disk there", blocked->reason));
      }
      continue;
    }
    pollfd watched{connection.descriptor(), POLLIN, 0};
    ::poll(&watched, 1, 1'000);
  }
  return fail("RabbitMQ did not confirm a message within 10 s; see its log");
}

}  // namespace

Result<RabbitReport> probe_rabbitmq(const AmqpUrl& url, QueueKind kind,
                                    const std::vector<Binding>& bindings) {
  const auto opened = AmqpConnection::open(url, "sluice doctor");
  if (!opened) return std::unexpected(opened.error());
  AmqpConnection& connection = **opened;
  RabbitReport report;
  report.version = connection.server().version;
  if (is_old(report.version)) {
    return fail(fmt::format("RabbitMQ at {} is version {}; 3.10 or newer is needed", url.place(),
                            quote(report.version)));
  }
  const Topology wanted = topology_of(bindings, kind);
  Topology there;
  for (const std::string& exchange : wanted.exchanges) {
    const auto exists = connection.has_exchange(exchange);
    if (!exists) return std::unexpected(exists.error());
    (*exists ? there.exchanges : report.missing).push_back(exchange);
  }
  for (const QueueSpec& queue : wanted.queues) {
    const auto count = connection.count(queue.name);
    if (!count) return std::unexpected(count.error());
    if (!count->has_value()) {
      report.missing.push_back(queue.name);
      continue;
    }
    there.queues.push_back(queue);
    if (!queue.name.ends_with(parked_queue(""))) continue;
    if (**count > 0) report.parked.push_back(fmt::format("{}: {} messages", queue.name, **count));
  }
  report.found = there.exchanges.size() + there.queues.size();
  // What exists and is the same is not changed by being declared.
  if (auto same = connection.declare(there); !same) return std::unexpected(same.error());
  if (auto confirms = connection.select_confirms(); !confirms) {
    return std::unexpected(confirms.error());
  }
  for (const std::string& exchange : there.exchanges) {
    auto written = check_write(connection, exchange);
    if (!written) return std::unexpected(written.error());
  }
  connection.close();
  return report;
}

}  // namespace sluice::bus
