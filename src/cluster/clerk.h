// All commands but grabs: each batch is one transaction of the record.
#pragma once

#include <memory>

#include "base/result.h"
#include "cluster/node.h"
#include "engine/engine.h"
#include "sale/commands.h"

namespace sluice::cluster {

class Clerk {
 public:
  virtual ~Clerk() = default;
  /// Everything but Grab and Pulse. `then` runs once on the mailbox's thread, after the commit,
  /// with the order, sale or item that the outcome speaks of, as the embedded engine's reply has
  /// it. While the record cannot be reached: Trouble::unavailable after a bounded time. Any thread.
  virtual engine::Admission submit(sale::Command&& command, engine::Mailbox& to,
                                   engine::Continuation&& then) = 0;
  virtual std::size_t depth() const = 0;
  /// Finishes what was accepted, as far as the record answers. Once.
  virtual void stop() = 0;
};

/// Connects and applies missing migrations.
Result<std::unique_ptr<Clerk>> open_clerk(Node& node);

}  // namespace sluice::cluster
