// The ledger in payments.db: every payment that was begun, and every notification that came. The
// format is described in docs/formats/payments.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "payment/service.h"
#include "sqlite/database.h"

namespace sluice::payment {

/// A payment with what only its creation needs.
struct PaymentRow {
  Payment payment;
  std::string client_address;
  std::uint32_t asked = 1;  ///< how often the provider was asked to create it
};

/// A notification with what it became.
struct NotificationRow {
  NotificationEntry entry;
  std::string exchange;  ///< empty where it was refused
  std::string routing_key;
  std::string message;
};

/// Of what cannot be verified, so much is kept per notification.
inline constexpr std::size_t kMaxRefusedBytes = 4096;

/// One thread at a time. Everything answers SQLITE_OK or an extended code; after any other a
/// transaction must be ended with database().abandon().
class Ledger {
 public:
  static Result<std::unique_ptr<Ledger>> open(const std::string& directory);

  sqlite::Database& database() { return *database_; }

  int find(std::string_view out_trade_no, std::optional<PaymentRow>& out);
  int open_payments(std::int64_t after, std::uint32_t limit, std::vector<Payment>& out);
  /// Sets the sequence.
  int insert(PaymentRow& row);
  /// The provider is asked once more; a refused payment is `creating` again.
  int ask_again(std::string_view out_trade_no);
  int set_code(std::string_view out_trade_no, const CreatedPayment& created, Instant now);
  /// Changes nothing where the payment is unknown or has got further. An empty transaction leaves
  /// what is known.
  int settle(std::string_view out_trade_no, Payment::Standing standing,
             std::string_view transaction_id);
  /// Closed, where the payment is unsettled and its time was over at `latest_end`.
  int settle_missing(std::string_view out_trade_no, Instant latest_end);

  int find_event(std::string_view event_id, std::optional<NotificationRow>& out);
  int find_notification(std::int64_t sequence, std::optional<NotificationRow>& out);
  int notifications(std::optional<std::int64_t> before, std::uint32_t limit,
                    const std::optional<std::string>& out_trade_no,
                    std::vector<NotificationEntry>& out);
  /// Of a verified event: the row of an earlier attempt is replaced.
  int log_event(const NotificationRow& row);
  int mark_routed(std::int64_t sequence);
  int add_repetitions(std::string_view event_id, std::uint64_t count);
  /// Of what could not be verified: cut to kMaxRefusedBytes, the oldest beyond `kept` go.
  int log_refused(const NotificationEntry& entry, std::uint32_t kept);

 private:
  Ledger() = default;
  Result<> prepare();
  int one_payment(sqlite::Statement& rows, std::optional<PaymentRow>& out);
  int one_notification(sqlite::Statement& rows, std::optional<NotificationRow>& out);
  void bind_notification(sqlite::Statement& to, const NotificationRow& row);

  std::unique_ptr<sqlite::Database> database_;
  sqlite::Statement find_, open_payments_, insert_, ask_again_, set_code_, settle_, settle_missing_;
  sqlite::Statement find_event_, find_notification_, list_, list_of_order_, log_event_;
  sqlite::Statement mark_routed_, add_repetitions_, log_refused_, drop_oldest_;
  std::string headers_;  ///< bound to a statement that is being run
};

}  // namespace sluice::payment
