// What a writing transaction of the cluster's record does: read under the lock, decide, lay down.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/cluster_epochs.h"
#include "store/cluster_record.h"
#include "store/cluster_rows.h"
#include "store/cluster_tables.h"

namespace sluice::store {

class Plan {
 public:
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  virtual ~Plan() = default;
  /// Anew for every attempt; `heads` is locked.
  virtual mariadb::Outcome<> read(mariadb::Connection& connection, const Heads& heads) = 0;
  /// What is to be written; empty: nothing.
  const std::optional<BatchParts>& batch() const { return batch_; }
  const BatchContext& context() const { return context_; }

 protected:
  std::optional<BatchParts> batch_;
  BatchContext context_;
};

/// Reservations against the record.
class GrantPlan final : public Plan {
 public:
  GrantPlan(std::span<const Reservation> wanted, Instant now) : wanted_(wanted), now_(now) {}
  mariadb::Outcome<> read(mariadb::Connection& connection, const Heads& heads) override;
  std::vector<GrantReply> take_replies() { return std::move(replies_); }

 private:
  struct Known {
    const Reservation* reservation = nullptr;  ///< of this batch, or:
    OrderRow row;
    sale::OrderStatus status = sale::OrderStatus::failed;
  };
  using UserAndNumber = std::pair<std::string, std::int64_t>;

  mariadb::Outcome<> read_catalog(mariadb::Connection& connection);
  mariadb::Outcome<> read_known(mariadb::Connection& connection);
  void know(const OrderRow& row);
  GrantReply decide(const Reservation& wanted);
  GrantOutcome judge(const Reservation& wanted, const sale::Item& item) const;
  void lay_down(const Heads& heads);
  void add(const Reservation& wanted, GrantOutcome outcome, std::int64_t sequence);

  std::span<const Reservation> wanted_;
  Instant now_;
  std::vector<GrantReply> replies_;
  std::map<std::int64_t, sale::Item> items_;
  std::unordered_map<std::int64_t, Admission> admissions_;  ///< by sale
  std::map<std::int64_t, Known> by_id_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> keys_;
  std::set<UserAndNumber> open_;                   ///< shopper and sale
  std::map<UserAndNumber, std::int64_t> counted_;  ///< shopper and item: units held and owned
  std::set<std::int64_t> touched_;
  BatchBytes sealed_;
  StateBytes rows_;
  std::vector<std::array<std::uint8_t, 16>> key_bytes_;
  Chain chain_;
};

/// Commands decided by the core, in a state that holds no more than they need.
class CommandPlan final : public Plan {
 public:
  enum class Scope : std::uint8_t {
    orders,   ///< the orders that the commands name, and what their shoppers hold
    catalog,  ///< all sales and items, no orders
    overdue,  ///< orders to be given up: `most` of them
  };
  CommandPlan(Scope scope, std::span<const sale::Command> commands, const sale::Settings& settings,
              Instant now, std::uint32_t most = 0)
      : scope_(scope), commands_(commands), settings_(settings), now_(now), most_(most) {}
  mariadb::Outcome<> read(mariadb::Connection& connection, const Heads& heads) override;
  Applied take_applied() { return std::move(applied_); }

 private:
  mariadb::Outcome<> read_named(mariadb::Connection& connection);
  mariadb::Outcome<> read_overdue(mariadb::Connection& connection);
  mariadb::Outcome<> select(mariadb::Connection& connection, const OrderQuery& query);
  mariadb::Outcome<> fill(mariadb::Connection& connection, sale::State& state);
  void count_units(sale::Item& item) const;
  void run(sale::State& state, sale::Effects& effects);

  Scope scope_;
  std::span<const sale::Command> commands_;
  const sale::Settings& settings_;
  Instant now_;
  std::uint32_t most_;
  std::map<std::int64_t, OrderRow> orders_;
  LastEvents events_;
  BatchEncoder encoder_;
  Applied applied_;
};

/// The order that a command is about; zero: none.
OrderId order_named(const sale::Command& command);

}  // namespace sluice::store
