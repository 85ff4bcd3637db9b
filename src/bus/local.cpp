// The embedded bus seen from other threads: opening, routing, publishing, consuming, stopping.
#include "bus/local.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "bus/local_bus.h"

namespace sluice::bus {

namespace {

/// Longest name of an exchange, routing key or queue, as in AMQP.
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxIdBytes = 255;

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && valid_utf8(name) && !has_control(name);
}

}  // namespace

Result<std::unique_ptr<Bus>> open_local(const std::string& directory,
                                        const std::vector<Binding>& bindings) {
  return open_local(directory, bindings, LocalLimits{});
}

Result<std::unique_ptr<Bus>> open_local(const std::string& directory,
                                        const std::vector<Binding>& bindings,
                                        const LocalLimits& limits) {
  auto opened = LocalBus::open(directory, bindings, limits);
  if (!opened) return std::unexpected(opened.error());
  return std::unique_ptr<Bus>(std::move(*opened));
}

LocalBus::LocalBus(const LocalLimits& limits)
    : limits_(limits), inbox_(std::make_shared<Inbox>(limits)) {}

LocalBus::~LocalBus() {
  stop();
}

Result<std::unique_ptr<LocalBus>> LocalBus::open(const std::string& directory,
                                                 const std::vector<Binding>& bindings,
                                                 const LocalLimits& limits) {
  std::unique_ptr<LocalBus> bus(new LocalBus(limits));
  if (auto recovered = bus->recover(directory, bindings); !recovered) {
    return std::unexpected(recovered.error());
  }
  bus->thread_ = std::thread([self = bus.get()] { self->run(); });
  return bus;
}

std::size_t LocalBus::declare(std::string_view queue) {
  const auto [at, is_new] = by_name_.try_emplace(std::string(queue), queues_.size());
  if (is_new) {
    queues_.push_back(std::make_unique<Queue>());
    queues_.back()->name = queue;
  }
  return at->second;
}

Result<> LocalBus::recover(const std::string& directory, const std::vector<Binding>& bindings) {
  auto opened = MessageStore::open(directory);
  if (!opened) return std::unexpected(opened.error());
  store_ = std::move(*opened);
  auto names = store_->queues();
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names)
    declare(name);
  for (const Binding& binding : bindings) {
    for (const std::string& name : {binding.exchange, binding.routing_key, binding.queue}) {
      if (valid_name(name)) continue;
      return fail(fmt::format(
          "{} cannot name an exchange, routing key or queue: use 1 to {} bytes of UTF-8 without "
          "control characters.",
          quote(name), kMaxNameBytes));
    }
    const std::size_t known = queues_.size();
    const std::size_t queue = declare(binding.queue);
    if (queues_.size() > known) {
      if (auto added = store_->add_queue(queue, binding.queue); !added) return added;
    }
    auto& targets = routes_[binding.exchange][binding.routing_key];
    if (std::ranges::find(targets, queue) == targets.end()) targets.push_back(queue);
  }
  return restore();
}

void LocalBus::publish(std::string_view exchange, std::string_view routing_key, Message message,
                       Confirmed then) {
  const auto routes = routes_.find(exchange);
  if (routes == routes_.end()) {
    return then(fail(fmt::format(
        "There is no exchange {}: the configuration names those there are.", quote(exchange))));
  }
  const auto route = routes->second.find(routing_key);
  if (route == routes->second.end()) {
    return then(
        fail(fmt::format("No queue of exchange {} is bound to {}: the message has nowhere "
                         "to go. Add a binding to the configuration.",
                         quote(exchange), quote(routing_key))));
  }
  if (message.body.size() > kMaxMessageBytes || message.id.size() > kMaxIdBytes ||
      message.content_type.size() > kMaxIdBytes) {
    return then(fail(fmt::format(
        "The message {} is too large: its body has {} bytes of at most {}, its id {} and its type "
        "{} of at most {}.",
        quote(message.id), message.body.size(), kMaxMessageBytes, message.id.size(),
        message.content_type.size(), kMaxIdBytes)));
  }
  Publish publish{&route->second, std::string(exchange), std::string(routing_key),
                  std::move(message), std::move(then)};
  switch (inbox_->put(publish)) {
    case Inbox::Admission::accepted:
      return;
    case Inbox::Admission::full:
      return publish.then(fail(fmt::format(
          "The bus has {} messages or {} bytes waiting to be written, its limit: try again later.",
          limits_.waiting_publishes, limits_.waiting_bytes)));
    case Inbox::Admission::closed:
      return publish.then(fail("The bus stops: publish again after the next start."));
  }
}

Result<> LocalBus::consume(std::string_view queue, std::size_t prefetch, Consumer consumer) {
  SLUICE_ASSERT(prefetch > 0 && prefetch <= kMaxPrefetch, "deliveries open at a time");
  const auto found = by_name_.find(queue);
  if (found == by_name_.end()) {
    return fail(
        fmt::format("There is no queue {}: add a binding to the configuration.", quote(queue)));
  }
  if (queues_[found->second]->consumed.exchange(true)) {
    return fail(fmt::format("The queue {} has a consumer already: one per queue.", quote(queue)));
  }
  if (!inbox_->put(Subscription{found->second, prefetch, std::move(consumer)})) {
    return fail("The bus stops: consume after the next start.");
  }
  return {};
}

std::vector<Bus::QueueState> LocalBus::queues() const {
  std::vector<QueueState> states;
  states.reserve(queues_.size());
  for (const auto& queue : queues_) {
    states.push_back({queue->name, queue->ready.load(std::memory_order_relaxed),
                      queue->unacknowledged.load(std::memory_order_relaxed),
                      queue->parked.load(std::memory_order_relaxed), kAlwaysCounted});
  }
  return states;
}

void LocalBus::stop() {
  stopping_ = true;
  inbox_->close();
  if (!thread_.joinable()) return;
  SLUICE_ASSERT(thread_.get_id() != std::this_thread::get_id(), "stopped from outside");
  thread_.join();
}

}  // namespace sluice::bus
