// Carries the calls of a protocol over HTTPS with libcurl, on one thread: bounded in number and
// time, repeated where that is safe, stopped by a circuit breaker.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "payment/breaker.h"
#include "payment/protocol.h"
#include "payment/transfer.h"

namespace sluice::payment {

/// One call with its repetitions.
class Job {
 public:
  virtual ~Job() = default;
  virtual HttpCall make(const Moment& moment) = 0;
  /// Delivers a result and returns empty, or delivers nothing and returns the fault.
  virtual std::optional<Fault> read(const HttpAnswer& answer, Instant now) = 0;
  /// Delivers the fault.
  virtual void fail(Fault fault) = 0;

  Steady deadline{};
  int attempts = 0;
  bool repeatable = true;      ///< of the last call made
  bool waits_for_keys = true;  ///< an answer that lacks only a key waits for the download of it
  std::optional<Fault> last_fault;
};

/// One call is sent so often at most.
inline constexpr int kMaxAttempts = 4;

/// Before the `attempt`-th repetition (from 1): doubling from 200 ms to 2 s, of which `jitter`, in
/// [0, 1), takes up to one half away, so that callers that failed together do not come together.
std::chrono::milliseconds repeat_pause(int attempt, double jitter);

class Driver {
 public:
  Driver(const Protocol& protocol, GatewayOptions options, TransferSetup setup);
  ~Driver() { stop(); }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /// When a call that begins now must have ended.
  Steady deadline() const;
  /// Any thread. Empty where it was taken; else the job comes back with the reason.
  std::optional<Fault> submit(std::unique_ptr<Job>& job);
  /// Sends the second half of a call before what waits. The driver's thread only.
  void submit_next(std::unique_ptr<Job> job);
  /// Looks at what the protocol wants. Any thread.
  void wake();
  void stop();
  Gateway::Health health() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Active {
    std::unique_ptr<Job> job;
    std::unique_ptr<Transfer> transfer;
  };
  struct Parked {
    std::unique_ptr<Job> job;
    HttpAnswer answer;
  };

  void run();
  void take_inbox();
  std::unique_ptr<Job> take_waiting();
  void refuse_expired(Steady now);
  void begin_waiting(Steady now);
  void begin(std::unique_ptr<Job> job, Steady now);
  void finish(CURL* handle, CURLcode code);
  void consider(std::unique_ptr<Job> job, const HttpAnswer& answer);
  void repeat_or_settle(std::unique_ptr<Job> job, Fault fault);
  void settle(std::unique_ptr<Job> job, Fault fault);
  void fetch_keys_if_wanted();
  void keys_fetched();
  int poll_ms(Steady now) const;
  void end_everything();

  const Protocol& protocol_;
  const GatewayOptions options_;
  const TransferSetup setup_;
  Multi multi_;

  mutable std::mutex mutex_;
  std::deque<std::unique_ptr<Job>> inbox_;
  std::size_t queued_ = 0;  ///< in inbox_ and waiting_
  bool stopping_ = false;

  // The thread's own.
  std::deque<std::unique_ptr<Job>> waiting_;
  std::multimap<Steady, std::unique_ptr<Job>> repeats_;
  std::unordered_map<CURL*, Active> active_;
  std::vector<Parked> parked_;  ///< answers that only lack the key to read them
  bool fetching_keys_ = false;
  CircuitBreaker breaker_;  ///< of one thread: this one's
  std::mt19937_64 random_;

  std::atomic<bool> breaker_open_{false};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::thread thread_;
};

}  // namespace sluice::payment
