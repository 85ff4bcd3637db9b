// The orders of the sandbox as a state machine without clock, socket or lock: create, pay, decline,
// close, refund, and the history of each. Bounded: finished orders make room for new ones.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sandbox/trade.h"

namespace sluice::sandbox {

inline constexpr std::size_t kMaxOrders = 100'000;          ///< kept; the oldest finished ones go
inline constexpr std::size_t kMaxListedAttempts = 500'000;  ///< over all orders
inline constexpr std::size_t kMaxStrangers = 1'000;         ///< calls about unknown orders, kept

inline constexpr std::size_t kMaxStrangerBytes = 64;  ///< kept of an unknown order's number

class Book {
 public:
  /// `token` gives a new random text of [A-Za-z0-9], at least 16 long.
  explicit Book(std::function<std::string()> token, std::size_t most_orders = kMaxOrders)
      : token_(std::move(token)), most_orders_(most_orders) {}

  using Found = std::expected<Order*, Why>;
  /// A repetition with the same parameters gives the same order.
  Found create(const OrderRequest& request, Instant now);
  /// Errors: unknown_order, closed (already), paid.
  Found close(std::string_view out_trade_no, Instant now);
  /// Errors: unknown_order, paid, closed, failed, expired. With `force` money arrives all the same
  /// for an order that is closed, failed or expired.
  Found pay(std::string_view out_trade_no, Money amount, bool force, Instant now);
  /// Errors: unknown_order, paid, closed, failed (already).
  Found decline(std::string_view out_trade_no, Instant now);

  struct RefundPlace {
    Order* order = nullptr;
    std::size_t index = 0;  ///< in order->trade.refunds
    bool is_new = false;
  };
  /// A repetition with the same parameters gives the same refund.
  std::expected<RefundPlace, Why> refund(const RefundRequest& request, Instant now);

  // Null where there is none.
  Order* find(std::string_view out_trade_no);
  const Order* find(std::string_view out_trade_no) const;
  const Order* find_code(std::string_view code) const;
  Order* find_transaction(std::string_view transaction_id);
  RefundPlace find_refund(std::string_view out_refund_no);

  /// Adds to the history of the order, or to the list of strangers where there is no such order.
  void note(std::string_view out_trade_no, What what, std::string detail, Instant now);
  void note(Order& order, What what, std::string detail, Instant now);
  void attempted(Order& order, Attempt attempt, std::string_view answer);
  void notice_opened(Order& order);
  void notice_ended(Order& order);

  struct Stranger {
    std::string out_trade_no;
    Event event;
  };
  const std::deque<Stranger>& strangers() const { return strangers_; }
  std::size_t size() const { return orders_.size(); }
  std::uint64_t dropped() const { return dropped_; }
  /// Newest first, below `before` (0: from the newest), at most `limit`.
  std::vector<const Order*> list(std::uint64_t before, std::size_t limit) const;

 private:
  bool make_room();
  void forget(Order& order);
  void set_finished(Order& order);
  static void add_event(History& history, What what, std::string&& detail, Instant now);

  std::function<std::string()> token_;
  std::size_t most_orders_;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t last_number_ = 0;  ///< of transactions and refunds
  std::map<std::uint64_t, std::unique_ptr<Order>> orders_;
  std::unordered_map<std::string, Order*> by_number_;
  std::unordered_map<std::string, Order*> by_code_;
  std::unordered_map<std::string, Order*> by_transaction_;
  std::unordered_map<std::string, std::pair<Order*, std::size_t>> by_refund_;
  std::set<std::uint64_t> finished_;
  std::deque<Stranger> strangers_;
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> answers_;
  std::size_t listed_attempts_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace sluice::sandbox
