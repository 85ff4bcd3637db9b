// The three things that must keep the same contract: the plain model, the embedded engine, and the
// cluster engine over real services. Each is driven by the core's commands and asked what it shows.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "sale/commands.h"
#include "sale/order.h"
#include "sale/state.h"

namespace sluice::test {

/// What a command came to. Outcomes of one command are numbered alike for all subjects.
struct Told {
  std::size_t command = 0;  ///< the index in sale::Outcome
  int outcome = 0;
  std::int64_t order = 0;  ///< which order of the trial it speaks of, from 1; 0: of none
  bool operator==(const Told&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Told& told);

template <class Outcome>
Told told(Outcome outcome, std::int64_t order = 0) {
  return {sale::Outcome(outcome).index(), static_cast<int>(outcome), order};
}

/// An order as its shopper may see it.
struct Seen {
  sale::OrderStatus status = sale::OrderStatus::failed;
  sale::EndReason reason = sale::EndReason::none;
  std::int64_t amount = 0;
  std::string transaction;
  bool operator==(const Seen&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Seen& seen);

struct Units {
  std::int64_t stock = 0, available = 0, held = 0, sold = 0, refunded = 0;
  bool operator==(const Units&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Units& units);

/// One world: sales, items and orders are numbered from its own beginning (sales and items from 0,
/// orders from 1, in the order of their grants), whatever else the engine holds. One thread.
class Subject {
 public:
  virtual ~Subject() = default;
  /// The sale and item names must be new. Returns once it can be bought from.
  virtual void open(const sale::OpenSale& sale) = 0;
  /// Returns once everything that follows from it is done: what was queued is written, what came
  /// back is on sale. Throws where a service stays away.
  virtual Told run(const sale::Command& command) = 0;
  virtual Seen order(std::int64_t number) = 0;
  /// Of an item, once it shows what was committed.
  virtual Units units(std::uint32_t item) = 0;
  /// Does what is due by the clock.
  virtual void pass_time() = 0;
  /// Ends and begins anew, on the same data.
  virtual void restart() = 0;
};

/// Orders are given up only when a provider has closed the payment; it is asked again after hours,
/// so that no clock decides what a test sees.
sale::Settings contract_settings();

enum class Kind : std::uint8_t { model, embedded, cluster };
std::string name_of(Kind kind);

/// A new world in the one engine of its kind that this program has.
std::unique_ptr<Subject> new_subject(Kind kind);
/// Stops the engines and what they stand on; before main() returns.
void end_subjects();

}  // namespace sluice::test
