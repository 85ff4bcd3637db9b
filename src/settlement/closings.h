// Closing payments at the provider before their units go back: in order of due, a bounded number at
// a time, and never on a guess.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>

#include "base/ids.h"
#include "sale/commands.h"
#include "settlement/office.h"

namespace sluice::settlement {

class Closings {
 public:
  /// `is_busy`: a payment of this order is being created; its closing waits for release().
  /// `done`: the order's payment is decided for good.
  Closings(Office& office, std::function<bool(OrderId)> is_busy, std::function<void(OrderId)> done);

  void ask(OrderId order);
  void release(OrderId order);
  /// Whether the closing of this order waits for the creation of its payment.
  bool waits_for(OrderId order) const;
  void pump();
  std::size_t waiting() const { return entries_.size(); }

 private:
  enum class Stage : std::uint8_t { waiting, blocked, under_way };
  struct Entry {
    Stage stage = Stage::waiting;
    bool again = false;  ///< asked for once more while under way
  };

  void start(OrderId order);
  void read(OrderId order, const Said<payment::CloseAnswer>& said);
  void read(OrderId order, const Said<payment::Trade>& said);
  void put_back(OrderId order);
  void tell(OrderId order, sale::PaymentClosed::Answer answer,
            const std::optional<sale::PaymentSucceeded>& payment = {});
  void finish(OrderId order, const std::optional<sale::PaymentSucceeded>& payment,
              sale::PaymentClosedOutcome outcome);

  Office& office_;
  std::function<bool(OrderId)> is_busy_;
  std::function<void(OrderId)> done_;
  std::unordered_map<OrderId, Entry> entries_;
  std::deque<OrderId> waiting_;
  std::size_t under_way_ = 0;
};

}  // namespace sluice::settlement
