// What a node shows of the cluster: catalog, live counters, which sales are loaded, changes of
// orders; and the lease of this node's number.
#pragma once

#include <memory>

#include "base/result.h"
#include "cluster/gate.h"
#include "cluster/node.h"
#include "cluster/node_number.h"

namespace sluice::cluster {

class Follower {
 public:
  virtual ~Follower() = default;
  /// Looks at the record now rather than at its next turn: a definition was just changed here. Any
  /// thread. Returns when the catalog shows what was committed before the call.
  virtual void refresh() = 0;
  virtual void stop() = 0;
};

/// The first catalog is published, and the node has its number, when this returns.
Result<std::unique_ptr<Follower>> open_follower(Node& node, OrderNumbers& numbers);

}  // namespace sluice::cluster
