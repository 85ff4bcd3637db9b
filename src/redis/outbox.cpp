// The relay, the sweeper, and what a node knows to be sold out.
#include "redis/outbox.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"

namespace sluice::redis {

namespace {

constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();

}  // namespace

// ---- relay -------------------------------------------------------------------------------------

bool Relay::Older::operator()(const std::string& a, const std::string& b) const {
  // Decimal numbers without leading zeros: the longer one is the greater one.
  const auto less = [](std::string_view x, std::string_view y) {
    return x.size() != y.size() ? x.size() < y.size() : x < y;
  };
  const std::string_view left = a, right = b;
  const std::string_view left_ms = left.substr(0, left.find('-'));
  const std::string_view right_ms = right.substr(0, right.find('-'));
  if (left_ms != right_ms) return less(left_ms, right_ms);
  return less(left.substr(left_ms.size()), right.substr(right_ms.size()));
}

bool Relay::offer(OutboxEntry entry, Instant now) {
  if (entries_.size() >= limits_.entries) return false;
  const std::string id = entry.id;
  return entries_.try_emplace(id, Known{std::move(entry), Step::waiting, 0, now}).second;
}

std::vector<const OutboxEntry*> Relay::to_publish(Instant now, std::size_t most) {
  std::vector<const OutboxEntry*> due;
  for (auto& [id, known] : entries_) {
    if (due.size() >= most) break;
    if (known.step != Step::waiting || now < known.due) continue;
    known.step = Step::publishing;
    due.push_back(&known.entry);
  }
  return due;
}

std::vector<Reservation> Relay::confirmed(const std::string& entry) {
  const auto found = entries_.find(entry);
  if (found == entries_.end()) return {};
  Known& known = found->second;
  // A confirm that was given up may come late, when the entry is about to be published again.
  if (known.step == Step::waiting || known.step == Step::publishing) known.step = Step::confirmed;
  return std::exchange(known.entry.orders, {});
}

void Relay::refused(const std::string& entry, Instant now) {
  const auto found = entries_.find(entry);
  if (found == entries_.end() || found->second.step != Step::publishing) return;
  Known& known = found->second;
  const int doublings = std::min(known.refusals++, 30);
  known.due = now + std::min(Span{limits_.first_retry.ms << doublings}, limits_.last_retry);
  known.step = Step::waiting;
}

std::vector<std::string> Relay::to_remove(std::size_t most) {
  std::vector<std::string> ids;
  for (auto& [id, known] : entries_) {
    if (ids.size() >= most) break;
    if (known.step != Step::confirmed) continue;
    known.step = Step::removing;
    ids.push_back(id);
  }
  return ids;
}

void Relay::removed(std::span<const std::string> entries) {
  for (const std::string& id : entries) {
    const auto found = entries_.find(id);
    if (found != entries_.end() && found->second.step == Step::removing) entries_.erase(found);
  }
}

void Relay::kept(std::span<const std::string> entries) {
  for (const std::string& id : entries) {
    const auto found = entries_.find(id);
    if (found != entries_.end() && found->second.step == Step::removing) {
      found->second.step = Step::confirmed;
    }
  }
}

void Relay::forget() {
  entries_.clear();
}

std::optional<Instant> Relay::next(Instant now) const {
  std::optional<Instant> earliest;
  for (const auto& [id, known] : entries_) {
    if (known.step == Step::confirmed) return now;
    if (known.step == Step::waiting && (!earliest || known.due < *earliest)) earliest = known.due;
  }
  return earliest ? std::optional(std::max(*earliest, now)) : std::nullopt;
}

// ---- sweeper -----------------------------------------------------------------------------------

std::optional<Sweeper::Task> Sweeper::take(Instant now) {
  if (busy_) return std::nullopt;
  Task task;
  if (now >= outbox_at_) {
    task = {Task::Kind::outbox, now - plan_.outbox_patience, {}};
  } else if (now >= scan_at_) {
    task = {Task::Kind::stragglers, now - plan_.straggler_patience, cursor_};
  } else {
    return std::nullopt;
  }
  busy_ = task.kind;
  return task;
}

Instant Sweeper::next() const {
  return std::min(outbox_at_, scan_at_);
}

void Sweeper::outbox_read(std::size_t entries, Instant now) {
  busy_.reset();
  // The relay took what was read, but removes it only when the broker has confirmed.
  outbox_at_ = now + (entries >= plan_.outbox_entries ? Span{plan_.outbox_every.ms / 10}
                                                      : plan_.outbox_every);
}

void Sweeper::stragglers_read(const std::string& cursor, Instant now) {
  busy_.reset();
  cursor_ = cursor;
  if (cursor == "0") scan_at_ = now + plan_.stragglers_every;
}

void Sweeper::failed(Instant now) {
  if (busy_ == Task::Kind::stragglers) {
    scan_at_ = now + plan_.outbox_every;
  } else {
    outbox_at_ = now + plan_.outbox_every;
  }
  busy_.reset();
}

Correction correction(Standing standing, std::optional<sale::OrderStatus> in_record,
                      bool unit_sold) {
  using Kind = Correction::Kind;
  using sale::OrderStatus;
  const bool held = standing == Standing::reserved || standing == Standing::awaiting;
  if (!in_record) {
    if (standing == Standing::reserved) return {Kind::publish_again, {}};
    return {};
  }
  if (unit_sold) {
    if (standing == Standing::sold) return {};
    // A released unit that the record gave out again; `pay` takes one if there is one.
    return standing == Standing::refunded ? Correction{} : Correction{Kind::apply, {Verb::pay}};
  }
  switch (*in_record) {
    case OrderStatus::queued:
    case OrderStatus::awaiting_payment:
    case OrderStatus::closing:
    case OrderStatus::needs_person:
      if (standing != Standing::reserved) return {};
      return {Kind::apply, {Verb::commit}};
    case OrderStatus::failed:
      return held ? Correction{Kind::apply, {Verb::fail}} : Correction{};
    case OrderStatus::refunded:
      if (standing == Standing::sold) return {Kind::apply, {Verb::refund}};
      return held ? Correction{Kind::apply, {Verb::release}} : Correction{};
    case OrderStatus::expired:
    case OrderStatus::cancelled:
    case OrderStatus::refunding:
    case OrderStatus::paid:
      return held ? Correction{Kind::apply, {Verb::release}} : Correction{};
  }
  return {};
}

// ---- sold out ----------------------------------------------------------------------------------

void SoldOutBoard::sold_out(ItemNo item, std::int64_t available, std::uint64_t revision,
                            Instant now) {
  Entry& entry = items_[item];
  if (revision < entry.revision) return;
  entry = {revision, available, now + most_};
}

void SoldOutBoard::released(ItemNo item, std::uint64_t revision) {
  Entry& entry = items_[item];
  if (revision <= entry.revision) return;
  entry = {revision, 0, std::nullopt};
}

void SoldOutBoard::forget() {
  items_.clear();
}

bool SoldOutBoard::refuses(ItemNo item, std::int64_t quantity, Instant now) const {
  const auto found = items_.find(item);
  return found != items_.end() && found->second.until && now < *found->second.until &&
         quantity > found->second.available;
}

std::optional<Announcement> parse_announcement(std::string_view message) {
  const std::size_t first = message.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = message.find(' ', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::size_t third = message.find(' ', second + 1);
  if (third == std::string_view::npos) return std::nullopt;
  const std::string_view sale = message.substr(0, first);
  const auto item = parse_uint(message.substr(first + 1, second - first - 1),
                               std::numeric_limits<std::uint32_t>::max());
  const auto revision = parse_uint(message.substr(second + 1, third - second - 1), kAny);
  const auto available = parse_uint(message.substr(third + 1), kMaxStock.units);
  if (!valid_catalog_id(sale) || !item || !revision || !available) return std::nullopt;
  return Announcement{std::string(sale), ItemNo{static_cast<std::uint32_t>(*item)},
                      static_cast<std::uint64_t>(*revision), *available};
}

}  // namespace sluice::redis
