// [goods_source]: a live table of the tutorial's shape is looked at on a schedule; what is new in
// it goes on sale.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "app/config.h"
#include "app/shop.h"
#include "base/result.h"
#include "engine/engine.h"
#include "import/live_table.h"
#include "import/plan.h"
#include "store/cluster_leases.h"

namespace sluice::app {

/// Whether goods_source.url is set.
bool goods_source_configured(const Config& config);

/// Which table, as the configuration says. Errors: a URL, a name, an offset or a hold that cannot
/// be.
Result<importing::LiveTable> goods_source_table(const Config& config);

/// Reads the table once and plans it as an import would, with the offset and the hold configured.
/// Errors: those of read_table(), and a server that cannot be reached.
Result<importing::Plan> read_goods_source(const Config& config, Instant now);

/// Looks in a thread of its own; in a cluster on one node at a time, whichever has the lease. Rows
/// that exist already are left alone, as `sluice import` leaves them. What is left out is logged
/// once; while the table cannot be read, the next look tries again.
class GoodsWatch {
 public:
  /// The configuration was checked, and `engine` outlives this. Errors: a record of a cluster that
  /// cannot be reached. The table may come later.
  static Result<std::unique_ptr<GoodsWatch>> start(const Config& config, engine::Engine& engine);
  ~GoodsWatch();
  GoodsWatch(const GoodsWatch&) = delete;
  GoodsWatch& operator=(const GoodsWatch&) = delete;

  /// Ends after the step in hand; before the engine stops. May be called twice.
  void stop();

 private:
  GoodsWatch(const Config& config, engine::Engine& engine,
             std::unique_ptr<store::ClusterLeases> leases);
  void run(const std::stop_token& stop);
  /// Errors: whatever kept it from looking, or from doing all there was to do.
  Result<> look(const std::stop_token& stop);
  Result<bool> is_mine();
  void tell(const std::vector<importing::Notice>& notices, std::set<std::string>& now_told) const;

  const Config& config_;
  engine::Engine& engine_;
  std::unique_ptr<store::ClusterLeases> leases_;  ///< null: this process is alone
  std::string holder_;
  std::unique_ptr<Shop> shop_;
  std::set<std::string> told_;  ///< of the last look, so that a row is not logged at every one
  bool is_failing_ = false;     ///< so that an outage is two lines in the log
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace sluice::app
