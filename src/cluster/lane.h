// The grabs of one sale on one node, from the shopper to the broker's confirm.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "bus/bus.h"
#include "cluster/errand_thread.h"
#include "cluster/node.h"
#include "cluster/node_number.h"
#include "cluster/sold_out.h"
#include "engine/catalog.h"
#include "engine/engine.h"
#include "engine/outbox.h"
#include "redis/admission.h"
#include "redis/client.h"
#include "redis/outbox.h"

namespace sluice::cluster {

/// A grab that is not decided yet.
struct PendingGrab {
  redis::Grab grab;  ///< without an order id until it is sent for the first time
  engine::Mailbox* to = nullptr;
  engine::Continuation then;
  Instant give_up_at;
  bool doubtful = false;  ///< it was sent, and whether it was executed is not known
};

/// What the lanes of a gate share. The gate's thread, unless a member says otherwise.
struct GateDesk {
  Node& node;
  OrderNumbers& numbers;
  engine::CatalogReader catalog;
  engine::Outbox replies;
  SoldOut sold_out;
  /// Answers of Redis and the broker come over other threads, and may come after the gate's end.
  std::shared_ptr<ErrandThread> thread = std::make_shared<ErrandThread>();
};

/// The gate's thread only.
class Lane {
 public:
  Lane(GateDesk& desk, SaleNo sale, std::string sale_id);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void add(PendingGrab&& grab) { waiting_.push_back(std::move(grab)); }
  void adopt(std::uint64_t epoch, std::vector<redis::OutboxEntry>&& entries, Instant now);
  /// Sends what can be sent, and answers those who waited for too long.
  void turn(Instant now);
  bool idle() const;

 private:
  using Batch = std::vector<PendingGrab>;
  /// A reservation whose shopper waits for the broker's confirm.
  struct Waiter {
    redis::Reservation reservation;
    PendingGrab grab;
  };

  void give_up(Instant now);
  void send(Instant now);
  void use_epoch(std::uint64_t epoch);
  Batch next_batch();
  void answered(Batch&& batch, std::uint64_t epoch, redis::Outcome&& outcome);
  void again(Batch&& batch, bool doubtful, Instant now);
  void refused(Batch&& batch, std::uint64_t epoch, const redis::Refusal& refusal);
  void decided(Batch&& batch, std::uint64_t epoch, const redis::GrabReply& answers);
  void sold_out(const PendingGrab& grab, const redis::GrabAnswer& answer);
  void read_shoppers(ItemNo item, std::uint64_t revision, std::string cursor);
  void look_up(std::uint64_t epoch, std::vector<Waiter>&& doubtful);
  void found_in_outbox(std::uint64_t epoch, std::vector<Waiter>&& doubtful,
                       std::vector<redis::OutboxEntry>&& entries);
  void publish(Instant now);
  void published(const std::string& entry, const Result<>& done);
  void remove_confirmed(Instant now);

  void reply(PendingGrab& grab, const engine::Reply& reply);
  void refuse(PendingGrab& grab, sale::GrabOutcome outcome, OrderId order = {});
  void not_loaded(Batch&& batch, Instant now);
  void unavailable(PendingGrab& grab);
  void grant(Waiter& waiter);
  void trouble(const std::string& what);
  Instant now() const { return desk_.node.clock.now(); }

  /// Calls Redis with the answer back on the gate's thread.
  template <class Answered>
  void call(redis::Command command, Answered then) {
    desk_.node.redis.call(
        calls_.key(), std::move(command),
        [thread = desk_.thread, then = std::move(then)](redis::Outcome&& outcome) mutable {
          thread->post([then = std::move(then), outcome = std::move(outcome)]() mutable {
            then(std::move(outcome));
          });
        });
  }

  GateDesk& desk_;
  const SaleNo sale_;
  const std::string sale_id_;
  const redis::SaleCalls calls_;
  redis::Relay relay_;
  std::uint64_t relay_epoch_ = 0;
  std::deque<PendingGrab> waiting_;
  std::map<std::string, std::vector<Waiter>> unconfirmed_;  ///< by entry of the outbox
  int in_flight_ = 0;
  bool removing_ = false;
  Instant retry_at_;
  Instant remove_at_;
  Instant look_at_waiters_at_;
  std::string trouble_;  ///< as it was logged last
};

}  // namespace sluice::cluster
