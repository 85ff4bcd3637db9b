// Asking the provider about payments that no notification told of, until each is final; also the
// one that closes what was created for an order that is given up by now.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <unordered_map>

#include "base/ids.h"
#include "sale/views.h"
#include "settlement/office.h"

namespace sluice::settlement {

class Reconciler {
 public:
  /// `is_busy`: a payment of this order is being created.
  Reconciler(Office& office, std::function<bool(OrderId)> is_busy);

  /// There may be a payment of this order at the provider; looks at it after `first` and then with
  /// backoff. An order that is watched already keeps its schedule.
  void watch(OrderId order, Span first);
  /// Looks at it now, if it is watched.
  void nudge(OrderId order);
  /// Looks at it now, watched or not, if the service knows it as a payment of an order of ours.
  void look_at(std::string out_trade_no);
  /// Nothing more is to be learnt of it, and the service's ledger knows.
  void settled(OrderId order);
  /// Watches the payments that the service calls open; the first look comes at once.
  void list_open();
  void pump();
  std::size_t watching() const { return entries_.size(); }

 private:
  enum class Stage : std::uint8_t { sleeping, ready, under_way };
  struct Entry {
    Backoff backoff;
    Stage stage = Stage::sleeping;
    bool over = false;  ///< settled while under way
  };
  using View = std::optional<sale::OrderView>;

  std::optional<OrderId> order_of(const payment::Payment& payment) const;
  void list_behind(std::int64_t sequence);
  void look(OrderId order);
  void judge(OrderId order, const View& view);
  void read(OrderId order, sale::OrderStatus status, const Said<payment::Trade>& said);
  void money(OrderId order, const payment::Trade& trade);
  void nothing_to_pay(OrderId order, sale::OrderStatus status, payment::Trade::State state);
  void close(OrderId order);
  void finish(OrderId order);
  void sleep(OrderId order, Span pause);
  void sleep(OrderId order) { sleep(order, entries_.at(order).backoff.next()); }

  Office& office_;
  std::function<bool(OrderId)> is_busy_;
  std::unordered_map<OrderId, Entry> entries_;
  std::deque<OrderId> ready_;
  std::size_t under_way_ = 0;
};

}  // namespace sluice::settlement
