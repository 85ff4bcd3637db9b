// Looks at the whole server once a second, whoever is watching: numbers for tiles, samples for
// charts.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/history.h"
#include "api/metrics.h"
#include "base/instant.h"
#include "sale/catalog.h"

namespace sluice::api {

/// Sales that have samples of their own: the newest that are not over. Others keep what they have
/// until newer ones need the room.
inline constexpr std::size_t kMaxTrackedSales = 32;
/// Sales that the live numbers name one by one.
inline constexpr std::size_t kMaxLiveSales = 50;

/// Units of several items together.
struct Units {
  sale::Counters counters;
  bool conserved = true;
  void add(const sale::Counters& more, bool good);
};

/// What happened between two looks.
struct Pace {
  double granted = 0;      ///< grabs a second
  double refused = 0;      ///< by the rules of the sale
  double turned_away = 0;  ///< because the server could not
  double requests = 0;
  std::optional<double> p99_ms;  ///< of grabs that the writer answered; an upper bound
};
Pace pace_between(const Metrics::Totals& before, const Metrics::Totals& after, Span time);

/// Thread-safe.
class Monitor {
 public:
  /// Looks, unless another thread did so within the last 0.9 s. `now` is a steady clock's.
  void tick(engine::Engine& engine, Metrics& metrics, Instant now);

  /// The numbers of the last look.
  struct Look {
    std::uint64_t number = 0;  ///< 0: there was none
    Pace pace;
    Metrics::Totals totals;
  };
  Look last();

  enum class Window : std::uint8_t { fine, coarse };
  /// {"step_seconds","at":[…],"columns":{…}} of the server, or of one sale.
  std::string history_json(Window window, std::optional<std::uint32_t> sale);

 private:
  void sample_sales(engine::Engine& engine, Instant at);

  std::mutex mutex_;
  Instant ticked_at_{};
  Look look_;
  Series server_{Fold::mean, Fold::mean, Fold::mean, Fold::mean, Fold::most, Fold::most};
  std::map<std::uint32_t, Series> by_sale_;
};

}  // namespace sluice::api
