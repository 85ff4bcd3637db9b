// The gateway interface: create, query, close and refund payments at a provider, and read what it
// notifies. WeChat Pay v2 and v3 stand behind it; the shape also fits Alipay and Stripe.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "base/money.h"
#include "base/result.h"

namespace sluice::payment {

/// The provider's own field names and values, in its order: what the payment service hands on.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// Why a call to the provider came to nothing.
struct Fault {
  enum class Kind : std::uint8_t {
    refused,      ///< the provider says no; the same call will be refused again
    retry,        ///< the provider or the way to it failed; the outcome is unknown, ask again
    untrusted,    ///< the answer is not provably the provider's, or speaks of another order
    unavailable,  ///< not sent: the circuit breaker is open or the gateway stops
  };
  Kind kind = Kind::retry;
  std::string code;     ///< the provider's: SYSTEMERROR, ORDERPAID, …; empty where it sent none
  std::string message;  ///< one sentence for the log; no secrets
};
template <class T>
using Outcome = std::expected<T, Fault>;

struct NewPayment {
  std::string out_trade_no;  ///< 6 to 32 of [0-9A-Za-z_-|*]; an order's text id
  Money amount;
  Currency currency;
  std::string subject;  ///< what the payer reads; cut to the provider's length at a character
  std::string attach;   ///< at most kMaxAttachBytes; comes back in queries and notifications
  Instant expires_at;   ///< the last moment to pay; rounded down to the provider's resolution
  std::string client_address;  ///< of the calling machine
};
inline constexpr std::size_t kMaxAttachBytes = 127;

struct CreatedPayment {
  std::string code_url;  ///< what the QR code holds
  Fields fields;
};

/// Money that the provider says it received. Verified to be the provider's word about our merchant.
struct PaymentFacts {
  std::string out_trade_no;
  std::string transaction_id;
  Money amount;  ///< of the order, before coupons (total_fee, never cash_fee)
  Currency currency;
  Instant paid_at;
  std::string attach;
};

struct Trade {
  enum class State : std::uint8_t {
    not_found,
    not_paid,
    paying,  ///< the payer is entering a password; may still become paid or not_paid
    paid,
    closed,
    failed,    ///< for good
    refunded,  ///< wholly or in part; it was paid before
  };
  State state = State::not_found;
  std::optional<PaymentFacts> payment;  ///< with paid, and with refunded where the provider tells
  Fields fields;
};

enum class CloseAnswer : std::uint8_t { closed, already_closed, already_paid, not_found };

struct RefundOrder {
  std::string out_trade_no;
  std::string transaction_id;
  std::string out_refund_no;  ///< makes the call idempotent
  Money total;
  Money amount;
  Currency currency;
  std::string reason;
};
struct RefundProgress {
  enum class State : std::uint8_t {
    processing,
    succeeded,
    failed,  ///< the payer's account could not take it: a person finishes it at the provider
    closed,  ///< for good, without money moved: only another out_refund_no can pay back now
    not_found,
  };
  State state = State::processing;
  std::string refund_id;
};

/// A verified notification. Only of payments that succeeded or refunds that ended.
struct Notification {
  enum class Kind : std::uint8_t { payment, refund };
  Kind kind = Kind::payment;
  std::string event_id;                 ///< the same for every repetition
  std::optional<PaymentFacts> payment;  ///< with kind payment and a success
  bool succeeded = true;
  std::string out_trade_no;
  std::string out_refund_no;  ///< with kind refund
  std::string attach;
  /// As the provider names them; secrets and signatures left out. What v3 nests is joined with dots
  /// ("amount.total"), and return_code, result_code, mch_id, total_fee, fee_type and time_end of v2
  /// are added, so that consumers of messages need not know the version.
  Fields fields;
};

/// What became of a notification. All but `stored` make the provider send it again.
enum class Receipt : std::uint8_t {
  stored,
  refused,     ///< it does not verify, or leads nowhere: the sender's fault
  not_stored,  ///< ours: it may be good when it comes again
};

/// How to answer the provider's notification request.
struct Acknowledgement {
  int status = 200;
  std::string content_type;
  std::string body;
};

/// What a notification request brought, byte for byte.
struct RawNotification {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// An asynchronous gateway over one provider account. Calls may come from any thread; `then` runs
/// exactly once, on the gateway's own thread (or at once, on the caller's, where nothing is sent:
/// with Kind::unavailable, or refused for values that no provider takes), and must not block. What
/// is safe to repeat is repeated with jitter within the timeout.
class Gateway {
 public:
  virtual ~Gateway() = default;
  template <class T>
  using Then = std::move_only_function<void(Outcome<T>)>;

  virtual void create(NewPayment payment, Then<CreatedPayment> then) = 0;
  virtual void query(std::string out_trade_no, Then<Trade> then) = 0;
  /// closed and already_closed are confirmed by the provider; never a guess.
  virtual void close(std::string out_trade_no, Then<CloseAnswer> then) = 0;
  virtual void refund(RefundOrder refund, Then<RefundProgress> then) = 0;
  virtual void query_refund(std::string out_trade_no, std::string out_refund_no,
                            Then<RefundProgress> then) = 0;

  /// Verifies signature, merchant and application over the raw bytes; the error says what is wrong,
  /// for the log. Any thread; does no I/O.
  virtual Result<Notification> parse(const RawNotification& raw, Instant now) const = 0;
  virtual Acknowledgement acknowledge(Receipt receipt, std::string_view why_not) const = 0;

  /// For /metrics, /readyz?verbose and doctor. Any thread.
  struct Health {
    bool breaker_open = false;
    std::uint64_t calls = 0;     ///< begun
    std::uint64_t failures = 0;  ///< ended with a fault other than refused
  };
  virtual Health health() const = 0;

  /// Ends calls under way with Kind::unavailable and joins the thread. Once.
  virtual void stop() = 0;
};

}  // namespace sluice::payment
