// A Redis or a Redis Cluster: finds the connection for a key, follows redirections, brings lost
// functions back.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "redis/connection.h"
#include "redis/slots.h"

namespace sluice::redis {

/// Redirections and retries of one call; a cluster that moves a slot needs two.
inline constexpr int kMaxHops = 6;
/// Servers of one cluster that this client talks to.
inline constexpr std::size_t kMaxConnections = 64;

class Client {
 public:
  Client(Address address, ConnectionOptions options);
  ~Client();

  /// Sends a command that touches keys of `key`'s slot only. `then` runs exactly once, on a
  /// connection's thread, or here when nothing can be sent. What the server refused for the moment
  /// (loading, out of memory, no quorum) is `not_done`. Any thread.
  void call(std::string_view key, Command command, Then then);
  /// call() for those who may wait: never on a connection's thread.
  Outcome ask(std::string_view key, Command command);

 private:
  struct Call;
  Connection* connection_to(const Endpoint& endpoint);
  Endpoint home_of(std::uint16_t slot, int hops);
  void send(std::shared_ptr<Call> call, const Endpoint& to, bool asking);
  void answered(std::shared_ptr<Call> call, const Endpoint& from, Outcome&& outcome);
  void bring_library(std::shared_ptr<Call> call, const Endpoint& to);

  const Address address_;
  const ConnectionOptions options_;
  std::mutex mutex_;
  bool stopping_ = false;                                        // guarded by mutex_
  std::map<std::uint16_t, Endpoint> slots_;                      // guarded by mutex_
  std::map<Endpoint, std::unique_ptr<Connection>> connections_;  // guarded by mutex_
};

}  // namespace sluice::redis
