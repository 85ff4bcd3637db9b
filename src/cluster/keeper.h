// The elected node's work: loads sales into Redis, mirrors the record into Redis, sweeps the
// record, and finds what was left lying between the services.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "cluster/gate.h"
#include "cluster/node.h"

namespace sluice::cluster {

class Keeper {
 public:
  virtual ~Keeper() = default;
  /// Gives the lease back. Once.
  virtual void stop() = 0;
};

/// Seeks the lease from now on; where options.keeps. `gate` publishes again what was left lying.
Result<std::unique_ptr<Keeper>> open_keeper(Node& node, Gate& gate);

}  // namespace sluice::cluster
