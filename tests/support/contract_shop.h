// What every engine promises, in a form in which engines can be compared: commands go in, what was
// told and what is the case afterwards come out.
//
// The plain model, the embedded engine and the cluster differ in ways that are no disagreement, and
// which the drivers of this interface even out:
//  - Numbers. Each engine gives its own order ids. Here orders are 1, 2, 3, … in the order in which
//    they were granted, and sales and items 0, 1, 2, … in the order in which they were opened.
//  - Queueing. The cluster tells a shopper `queued` and writes the order a moment later, and Redis
//    hears of the record's changes a moment later still. So states are compared when they have come
//    to rest and a command that names an order waits until the order is decided.
//  - Idempotency keys. The cluster's are known within their sale. Elsewhere a key that made an
//  order
//    is told to queue, and the record refuses the second order: one case says so.
//  - Availability. A node of a cluster may know for a moment that a sale is not loaded, or have no
//    number for orders; it says so, has done nothing, and is asked again.
//  - Time. Holds end by the next pulse or sweep, not to the millisecond. Tests keep well away from
//    deadlines on either side.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "engine/clock.h"
#include "sale/catalog.h"
#include "sale/commands.h"
#include "sale/order.h"
#include "sale/state.h"

namespace sluice::test {

/// The clock of all shops of the program: the machine's, put forward.
Instant contract_now();
void put_contract_clock_forward(Span by);
engine::TimeSource contract_time();

/// What came back. `status` is the order's after the command; not told of grabs, which may queue.
struct Told {
  std::string outcome;  ///< see text_of(sale::Outcome)
  OrderId order;        ///< that it speaks of; zero: none
  std::optional<sale::OrderStatus> status;
  bool operator==(const Told&) const = default;
};

struct OrderState {
  OrderId id;
  std::string user;
  ItemNo item;
  std::int64_t quantity = 0;
  std::int64_t amount = 0;
  sale::OrderStatus status{};
  sale::EndReason reason{};
  int close_attempts = 0;
  std::string transaction;
  bool operator==(const OrderState&) const = default;
};

/// Since a Mark.
struct ShopState {
  std::vector<sale::Counters> items;
  std::vector<OrderState> orders;
  std::string unrest;  ///< what has not come to rest yet
  bool operator==(const ShopState&) const = default;
};
struct Mark {
  std::uint32_t sales = 0;
  std::uint32_t items = 0;
  std::int64_t orders = 0;
};

/// "grab 10": the command and the number of its outcome in sale/commands.h.
std::string text_of(const sale::Outcome& outcome);
void PrintTo(const Told& told, std::ostream* out);
void PrintTo(const ShopState& state, std::ostream* out);

/// A shop on one of the engines. Ids in commands and answers are those of this interface. Throws
/// where the engine has trouble that is none of a shop's.
class ContractShop {
 public:
  virtual ~ContractShop() = default;

  /// Returns when shoppers can grab, if it is time.
  virtual SaleNo open(const sale::OpenSale& sale) = 0;
  /// All under way at the same time, answered in this order. Returns when shoppers see what a
  /// definition changed.
  virtual std::vector<Told> tell(std::vector<sale::Command> commands) = 0;
  Told tell(sale::Command command);
  /// The clock was put forward: holds may be over.
  virtual void time_has_passed() = 0;
  /// What is opened and granted from now on.
  virtual Mark mark() const = 0;
  virtual ShopState state(const Mark& since) = 0;
  /// The counters as pages show them.
  virtual std::vector<sale::Counters> shown(const Mark& since) = 0;
  /// Whether the provider was to close, or give back, the payment of the order.
  virtual bool is_asked_to_close(OrderId order) = 0;
  virtual bool is_asked_to_refund(OrderId order) = 0;
  virtual void restart() = 0;
  /// What an audit of the record finds; empty: nothing.
  virtual std::string audit() = 0;
};

enum class EngineKind : std::uint8_t { model, embedded, cluster };
const char* to_text(EngineKind kind);
sale::Settings contract_settings(bool has_gateway);

std::unique_ptr<ContractShop> model_shop(bool has_gateway);
std::unique_ptr<ContractShop> embedded_shop(bool has_gateway);
/// On the services of the program: see ContractServices.
std::unique_ptr<ContractShop> cluster_shop(bool has_gateway);

/// The program's shop of that kind: started by the first who asks, ended and audited after the last
/// test.
ContractShop& contract_shop(EngineKind kind, bool has_gateway);

/// For so long as a busy machine may need.
inline constexpr std::chrono::seconds kContractPatience{30};
/// Waits until it is true.
bool eventually(const std::function<bool()>& holds,
                std::chrono::seconds patience = kContractPatience);

}  // namespace sluice::test
