// Tells Redis what happened to orders: follows the record's history, sale by sale.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cluster/ask.h"
#include "cluster/loader.h"
#include "cluster/node.h"
#include "redis/outbox.h"
#include "store/cluster_feed.h"

namespace sluice::cluster {

/// How far the mirror of one sale has got. What Redis could not take yet is remembered, and where
/// it stood in the history, so that whoever goes on from saved() tries it again.
class MirrorPosition {
 public:
  explicit MirrorPosition(std::int64_t position) : position_(position) {}

  std::int64_t reached() const { return position_; }
  /// Everything up to here was told.
  std::int64_t saved() const;
  void advance(std::int64_t to) { position_ = std::max(position_, to); }
  /// False: too many; the sale has to be loaded anew.
  bool put_off(OrderId order, std::int64_t sequence);
  void settled(OrderId order) { put_off_.erase(order); }
  std::vector<OrderId> waiting() const;

 private:
  std::int64_t position_;
  std::map<OrderId, std::int64_t> put_off_;
};

/// "epoch:position", as it is kept beside the sale in Redis; zero for another epoch or none.
std::string position_text(std::uint64_t epoch, std::int64_t position);
std::int64_t parse_position(std::string_view text, std::uint64_t epoch);

/// The keeper's thread only.
class Mirror {
 public:
  Mirror(Node& node, store::ClusterFeed& feed) : node_(node), feed_(feed) {}

  /// As far as the record goes, or a bounded number of pages.
  void turn(const OpenSales& open, Instant now);
  /// Brings orders in Redis to what the record says, whose row is `in_record`. What the record
  /// does not know is returned: its message was lost.
  redis::Answer<std::vector<redis::Reservation>> straighten(
      SaleNo sale, std::span<const redis::Reservation> orders,
      std::span<const store::FeedOrder> in_record);
  /// Sales that have to be loaded anew.
  std::vector<SaleNo> take_lost() { return std::exchange(lost_, {}); }

 private:
  struct Told {
    const store::FeedOrder* order;
    std::int64_t sequence;
  };
  struct Followed {
    OpenSale sale;
    MirrorPosition position;
    Trouble trouble;
    std::int64_t saved = 0;
    Instant save_at;
    Instant retry_at;      ///< after a failure
    Instant settle_at;     ///< for what was put off
    bool strange = false;  ///< Redis lacks an order that holds a unit; said once
  };
  using Moves = std::map<std::pair<std::size_t, redis::Verb>, std::vector<OrderId>>;

  void meet(const OpenSales& open, Instant now, const TurnBudget& budget);
  bool page(Instant now, const TurnBudget& budget);
  redis::Answer<void> tell(SaleNo no, Followed& followed, std::span<const Told> told);
  redis::Answer<void> tell_part(SaleNo no, Followed& followed, std::span<const Told> told);
  redis::Answer<void> move(SaleNo no, Followed& followed, const Moves& moves,
                           const std::map<OrderId, std::int64_t>& sequences);
  void settle(SaleNo no, Followed& followed, Instant now);
  void save(Followed& followed, Instant now);
  void failed(Followed& followed, const redis::Refusal& refusal);

  Node& node_;
  store::ClusterFeed& feed_;
  std::map<SaleNo, Followed> followed_;
  std::vector<SaleNo> lost_;
  Trouble record_trouble_{"the mirror cannot read the record"};
};

}  // namespace sluice::cluster
