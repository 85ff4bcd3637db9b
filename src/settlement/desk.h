// The settlement desk: turns what the core asks of the provider (close, refund) into gateway calls,
// and what the provider tells (notifications, queries) into commands of the core.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "base/result.h"
#include "bus/bus.h"
#include "engine/engine.h"
#include "payment/gateway.h"
#include "payment/service.h"

namespace sluice::settlement {

/// A payment that a shopper can make now.
struct ShopperPayment {
  std::string code_url;
  Money amount;
  Currency currency;
  Instant expires_at;
};

enum class BeginError : std::uint8_t {
  unknown_order,  ///< or another shopper's
  not_awaiting,   ///< paid, closing or ended
  past_deadline,
  refused,      ///< the provider will not make this payment
  unavailable,  ///< the provider cannot be reached now; try again
  overloaded,
  storage,
};

struct DeskOptions {
  std::string exchange = "exchange.order";
  std::string queue = "queueSeckillOrder";  ///< also its routing key
  std::size_t closings_at_once = 32;
  Span first_reconcile = Span::seconds(15);  ///< a payment with no callback is queried; doubles …
  Span last_reconcile = Span::seconds(600);  ///< … up to this
  Span refund_poll = Span::seconds(5);       ///< doubles up to last_reconcile
};

struct DeskCounts {
  std::uint64_t notifications = 0;
  std::uint64_t parked = 0;  ///< notifications that wait for a person
  std::uint64_t closings_waiting = 0;
  std::uint64_t refunds_waiting = 0;
  std::uint64_t reconciling = 0;
};

class Desk {
 public:
  virtual ~Desk() = default;
  /// Creates, or tells again, the payment of the shopper's order. `then` runs on the mailbox's
  /// thread. Any thread.
  virtual void begin(
      std::string user, OrderId order, std::string client_address, engine::Mailbox& to,
      std::move_only_function<void(std::expected<ShopperPayment, BeginError>)> then) = 0;
  /// Somebody's query or close said what became of this payment, and the ledger has learnt it: what
  /// the record does not know of it is settled as a notification would. Payments of others are left
  /// alone. Any thread.
  virtual void look_at(std::string out_trade_no) = 0;
  virtual DeskCounts counts() const = 0;
  /// Finishes what is under way at the provider as far as it answers; the rest is asked again after
  /// the next start. Before the stop() of all it was opened with; the desk itself is destroyed
  /// after the engine's stop(), which may still deliver to it. Once.
  virtual void stop() = 0;
};

/// Registers for the engine's duties and starts consuming. All must outlive stop().
Result<std::unique_ptr<Desk>> open_desk(const DeskOptions& options, engine::Engine& engine,
                                        payment::Service& service, payment::Gateway& gateway,
                                        bus::Bus& bus);

}  // namespace sluice::settlement
