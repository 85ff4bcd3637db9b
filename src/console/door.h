// The door of the console: checks passwords away from the event loops, one at a time, and keeps the
// sessions.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "console/attempts.h"
#include "console/sessions.h"

namespace sluice::console {

/// Checks that may wait; each takes about a tenth of a second and 64 MiB while it runs.
inline constexpr std::size_t kMaxChecks = 8;

class Door {
 public:
  /// `password_hash` is of hash_password(); empty: no password opens. With `tls` cookies are
  /// Secure, and taken under their name for TLS alone.
  Door(std::string password_hash, bool tls);
  /// Checks that wait are dropped unanswered.
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  using Then = std::move_only_function<void(bool right)>;
  /// Runs `then` on the door's thread. False: kMaxChecks wait already, nothing was taken. It costs
  /// the same whether there is a password or not. Any thread.
  bool check(std::string password, Then&& then);

  Sessions& sessions() { return sessions_; }
  Attempts& attempts() { return attempts_; }
  bool tls() const { return tls_; }

 private:
  struct Check {
    std::string password;
    Then then;
  };
  void run();

  const std::string hash_;
  const bool tls_;
  Sessions sessions_;
  Attempts attempts_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Check> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::console
