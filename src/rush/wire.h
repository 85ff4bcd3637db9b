// Many keep-alive connections on one epoll loop: one request in flight per connection, one send and
// one receive per request, nothing allocated on the way.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "rush/response_parser.h"
#include "rush/target.h"

namespace sluice::rush {

/// Nanoseconds of the monotonic clock.
inline std::uint64_t monotonic_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

/// What a request is about; travels with it and comes back with the answer.
struct Errand {
  std::uint64_t intended_ns = 0;  ///< when the shopper meant to act (monotonic clock)
  std::uint32_t shopper = 0;
  std::uint16_t item = 0;
  std::uint8_t purpose = 0;  ///< the driver's own
  std::uint8_t attempt = 0;  ///< the driver's own
};
static_assert(sizeof(Errand) == 16);

/// Why a request got no answer. After `dropped`, `timed_out` and `malformed` nobody knows whether
/// the server acted on it.
enum class Loss : std::uint8_t { dropped, timed_out, malformed };

/// What is done with answers. Called from Wire::poll, on its thread; may call Wire::send.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual void on_answer(const Errand& errand, const Answer& answer, std::uint64_t sent_ns,
                         std::uint64_t now_ns) = 0;
  virtual void on_loss(const Errand& errand, Loss loss, std::uint64_t sent_ns,
                       std::uint64_t now_ns) = 0;
};

struct WireCounts {
  std::uint64_t sent = 0;
  std::uint64_t connects = 0;  ///< connections made, first ones and later ones
  std::uint64_t failed_connects = 0;
  std::uint64_t closed_idle = 0;  ///< closed by the server between requests
  std::string last_problem;       ///< of the last connection that was lost; empty: none
};

inline constexpr unsigned kMaxConnections = 20'000;

/// Not thread-safe: one per thread.
class Wire {
 public:
  /// `timeout` is the longest wait for an answer. Throws std::system_error when the kernel refuses
  /// an epoll instance.
  Wire(Target target, unsigned connections, Span timeout);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// Opens all connections and waits until each is up, at most `patience`.
  Result<void> connect_all(Span patience);
  /// Sends `request` on an idle connection; false when none is idle.
  bool send(const Errand& errand, std::string_view request, std::uint64_t now_ns);
  /// Waits for events, at most until `until_ns`, and hands them to `driver`. Also looks after
  /// timeouts and reconnections. Returns the time after waiting.
  std::uint64_t poll(std::uint64_t until_ns, Driver& driver);

  std::size_t idle() const { return idle_count_; }
  std::size_t in_flight() const { return in_flight_; }
  const WireCounts& counts() const { return counts_; }

 private:
  enum class Phase : std::uint8_t { down, connecting, idle, waiting };
  struct Connection {
    int fd = -1;
    Phase phase = Phase::down;
    std::uint8_t failures = 0;  ///< connects that failed in a row
    std::uint32_t filled = 0;
    std::uint64_t since_ns = 0;  ///< connecting: start; waiting: sent; down: when to try again
    Errand errand;
    ResponseParser parser;
    std::vector<char> buffer;
    std::string unsent;  ///< rest of a request the socket did not take at once
  };

  void start_connect(std::uint32_t index, std::uint64_t now_ns);
  void finish_connect(std::uint32_t index, std::uint64_t now_ns);
  void connect_failed(std::uint32_t index, int error, std::uint64_t now_ns);
  void lose(std::uint32_t index, Loss loss, const std::string& why, std::uint64_t now_ns,
            Driver& driver);
  void close(std::uint32_t index, std::uint64_t retry_at_ns);
  void become_idle(std::uint32_t index);
  void on_event(std::uint32_t index, std::uint32_t events, std::uint64_t now_ns, Driver& driver);
  void receive(std::uint32_t index, bool hung_up, std::uint64_t now_ns, Driver& driver);
  void flush(std::uint32_t index);
  void sweep(std::uint64_t now_ns, Driver& driver);

  Target target_;
  std::uint64_t timeout_ns_;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> idle_ring_;  ///< may hold stale entries; each connection at most once
  std::vector<bool> in_ring_;
  std::size_t ring_head_ = 0;
  std::size_t ring_size_ = 0;
  std::size_t idle_count_ = 0;
  std::size_t in_flight_ = 0;
  std::uint64_t next_sweep_ns_ = 0;
  WireCounts counts_;
};

}  // namespace sluice::rush
