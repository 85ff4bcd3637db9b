// Admission on one node: collects grabs, asks Redis in batches, brings what was reserved to the
// broker, and tells shoppers that they queue once the broker has confirmed it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "cluster/node.h"
#include "cluster/node_number.h"
#include "engine/engine.h"
#include "redis/outbox.h"
#include "sale/commands.h"

namespace sluice::cluster {

/// How long a shopper waits for Redis and the broker before the answer is 503.
inline constexpr Span kGrabPatience = Span::seconds(5);

class Gate {
 public:
  virtual ~Gate() = default;
  /// `then` runs once on the mailbox's thread: granted (the order is `queued`), a refusal, or
  /// Trouble::unavailable. Any thread.
  virtual engine::Admission submit(sale::Grab&& grab, engine::Mailbox& to,
                                   engine::Continuation&& then) = 0;
  /// Whether this node knows that fewer units are left, and that the shopper has no order in the
  /// item's sale, which would be the answer before that one. Any thread.
  virtual bool knows_sold_out(std::string_view user, ItemNo item, std::int64_t quantity) const = 0;
  /// Units came back. Any thread.
  virtual void released(const redis::Announcement& announcement) = 0;
  /// Announcements may have been missed. Any thread.
  virtual void forget_sold_out() = 0;
  /// Entries of the outbox of a sale, loaded under `epoch`, that some node left lying: brought to
  /// the broker by this one. Any thread.
  virtual void adopt(SaleNo sale, std::uint64_t epoch,
                     std::vector<redis::OutboxEntry>&& entries) = 0;
  virtual std::size_t depth() const = 0;
  /// Accepts nothing more and waits for what is under way, at most `patience`. Once.
  virtual void stop(Span patience) = 0;
};

/// `numbers` gives order ids. Both must outlive it.
std::unique_ptr<Gate> open_gate(Node& node, OrderNumbers& numbers);

}  // namespace sluice::cluster
