// One connection to one Redis, on a thread of its own: keeps it up, pipelines what is submitted.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/instant.h"
#include "redis/pipeline.h"
#include "redis/slots.h"
#include "redis/socket.h"

namespace sluice::redis {

struct ConnectionOptions {
  int database = 0;
  std::string user;      ///< empty: Redis's own `default`
  std::string password;  ///< empty: no AUTH is sent
  Span connect_timeout{2000};
  /// From submission to the reply. A reply that is later costs the connection.
  Span answer_timeout{2000};
  Span first_retry{50};  ///< doubles with each failed attempt to connect
  Span last_retry{2000};
  std::size_t bound = 4096;  ///< commands that may wait
};

/// AUTH with the account of `options`; empty where there is none.
std::optional<Command> auth_command(const ConnectionOptions& options);

/// While it is down, commands wait for it until their time is over, and are then `not_done`.
class Connection {
 public:
  Connection(Endpoint endpoint, const ConnectionOptions& options);
  /// end(), where that was not called.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Sends the commands one behind the other; `then` gets the outcome of the last, on this
  /// connection's thread, and may submit. False: too much waits, and `then` is left alone.
  /// Any thread.
  bool submit(const std::vector<Command>& commands, Then& then);

  /// Ends it: tells what waits its fate, takes nothing more, and returns when its thread is gone.
  /// Once, and not on its thread.
  void end();

 private:
  struct Job {
    std::vector<Command> commands;
    Then then;
    Instant deadline;
  };
  void loop();
  void keep_up();
  Result<> greet(Socket& socket);
  Result<> turn(Socket& socket, Pipeline& pipeline);
  void take_jobs();

  const Endpoint endpoint_;
  const ConnectionOptions options_;
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> outstanding_{0};  ///< submitted and not told their fate
  std::mutex mutex_;
  std::vector<Job> jobs_;  // guarded by mutex_
  bool closed_ = false;    // guarded by mutex_: nobody will take jobs any more
  Pipeline pipeline_;      // of the thread
  std::string buffer_;     // of the thread
  std::string why_down_ = "Redis was not connected yet";
  std::thread thread_;
};

}  // namespace sluice::redis
