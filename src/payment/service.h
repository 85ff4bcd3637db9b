// The payment service: creates payments for any order of the shop, remembers them, and carries
// verified notifications to the exchange and queue that their `attach` names.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/money.h"
#include "base/result.h"
#include "bus/bus.h"
#include "payment/gateway.h"

namespace sluice::payment {

/// Where a notification goes, and for whom: the object that `attach` carries.
struct Attach {
  std::string queue;  ///< the routing key
  std::string exchange;
  std::string username;
  bool operator==(const Attach&) const = default;
};
/// JSON with exactly these three keys. The name is left empty where it would not fit
/// kMaxAttachBytes; orders are found by out_trade_no, never by it.
std::string to_json(const Attach& attach);
/// Errors: not such an object, too long, duplicate or unknown keys.
Result<Attach> parse_attach(std::string_view json);

/// A provider's code_url is good for two hours; an older one is asked for again by create().
inline constexpr Span kCodeLife = Span::seconds(110 * 60);

/// A payment as the service remembers it.
struct Payment {
  /// How far it has got, as far as the service saw it: through notifications, and through the
  /// queries and closings that went through it. Only ever moves down this list, except that a
  /// refused creation may be asked again.
  enum class Standing : std::uint8_t {
    creating = 1,  ///< asked for at the provider, or about to be; the answer is not known
    refused = 2,   ///< the provider would not make it; nobody can pay it
    open = 3,      ///< can be paid
    closed = 4,    ///< at the provider, or it never came to be there and its time is over
    failed = 5,    ///< for good, as the provider says
    paid = 6,
    refunded = 7,  ///< wholly or in part
  };
  std::int64_t sequence = 0;  ///< grows with every payment that is begun
  std::string out_trade_no;
  Money amount;
  Currency currency;
  Attach attach;
  std::string subject;
  std::string code_url;  ///< empty until the provider has made it
  Instant code_at;       ///< when it came; to be shown for kCodeLife
  Fields fields;
  Instant created_at;
  Instant expires_at;
  Standing standing = Standing::creating;
  std::string transaction_id;  ///< once the provider has told it
};

struct PaymentRequest {
  std::string out_trade_no;
  Money amount;
  Currency currency;
  Attach attach;
  std::string subject;
  Instant expires_at;
  std::string client_address;
};

struct ServiceError {
  enum class Kind : std::uint8_t {
    invalid,    ///< the request; message says what
    forbidden,  ///< exchange or queue not on the configured list
    conflict,   ///< this out_trade_no was created with another amount, currency or attach
    gateway,    ///< the provider refused or cannot be reached; see fault
    storage,    ///< could not be remembered or read; ask again
  };
  Kind kind = Kind::invalid;
  std::string message;
  std::optional<Fault> fault;
};
template <class T>
using Answer = std::move_only_function<void(std::expected<T, ServiceError>)>;

/// A notification as it came, for the operator's log and replay.
struct NotificationEntry {
  std::int64_t sequence = 0;
  Instant received_at;
  std::string out_trade_no;  ///< empty where it could not be read
  std::string transaction_id;
  std::string event_id;
  enum class Verdict : std::uint8_t { routed = 1, refused = 2, not_stored = 3 };
  Verdict verdict = Verdict::routed;
  std::string detail;             ///< why refused, or where routed
  std::uint64_t repetitions = 0;  ///< how often the same event came again; kept approximately
  RawNotification raw;
};

struct ServiceOptions {
  std::string directory;              ///< of payments.db
  std::vector<bus::Binding> allowed;  ///< where `attach` may lead
  std::function<Instant()> now;
  /// What cannot be verified is logged only so far, so that nobody can fill the disk with it.
  std::uint32_t refused_per_minute = 60;
  std::uint32_t refused_kept = 10'000;  ///< the oldest go first
};

/// Notifications since the start, for /metrics.
struct NotificationCounts {
  std::uint64_t routed = 0;
  std::uint64_t repeated = 0;  ///< of an event that was routed before
  std::uint64_t refused = 0;
  std::uint64_t not_logged = 0;  ///< of the refused, for coming too fast
  std::uint64_t not_stored = 0;
};

/// Any thread; `then` runs once, on a thread of the service, gateway or bus (or at once, on the
/// caller's, where it is refused without being tried), and must not block.
class Service {
 public:
  virtual ~Service() = default;
  /// Idempotent: the same request gives the same answer, across restarts too.
  virtual void create(PaymentRequest request, Answer<Payment> then) = 0;
  /// What the service remembers; empty: never created here.
  virtual void find(std::string out_trade_no, Answer<std::optional<Payment>> then) = 0;
  /// Payments that are `creating` or `open`, oldest first, at most `limit` (kMaxPage), with a
  /// sequence above `after` (0: from the start). A page shorter than `limit` is the last.
  virtual void open_payments(std::int64_t after, std::uint32_t limit,
                             Answer<std::vector<Payment>> then) = 0;
  /// Asks the provider; the ledger learns what it says. So does it from close(): who goes to the
  /// gateway directly leaves the payment in open_payments().
  virtual void query(std::string out_trade_no, Answer<Trade> then) = 0;
  virtual void close(std::string out_trade_no, Answer<CloseAnswer> then) = 0;
  /// Verifies, publishes durably, logs; only then acknowledges success. What cannot be verified or
  /// routed is refused and logged; what cannot be stored now is answered so that it comes again.
  virtual void notify(RawNotification raw, std::move_only_function<void(Acknowledgement)> then) = 0;
  /// Newest first, at most `limit`, below `before` where given.
  virtual void notifications(std::optional<std::int64_t> before, std::uint32_t limit,
                             std::optional<std::string> out_trade_no,
                             Answer<std::vector<NotificationEntry>> then) = 0;
  /// Publishes a logged notification again, as a new message. Errors: unknown, was refused.
  virtual void replay(std::int64_t sequence, Answer<NotificationEntry> then) = 0;
  /// False once payments.db failed in a way that only a restart recovers from. Any thread.
  virtual bool healthy() const = 0;
  virtual NotificationCounts counts() const = 0;
  /// Answers what is under way, refuses the rest, joins the thread. Before the gateway's and the
  /// bus's stop(). Once.
  virtual void stop() = 0;
};
inline constexpr std::uint32_t kMaxPage = 500;

/// `gateway` and `bus` must outlive the service's stop().
Result<std::unique_ptr<Service>> open_service(ServiceOptions options, Gateway& gateway,
                                              bus::Bus& bus);

}  // namespace sluice::payment
