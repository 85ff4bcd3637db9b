// Taking payment notifications from their queue: each becomes a command, and is acknowledged once
// that is durable.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <tuple>

#include "bus/bus.h"
#include "settlement/notice.h"
#include "settlement/office.h"

namespace sluice::settlement {

/// Deliveries open at a time. They stay open while the engine is overloaded or its disk is full:
/// nothing is wrong with them then, and giving them back would use up their attempts.
inline constexpr std::size_t kNoticePrefetch = 256;
/// Incidents that are remembered, so that a provider which repeats itself does not fill the history
/// of an order with the same one.
inline constexpr std::size_t kMaxIncidents = 4096;

class Notices {
 public:
  struct Events {
    std::function<void(OrderId)> settled;       ///< nothing more is to be learnt of this payment
    std::function<void(OrderId)> refund_ended;  ///< how, is to be asked
    std::function<void(OrderId)> look_at;       ///< a state in between was told
  };
  Notices(Office& office, Events events) : office_(office), events_(std::move(events)) {}

  void take(std::shared_ptr<bus::Delivery> delivery);
  // Any thread.
  std::uint64_t taken() const { return taken_; }
  std::uint64_t parked() const { return parked_; }

 private:
  using Incident = std::tuple<OrderId, std::string, std::int64_t, std::string>;
  using Shared = std::shared_ptr<bus::Delivery>;

  void apply(const Shared& delivery, const PaidNotice& notice);
  void apply(const Shared& delivery, const FailedNotice& notice);
  void apply(const Shared& delivery, const RefundNotice& notice);
  void apply(const Shared& delivery, const OtherNotice& notice);
  void read(const Shared& delivery, const sale::PaymentSucceeded& payment,
            sale::PaymentOutcome outcome);
  /// Not now, or not ever: comes again a bounded number of times, then it is a person's.
  void refuse(const Shared& delivery, const std::string& why);
  void remember(Incident incident);

  Office& office_;
  Events events_;
  std::set<Incident> incidents_;
  std::deque<Incident> oldest_first_;
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> parked_{0};
};

}  // namespace sluice::settlement
