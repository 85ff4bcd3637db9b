// The gateway behind its two APIs, its page and its control: orders, notifications and faults under
// one lock. What it gives out are copies.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/book.h"
#include "sandbox/faults.h"
#include "sandbox/outbox.h"

namespace sluice::sandbox {

/// One of both; the transaction's is preferred.
struct TradeKey {
  std::string_view out_trade_no;
  std::string_view transaction_id = {};
};

/// Any thread.
class Emulator {
 public:
  explicit Emulator(std::function<Instant()> now, std::size_t most_orders = kMaxOrders);

  Instant now() const { return now_(); }

  // What merchants ask for.
  Outcome<Trade> create(const OrderRequest& request);
  Outcome<Trade> query(const TradeKey& key);
  Outcome<Trade> close(std::string_view out_trade_no);
  struct RefundView {
    Trade trade;
    std::size_t index = 0;
    bool is_new = false;
    const Refund& refund() const { return trade.refunds[index]; }
  };
  Outcome<RefundView> refund(const RefundRequest& request);
  Outcome<RefundView> query_refund(std::string_view out_refund_no);

  // What payers do. An amount of nothing is the order's.
  Outcome<Trade> pay(std::string_view out_trade_no, std::optional<Money> amount, bool force);
  Outcome<Trade> decline(std::string_view out_trade_no);
  std::optional<Trade> find_code(std::string_view code) const;

  // The control.
  Faults faults() const;
  void set_faults(const Faults& faults);
  double speed() const;
  void set_speed(double speed);
  /// Runs `reader` with the book under the lock.
  template <class Reader>
  auto read(Reader reader) const {
    const std::lock_guard lock(mutex_);
    return reader(book_);
  }

  // The notifier.
  /// Runs `wake` on any thread whenever there may be something new to send.
  void on_change(std::function<void()> wake) { wake_ = std::move(wake); }
  /// At most `room` tasks that are to be sent now.
  std::vector<Outbox::Task> take(std::size_t room);
  /// What a task is about.
  struct Subject {
    Trade trade;
    std::optional<std::size_t> refund;
    std::string event_id;
    bool omit_sign_type = false;
  };
  std::optional<Subject> subject(const Outbox::Task& task) const;
  struct Answer {
    bool acknowledged = false;
    int status = 0;
    Instant asked_at;
    Span took;
    std::string text;  ///< the body, or why there is none
  };
  void answered(const Outbox::Task& task, const Answer& answer);
  std::optional<Instant> next_due() const;
  std::size_t notices() const;

 private:
  Outcome<Trade> answer(const Book::Found& found);
  Outcome<Trade> pay_locked(std::string_view out_trade_no, Money amount, bool force, Instant now);
  void post(Order& order, std::optional<std::size_t> refund, Instant now);
  void settle(const Outbox::Task& task, const Answer& answer);
  void wake() const {
    if (wake_) wake_();
  }

  std::function<Instant()> now_;
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  Book book_;
  Outbox outbox_;
  Faults faults_;
};

}  // namespace sluice::sandbox
