// From the effects of commands to the bytes of a batch, with its seal: the hot path of the record.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/instant.h"
#include "sale/chunked.h"
#include "sale/effects.h"
#include "sale/state.h"
#include "store/chain.h"
#include "store/rows.h"

namespace sluice::store {

/// How far the record has got.
struct Heads {
  std::int64_t history = 0;
  std::int64_t audit = 0;
  std::int64_t seal = 0;
  Hash hash{};  ///< of the last seal; zeros before the first
};

/// The newest row of history of each order, by its slot in the state: the row that the next one
/// must name. In memory, so that the writer never has to read the record.
class LastEvents {
 public:
  void resize(std::uint32_t orders) {
    while (events_.size() < orders)
      events_.push_back(0);
  }
  std::int64_t get(sale::OrderSlot slot) const { return events_[slot]; }
  void set(sale::OrderSlot slot, std::int64_t event) { events_[slot] = event; }

 private:
  sale::Chunked<std::int64_t, 4096> events_;
};

class BatchEncoder {
 public:
  /// What the record holds already.
  void begin_at(const Heads& heads) { heads_ = heads; }
  void begin_with(LastEvents&& events) { event_of_ = std::move(events); }

  /// Valid until the next call.
  BatchParts encode(const sale::Effects& effects, const sale::State& state, Instant now);
  /// The batch that was encoded last is in the record: the next one follows it.
  void advance() { heads_ = next_; }
  const Heads& heads() const { return heads_; }

 private:
  void add_catalog(const sale::Effects& effects, const sale::State& state);
  void add_sale(const sale::Sale& sale);
  void add_definition(const sale::Item& item);
  void add_stock(const sale::Item& item);
  void add_grant(const sale::OrderChange& change, const sale::State& state);
  void add_change(const sale::OrderChange& change, const sale::State& state);
  void add_audit(const sale::Audit& audit);

  Chain chain_;
  BatchBytes sealed_;
  StateBytes rows_;
  LastEvents event_of_;
  Heads heads_;
  Heads next_;  ///< heads as they will be once the batch in hand is in the record
  std::vector<std::uint32_t> numbers_;
  std::string before_, after_;
};

}  // namespace sluice::store
