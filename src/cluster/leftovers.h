// Finds what nodes that died, or the broker, left lying in Redis, and brings it on its way again.
#pragma once

#include <map>

#include "cluster/ask.h"
#include "cluster/gate.h"
#include "cluster/loader.h"
#include "cluster/mirror.h"
#include "cluster/node.h"
#include "redis/outbox.h"
#include "store/cluster_feed.h"

namespace sluice::cluster {

/// The keeper's thread only.
class Leftovers {
 public:
  Leftovers(Node& node, Gate& gate, store::ClusterFeed& feed, Mirror& mirror,
            const redis::SweepPlan& plan = {})
      : node_(node), gate_(gate), feed_(feed), mirror_(mirror), plan_(plan) {}

  /// At most one task per sale, and bounded in time.
  void turn(const OpenSales& open, Instant now);

 private:
  struct Watched {
    Watched(const OpenSale& open, const redis::SweepPlan& plan, Instant now);
    OpenSale sale;
    redis::Sweeper sweeper;
    Trouble trouble;
    Span ahead;  ///< how far the clock of its server is ahead of ours
  };
  void look(SaleNo no, Watched& watched, Instant now);
  redis::Answer<void> read_outbox(SaleNo no, Watched& watched, const redis::Sweeper::Task& task,
                                  Instant now);
  redis::Answer<void> read_stragglers(SaleNo no, Watched& watched, const redis::Sweeper::Task& task,
                                      Instant now);

  Node& node_;
  Gate& gate_;
  store::ClusterFeed& feed_;
  Mirror& mirror_;
  const redis::SweepPlan plan_;
  std::map<SaleNo, Watched> watched_;
};

}  // namespace sluice::cluster
