// Which command each function of library.lua is.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "redis/admission.h"

namespace sluice::redis {

namespace {

std::string text(std::int64_t number) {
  return fmt::format_int(number).str();
}
std::string text(std::uint64_t number) {
  return fmt::format_int(number).str();
}
std::string text(const sale::RequestKey& key) {
  return key ? fmt::format("{:016x}{:016x}", key.high, key.low) : std::string();
}

void append(Command& command, const Window& window) {
  command.push_back(text(window.starts_at.ms));
  command.push_back(text(window.ends_at.ms));
  command.push_back(text(window.hold.ms));
  command.emplace_back(window.paused ? "1" : "0");
  command.emplace_back(window.cancelled ? "1" : "0");
  command.push_back(text(window.version));
}

void append(Command& command, const ItemDefinition& item) {
  // Lua's numbers are exact up to 2^53 only: the largest quantity that can be paid is found here.
  const std::int64_t most =
      std::min(kMaxStock.units, std::numeric_limits<std::int64_t>::max() /
                                    std::max<std::int64_t>(item.price.minor, 1));
  command.push_back(text(std::uint64_t{item.item.value}));
  command.push_back(text(item.price.minor));
  command.push_back(text(most));
  command.push_back(text(item.per_user_limit));
  command.push_back(text(item.stock.units));
  command.push_back(text(item.version));
}

std::string_view name_of(Verb verb) {
  switch (verb) {
    case Verb::commit:
      return "commit";
    case Verb::release:
      return "release";
    case Verb::fail:
      return "fail";
    case Verb::pay:
      return "pay";
    case Verb::refund:
      break;
  }
  return "refund";
}

}  // namespace

SaleCalls::SaleCalls(std::string_view sale_id) {
  SLUICE_ASSERT(valid_catalog_id(sale_id), "a sale's id fits into a hash tag");
  const char* const names[] = {"sale", "items", "orders", "users", "requests", "outbox"};
  for (std::size_t i = 0; i < std::size(names); ++i)
    keys_[i] = fmt::format("sluice:{{{}}}:{}", sale_id, names[i]);
}

Command SaleCalls::call(std::string_view function) const {
  Command command{"FCALL", fmt::format("sluice_1_{}", function), "6"};
  command.insert(command.end(), std::begin(keys_), std::end(keys_));
  return command;
}
Command SaleCalls::call(std::string_view function, const Stamp& stamp) const {
  Command command = call(function);
  command.push_back(text(stamp.epoch));
  return command;
}

Command SaleCalls::grab(const Stamp& stamp, std::span<const Grab> grabs,
                        std::optional<Instant> now) const {
  SLUICE_ASSERT(!grabs.empty() && grabs.size() <= kMaxBatch, "a batch within its bound");
  Command command = call("grab", stamp);
  command.push_back(now ? text(now->ms) : std::string());
  for (const Grab& grab : grabs) {
    command.push_back(text(grab.order.value));
    command.push_back(grab.user);
    command.push_back(text(std::uint64_t{grab.item.value}));
    command.push_back(text(grab.quantity));
    command.push_back(text(grab.request));
  }
  return command;
}

Command SaleCalls::move(const Stamp& stamp, Verb verb, std::span<const OrderId> orders) const {
  SLUICE_ASSERT(!orders.empty() && orders.size() <= kMaxBatch, "a batch within its bound");
  Command command = call("move", stamp);
  command.emplace_back(name_of(verb));
  for (const OrderId order : orders)
    command.push_back(text(order.value));
  return command;
}

Command SaleCalls::confirm(std::uint64_t epoch, std::span<const std::string> entries) const {
  SLUICE_ASSERT(!entries.empty() && entries.size() <= kMaxBatch, "a batch within its bound");
  Command command = call("confirm");
  command.push_back(text(epoch));
  command.insert(command.end(), entries.begin(), entries.end());
  return command;
}

Command SaleCalls::define(const Stamp& stamp, const Window& window) const {
  Command command = call("define", stamp);
  append(command, window);
  return command;
}
Command SaleCalls::define(const Stamp& stamp, const ItemDefinition& item) const {
  Command command = call("define_item", stamp);
  append(command, item);
  return command;
}
Command SaleCalls::adjust(const Stamp& stamp, ItemNo item, std::int64_t stock) const {
  Command command = call("adjust", stamp);
  command.push_back(text(std::uint64_t{item.value}));
  command.push_back(text(stock));
  return command;
}

Command SaleCalls::seal(std::uint64_t epoch) const {
  Command command = call("seal");
  command.push_back(text(epoch));
  return command;
}
Command SaleCalls::load_begin(const Stamp& stamp, const Window& window,
                              std::span<const ItemDefinition> items) const {
  SLUICE_ASSERT(items.size() <= sale::kMaxItemsPerSale, "items within a sale's bound");
  Command command = call("load_begin", stamp);
  append(command, window);
  for (const ItemDefinition& item : items)
    append(command, item);
  return command;
}
Command SaleCalls::load_orders(const Stamp& stamp, std::span<const Reservation> orders) const {
  SLUICE_ASSERT(!orders.empty() && orders.size() <= kMaxBatch, "a batch within its bound");
  Command command = call("load_orders", stamp);
  for (const Reservation& order : orders) {
    command.push_back(text(order.id.value));
    command.push_back(order.user);
    command.push_back(text(std::uint64_t{order.item.value}));
    command.push_back(text(order.quantity));
    command.push_back(text(order.price.minor));
    command.push_back(text(order.created_at.ms));
    command.push_back(text(order.expires_at.ms));
    command.emplace_back(1, static_cast<char>(order.standing));
    command.push_back(text(order.request));
  }
  return command;
}
Command SaleCalls::load_open(const Stamp& stamp) const {
  return call("load_open", stamp);
}

Command SaleCalls::stats() const {
  return call("stats");
}
Command SaleCalls::find(std::span<const OrderId> orders) const {
  SLUICE_ASSERT(!orders.empty() && orders.size() <= kMaxBatch, "a batch within its bound");
  Command command = call("find");
  for (const OrderId order : orders)
    command.push_back(text(order.value));
  return command;
}
Command SaleCalls::stragglers(std::string_view cursor, std::uint32_t rows, Instant before) const {
  Command command = call("stragglers");
  command.emplace_back(cursor);
  command.push_back(text(std::uint64_t{rows}));
  command.push_back(text(before.ms));
  return command;
}
Command SaleCalls::outbox_before(Instant before, std::uint32_t most) const {
  // The id of an entry begins with the instant at which it was added.
  return {
      "XRANGE", outbox(), "-", fmt::format("({}-0", before.ms), "COUNT", text(std::uint64_t{most})};
}

}  // namespace sluice::redis
