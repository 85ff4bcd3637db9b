// What the API counts: one cell per I/O thread, written without locked instructions and merged when
// Prometheus asks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "http/server.h"

namespace sluice::webhook {
class Office;
}

namespace sluice::api {

struct Payments;

/// A counter that one thread writes and any thread reads.
class Counter {
 public:
  void add(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// How a grab ended, as the metrics tell it: the outcomes of the core, then what never got there.
enum class GrabResult : std::uint8_t {
  replayed,
  key_mismatch,
  unknown_item,
  invalid,
  not_started,
  ended,
  paused,
  already_queued,
  limit_reached,
  sold_out,
  granted,
  overloaded,
  storage,
};
inline constexpr std::size_t kGrabResults = static_cast<std::size_t>(GrabResult::storage) + 1;

/// How a shopper's wish to pay ended: begun, then settlement::BeginError in its order.
enum class PaymentResult : std::uint8_t {
  begun,
  unknown_order,
  not_awaiting,
  past_deadline,
  refused,
  unavailable,
  overloaded,
  storage,
};
inline constexpr std::size_t kPaymentResults = static_cast<std::size_t>(PaymentResult::storage) + 1;

inline constexpr std::size_t kMaxRoutes = 128;
inline constexpr std::size_t kStatusClasses = 6;  ///< index 1 to 5: 1xx to 5xx

/// Upper bounds of the latency buckets in microseconds; one more bucket has no bound.
inline constexpr std::array<std::uint64_t, 14> kLatencyBounds{
    50,     100,    250,    500,     1'000,   2'500,     5'000,
    10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000, 5'000'000};

struct alignas(64) MetricsCell {
  std::array<std::array<Counter, kStatusClasses>, kMaxRoutes> requests;
  std::array<Counter, kGrabResults> grabs;
  std::array<Counter, kPaymentResults> payments;
  std::array<Counter, kLatencyBounds.size() + 1> latency;  ///< of grabs that the writer answered
  Counter latency_microseconds;

  void observe_latency(std::uint64_t microseconds);
};

/// The cells of all threads, and where the numbers of servers come from. Any thread.
class Metrics {
 public:
  MetricsCell& new_cell();
  void observe(std::function<http::ServerCounts()> counts);

  /// Sums over all threads since the start.
  struct Totals {
    std::array<std::uint64_t, kGrabResults> grabs{};
    std::array<std::uint64_t, kLatencyBounds.size() + 1> latency{};
    std::uint64_t requests = 0;
    std::uint64_t connections = 0;  ///< open now
  };
  Totals totals();

  struct RouteName {
    std::string method;
    std::string pattern;
  };
  /// The exposition in Prometheus' text format 0.0.4. `routes` names the rows of
  /// MetricsCell::requests; `payments` and `webhooks` may be null.
  std::string expose(const engine::Engine& engine, const Payments* payments,
                     const webhook::Office* webhooks, const std::vector<RouteName>& routes,
                     const std::string& version, std::int64_t streams_open);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<MetricsCell>> cells_;
  std::vector<std::function<http::ServerCounts()>> servers_;
};

}  // namespace sluice::api
