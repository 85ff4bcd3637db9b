// Brings sales into Redis, keeps their definitions as the record has them, and rebuilds what Redis
// lost. A step at a time: whoever holds the lease has other things to do in between.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/ask.h"
#include "cluster/gate.h"
#include "cluster/node.h"
#include "redis/admission.h"
#include "store/cluster_feed.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

/// A sale that Redis admits shoppers to.
struct OpenSale {
  redis::SaleCalls calls;
  std::uint64_t epoch = 0;
  std::int64_t history = 0;  ///< as store::Loading has it
};
using OpenSales = std::map<SaleNo, OpenSale>;

/// An order as Redis keeps it after a loading.
redis::Reservation loaded_form(const store::FeedOrder& order);

/// The keeper's thread only.
class Loader {
 public:
  Loader(Node& node, Gate& gate, store::ClusterRecord& record, store::ClusterFeed& feed)
      : node_(node), gate_(gate), record_(record), feed_(feed) {}

  /// Bounded in time, whatever Redis does.
  void turn(Instant now);
  const OpenSales& open() const { return open_; }
  /// Redis and the record do not come together by moves: the sale is loaded anew.
  void reload(SaleNo sale);

 private:
  /// What is to be done next. A sale is closed from `draining` to `loading`, always.
  enum class Step : std::uint8_t {
    looking,   ///< what Redis has of it is not known
    draining,  ///< sealed; its outbox goes to the broker
    waiting,   ///< for the workers to write what the broker has
    loading,   ///< its orders are brought
    open,
  };
  struct Entry {
    Entry(SaleNo no, const std::string& id);
    SaleNo sale;
    redis::SaleCalls calls;
    Trouble trouble;
    Step step = Step::looking;
    Instant due;
    Span backoff;
    std::uint64_t epoch = 0;  ///< that Redis had last; zero: none
    Instant wait_until;
    std::uint64_t counted = 0;            ///< of the grab queue when the wait began
    std::optional<Instant> empty_since;   ///< the grab queue, by a count made since
    std::optional<std::uint64_t> fewest;  ///< grabs that waited there since
    Instant adopt_at;
    store::Loading loading;
    OrderId after{};
    std::int64_t orders = 0;
    bool reload = false;
    std::uint64_t defined_version = 0;  ///< of the catalog that Redis was told
    std::map<ItemNo, redis::ItemDefinition> defined;
  };

  bool survey(Instant now);
  void step(Entry& entry, Instant now);
  void look(Entry& entry, Instant now);
  void update(Entry& entry, const redis::Stats& stats);
  bool define(Entry& entry, const engine::CatalogSale& sale, std::uint64_t version);
  void close(Entry& entry, std::uint64_t epoch, Instant now);
  void drain(Entry& entry, Instant now);
  void wait(Entry& entry, Instant now);
  void await_workers(Entry& entry, Instant now);
  void begin(Entry& entry, Instant now);
  void load(Entry& entry, Instant now);
  void open_up(Entry& entry, Instant now);
  void set_open(Entry& entry, std::uint64_t epoch, std::int64_t history);
  void forget_open(const Entry& entry);
  void failed(Entry& entry, std::string_view what);
  void refused(Entry& entry, const redis::Refusal& refusal);
  std::optional<std::uint64_t> waiting_grabs(const Entry& entry) const;
  std::uint64_t times_counted() const;

  Node& node_;
  Gate& gate_;
  store::ClusterRecord& record_;
  store::ClusterFeed& feed_;
  std::map<SaleNo, Entry> entries_;  // at most as many as there are sales
  OpenSales open_;
  std::map<SaleNo, store::Loading> recorded_;  ///< as the record has them
  SaleNo next_{};                              ///< whose turn it is
  Instant survey_at_;
  std::uint64_t surveyed_ = 0;  ///< the catalog whose windows were looked at
  Instant windows_at_;
  Trouble record_trouble_{"the keeper cannot read the record"};
};

}  // namespace sluice::cluster
