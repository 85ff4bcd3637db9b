// Finds the connection for a key, follows redirections, brings lost functions back.
#include "redis/client.h"

#include <fmt/format.h>

#include <future>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "redis/admission.h"

namespace sluice::redis {

struct Client::Call {
  std::uint16_t slot = 0;
  Command command;
  Then then;
  int hops = 0;
};

Client::Client(Address address, ConnectionOptions options)
    : address_(std::move(address)), options_([&] {
        options.database = address_.database;
        options.user = address_.user;
        options.password = address_.password;
        return options;
      }()) {
  SLUICE_ASSERT(!address_.endpoints.empty(), "an address of Redis");
  for (const Endpoint& endpoint : address_.endpoints)
    connection_to(endpoint);
}

Client::~Client() {
  std::map<Endpoint, std::unique_ptr<Connection>> ending;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ending.swap(connections_);
  }
  // A continuation on one connection's thread may be about to submit to another.
  for (auto& [endpoint, connection] : ending)
    connection->end();
}

Connection* Client::connection_to(const Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return nullptr;
  const auto found = connections_.find(endpoint);
  if (found != connections_.end()) return found->second.get();
  if (connections_.size() >= kMaxConnections) return nullptr;
  auto made = std::make_unique<Connection>(endpoint, options_);
  return connections_.emplace(endpoint, std::move(made)).first->second.get();
}

/// Where the slot was last seen; a server of the configuration where that is not known.
Endpoint Client::home_of(std::uint16_t slot, int hops) {
  const std::lock_guard lock(mutex_);
  const auto known = slots_.find(slot);
  if (known != slots_.end()) return known->second;
  return address_.endpoints[(slot + static_cast<std::size_t>(hops)) % address_.endpoints.size()];
}

void Client::call(std::string_view key, Command command, Then then) {
  auto call = std::make_shared<Call>();
  call->slot = slot_of(key);
  call->command = std::move(command);
  call->then = std::move(then);
  const Endpoint to = home_of(call->slot, 0);
  send(std::move(call), to, false);
}

Outcome Client::ask(std::string_view key, Command command) {
  std::promise<Outcome> promise;
  std::future<Outcome> answer = promise.get_future();
  call(key, std::move(command),
       [&promise](Outcome&& outcome) { promise.set_value(std::move(outcome)); });
  return answer.get();
}

void Client::send(std::shared_ptr<Call> call, const Endpoint& to, bool asking) {
  Connection* connection = connection_to(to);
  if (connection == nullptr) {
    call->then({Fate::not_done,
                {},
                fmt::format("no connection to Redis at {} can be made: this "
                            "node is stopping, or talks to {} servers already",
                            to_text(to), kMaxConnections)});
    return;
  }
  std::vector<Command> commands;
  if (asking) commands.push_back({"ASKING"});
  commands.push_back(call->command);
  Then then = [this, call, to](Outcome&& outcome) { answered(call, to, std::move(outcome)); };
  if (!connection->submit(commands, then)) {
    call->then(
        {Fate::not_done,
         {},
         fmt::format("{} commands wait for Redis at {} already", options_.bound, to_text(to))});
  }
}

void Client::answered(std::shared_ptr<Call> call, const Endpoint& from, Outcome&& outcome) {
  const bool again = ++call->hops < kMaxHops;
  if (outcome.fate != Fate::answered) {
    // The server may be gone for good: the others know who has the slot now.
    bool elsewhere = false;
    {
      const std::lock_guard lock(mutex_);
      elsewhere = slots_.erase(call->slot) > 0 || address_.endpoints.size() > 1;
    }
    if (outcome.fate == Fate::not_done && again && elsewhere) {
      const Endpoint to = home_of(call->slot, call->hops);
      if (to != from) return send(std::move(call), to, false);
    }
    return call->then(std::move(outcome));
  }
  if (!outcome.value.is(Value::Kind::error)) return call->then(std::move(outcome));
  const Redirect redirect = read_error(outcome.value.text, from);
  // None of these was executed: what the server refused has no effect.
  if (redirect.remedy == Remedy::none) return call->then(std::move(outcome));
  if (redirect.remedy == Remedy::moved) {
    const std::lock_guard lock(mutex_);
    slots_[redirect.slot] = redirect.to;
  }
  if (!again || redirect.remedy == Remedy::later) {
    return call->then(
        {Fate::not_done,
         {},
         fmt::format("Redis at {} refuses for now: {}", to_text(from), quote(outcome.value.text))});
  }
  if (redirect.remedy == Remedy::load_library) return bring_library(std::move(call), from);
  send(std::move(call), redirect.to, redirect.remedy == Remedy::ask);
}

void Client::bring_library(std::shared_ptr<Call> call, const Endpoint& to) {
  Connection* connection = connection_to(to);
  const std::vector<Command> load = {{"FUNCTION", "LOAD", "REPLACE", std::string(library_text())}};
  Then then = [this, call, to](Outcome&& outcome) {
    if (outcome.fate == Fate::answered && !outcome.value.is(Value::Kind::error)) {
      return send(call, to, false);
    }
    const std::string why =
        outcome.fate == Fate::answered ? quote(outcome.value.text) : outcome.why;
    call->then({Fate::not_done,
                {},
                fmt::format("Redis at {} lost its functions and did not take "
                            "them again: {}",
                            to_text(to), why)});
  };
  if (connection == nullptr || !connection->submit(load, then)) {
    call->then({Fate::not_done, {}, fmt::format("Redis at {} lost its functions", to_text(to))});
  }
}

}  // namespace sluice::redis
