// Merging of what the workers saw.
#include "rush/tally.h"

#include <algorithm>
#include <utility>

namespace sluice::rush {
namespace {

void add(OutcomeCounts& into, const OutcomeCounts& from) {
  for (std::size_t i = 0; i < kOutcomes; ++i)
    into[i] += from[i];
}

void add(Duplicates& into, const Duplicates& from) {
  into.sent += from.sent;
  into.refused_100 += from.refused_100;
  into.replayed += from.replayed;
  into.limit_reached += from.limit_reached;
  into.excused += from.excused;
  into.wrong += from.wrong;
  into.granted_again += from.granted_again;
  into.raced_refused_100 += from.raced_refused_100;
}

}  // namespace

void Tally::sample(std::string text) {
  if (samples.size() < kMaxSamples) samples.push_back(std::move(text));
}

void Tally::merge(const Tally& other) {
  add(outcomes, other.outcomes);
  sent += other.sent;
  unreachable += other.unreachable;
  latency.merge(other.latency);
  granted.merge(other.granted);
  refused.merge(other.refused);
  service.merge(other.service);
  add(duplicates, other.duplicates);
  items.resize(std::max(items.size(), other.items.size()));
  for (std::size_t i = 0; i < other.items.size(); ++i) {
    const ItemTally& from = other.items[i];
    ItemTally& into = items[i];
    into.granted += from.granted;
    into.sold_out += from.sold_out;
    into.granted_after_sold_out += from.granted_after_sold_out;
    const bool seen_first =
        into.first_sold_out_ns == 0 ||
        (from.first_sold_out_ns != 0 && from.first_sold_out_ns < into.first_sold_out_ns);
    if (seen_first) into.first_sold_out_ns = from.first_sold_out_ns;
  }
  extra_grants_total += other.extra_grants_total;
  for (const ExtraGrant& one : other.extra_grants) {
    if (extra_grants.size() < kMaxExtraGrants) extra_grants.push_back(one);
  }
  unreadable_grants += other.unreadable_grants;
  unexpected += other.unexpected;
  for (const std::string& text : other.samples)
    sample(text);
  connects += other.connects;
  failed_connects += other.failed_connects;
  closed_idle += other.closed_idle;
  cpu_seconds += other.cpu_seconds;
}

void Timeline::add(std::size_t second, const Second& part) {
  const std::lock_guard lock(mutex_);
  const std::size_t index = std::min(second, kMaxSeconds - 1);
  if (seconds_.size() <= index) seconds_.resize(index + 1);
  sluice::rush::add(seconds_[index].outcomes, part.outcomes);
  seconds_[index].latency.merge(part.latency);
}

std::vector<Second> Timeline::seconds() const {
  const std::lock_guard lock(mutex_);
  return seconds_;
}

std::uint64_t Timeline::newest_p99_ns() const {
  const std::lock_guard lock(mutex_);
  return seconds_.empty() ? 0 : seconds_.back().latency.percentile_ns(0.99);
}

}  // namespace sluice::rush
