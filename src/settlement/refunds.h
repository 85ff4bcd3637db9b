// Giving money back: asks the provider for each refund and polls until it is final.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "base/ids.h"
#include "sale/effects.h"
#include "settlement/office.h"

namespace sluice::settlement {

/// Numbers that one refund may use up; a person decides after that.
inline constexpr std::uint32_t kMaxRefundRounds = 3;

/// The refund's number at the provider in this round, from 1: follows from the order and from what
/// the provider closed before, so that asking twice cannot pay back twice. An order is refunded
/// once, and wholly.
std::string refund_number(OrderId order, std::uint32_t round);

class Refunds {
 public:
  explicit Refunds(Office& office) : office_(office) {}

  void ask(const sale::RefundPayment& duty);
  /// The provider says that the refund came to an end: asks now instead of at the next poll.
  void nudge(OrderId order);
  void pump();
  std::size_t waiting() const { return entries_.size(); }

 private:
  enum class Stage : std::uint8_t { sleeping, ready, under_way };
  struct Entry {
    sale::RefundPayment duty;
    Backoff backoff;
    Stage stage = Stage::ready;
    std::uint32_t round = 1;
    bool accepted = false;  ///< the provider knows this refund: from now on it is polled
    bool again = false;     ///< asked for once more while under way
  };

  void start(OrderId order, const Entry& entry);
  void read(OrderId order, bool was_query, const Said<payment::RefundProgress>& said);
  void next_round(OrderId order);
  void sleep(OrderId order);
  void tell(OrderId order, bool succeeded);

  Office& office_;
  std::unordered_map<OrderId, Entry> entries_;
  std::deque<OrderId> ready_;
  std::size_t under_way_ = 0;
};

}  // namespace sluice::settlement
