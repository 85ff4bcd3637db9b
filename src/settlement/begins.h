// Beginning a shopper's payment: once per order at a time, the same answer every time.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "payment/service.h"
#include "sale/views.h"
#include "settlement/desk.h"
#include "settlement/office.h"

namespace sluice::settlement {

/// Orders whose payment is being begun, and shoppers waiting per order; more are overloaded.
inline constexpr std::size_t kMaxBegins = 16'384;
inline constexpr std::size_t kMaxWaitersPerOrder = 64;
/// A provider may refuse an end that is nearer than this: WeChat's documents speak of five minutes,
/// newer ones of one.
inline constexpr Span kNearEnd = Span::seconds(5 * 60);

class Begins {
 public:
  using Answer = std::expected<ShopperPayment, BeginError>;
  /// On the loop's thread.
  using Then = std::move_only_function<void(Answer)>;

  struct Events {
    std::function<bool(OrderId)> is_to_close;   ///< its closing waits for us
    std::function<void(OrderId)> released;      ///< nothing is being created for it any more
    std::function<void(OrderId)> created;       ///< the provider has a payment of it
    std::function<void(OrderId)> paid_already;  ///< the provider says so: look at it now
  };
  Begins(Office& office, Events events) : office_(office), events_(std::move(events)) {}

  void begin(std::string user, OrderId order, std::string client_address, Then then);
  /// Whether a payment of this order may come into being at the provider at any moment.
  bool is_busy(OrderId order) const { return entries_.contains(order); }
  /// Answers everybody who still waits: the desk stops. What is under way goes on for nobody.
  void abandon();

 private:
  struct Waiter {
    std::string user;
    std::string client_address;
    Then then;
  };
  struct Entry {
    std::string user;
    std::string client_address;
    std::vector<Waiter> waiters;
  };

  void find(OrderId order);
  void tell_again(OrderId order, payment::Payment known);
  void enter(OrderId order);
  void create(OrderId order, const sale::Order& details);
  void finish(OrderId order, const Answer& answer);

  Office& office_;
  Events events_;
  std::unordered_map<OrderId, Entry> entries_;
};

}  // namespace sluice::settlement
