// After the crowd: asks the server about everything that was promised and gathers the evidence.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rush/control.h"
#include "rush/crowd.h"
#include "rush/readback.h"
#include "rush/verdict.h"
#include "rush/worker.h"

namespace sluice::rush {

/// What was true before the first request.
struct Before {
  std::vector<std::optional<ItemStats>> stats;  ///< per goods
  Instant server_time;
  std::uint64_t monotonic_ns = 0;
};

class Audit {
 public:
  Audit(const Plan& plan, const Control& control, Crowd& crowd, const Tally& tally,
        const Before& before);

  /// Blocks while it asks; bounded by the limits in readback.h and kMaxListedOrders.
  Evidence gather();

  static constexpr std::uint64_t kMaxListedOrders = 5'000'000;

 private:
  void settle_queued();
  void resolve_unknown();
  void adopt(std::uint32_t index, const std::vector<ListedOrder>& orders);
  void check_order_ids();
  void read_back();
  void try_foreign();
  void read_stats();
  void read_record();
  std::vector<OrderId> known_orders();
  int goods_index(const std::string& item_id) const;
  void ask(const Readback::Next& next, const Readback::OnAnswer& on_answer);

  const Plan& plan_;
  const Control& control_;
  Crowd& crowd_;
  const Tally& tally_;
  const Before& before_;
  Evidence evidence_;
  std::vector<OrderId> found_;  ///< orders found beyond a shopper's first one
  Span shortest_hold_{INT64_MAX};
};

/// Reads the statistics of every goods of the plan; a problem is added to `troubles`.
std::vector<std::optional<ItemStats>> read_all_stats(const Plan& plan, const Control& control,
                                                     std::vector<std::string>& troubles);

}  // namespace sluice::rush
