// A shop on an engine, whichever it is: numbers are translated, answers are waited for.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "store/verify.h"
#include "support/contract_shop.h"

namespace sluice::test {

/// What was found, a line each; empty: nothing.
std::string text_of(const Result<store::VerifyReport>& report);

class EngineShop : public ContractShop {
 public:
  using ContractShop::tell;
  SaleNo open(const sale::OpenSale& sale) final;
  std::vector<Told> tell(std::vector<sale::Command> commands) final;
  void time_has_passed() final {}
  Mark mark() const final;
  ShopState state(const Mark& since) final;
  std::vector<sale::Counters> shown(const Mark& since) final;
  bool is_asked_to_close(OrderId order) final { return has(closes_, order); }
  bool is_asked_to_refund(OrderId order) final { return has(refunds_, order); }
  void restart() final;

 protected:
  explicit EngineShop(bool has_gateway) : has_gateway_(has_gateway) {}

  virtual std::unique_ptr<engine::Engine> start() = 0;
  /// After the engine's end, before the next one's start.
  virtual void ended() {}
  /// Whether whoever decides about grabs knows the sale as the catalog has it.
  virtual bool is_known_to_gate(const engine::CatalogSale&) { return true; }
  virtual sale::Counters recorded(const engine::CatalogItem& item) = 0;
  /// Empty: whoever decides about grabs has the same counters as the record, and says so.
  virtual std::string unrest(const engine::CatalogItem&, const sale::Counters&) { return {}; }

  engine::Engine& engine();
  void end();
  bool has_gateway() const { return has_gateway_; }

 private:
  struct Errand;
  void submit(Errand& errand);
  void await_decision(const sale::Command& command);
  sale::Command own(sale::Command command) const;
  OrderId handle_of(OrderId own) const;
  Told told(const Errand& errand);
  void await_definitions();
  std::shared_ptr<const engine::Catalog> catalog() { return engine().catalogs().current(); }
  bool has(const std::set<OrderId>& asked, OrderId order);

  const bool has_gateway_;
  std::unique_ptr<engine::Engine> engine_;
  // Of this interface's numbers the engine's, in order.
  std::vector<SaleNo> sales_;
  std::vector<ItemNo> items_;
  std::vector<OrderId> orders_;
  std::map<OrderId, OrderId> handles_;
  std::set<OrderId> undecided_;  ///< granted, and perhaps only queued; the engine's ids
  std::mutex mutex_;
  std::set<OrderId> closes_, refunds_;  // guarded by mutex_; the engine's ids
};

}  // namespace sluice::test
