// Decides reservations under the lock: what is there already, what the rules say, what to write.
#include <algorithm>
#include <array>
#include <string_view>

#include "sale/effects.h"
#include "store/cluster_plan.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Outcome;

std::array<std::uint8_t, 16> bytes_of(const sale::RequestKey& key) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(key.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(key.low >> (56 - 8 * i));
  }
  return bytes;
}

bool is_malformed(const Reservation& wanted) {
  return wanted.id.value <= 0 || !valid_user(wanted.user) || wanted.quantity < 1 ||
         wanted.quantity > kMaxStock.units || wanted.amount.minor < 0 || wanted.created_at.ms < 0 ||
         wanted.expires_at < wanted.created_at || wanted.expires_at > kLastInstant ||
         wanted.expires_at - wanted.created_at > sale::kMaxHold;
}

/// Whether it leaves a row.
bool is_kept(GrantOutcome outcome) {
  return outcome > GrantOutcome::unknown_item;
}

bool says_the_same(const OrderRow& row, const Reservation& wanted) {
  // A refused one lost its key.
  const bool same_key = !row.was_granted() || row.request() == wanted.request;
  return row.user == wanted.user && row.item_no == std::int64_t{wanted.item.value} &&
         row.quantity == wanted.quantity && row.amount == wanted.amount.minor &&
         row.created_at == wanted.created_at.ms && row.expires_at == wanted.expires_at.ms &&
         same_key;
}

bool says_the_same(const Reservation& one, const Reservation& two) {
  return one.user == two.user && one.item == two.item && one.quantity == two.quantity &&
         one.amount == two.amount && one.created_at == two.created_at &&
         one.expires_at == two.expires_at && one.request == two.request;
}

}  // namespace

const char* to_text(GrantOutcome outcome) {
  switch (outcome) {
    case GrantOutcome::malformed:
      return "malformed";
    case GrantOutcome::replayed:
      return "replayed";
    case GrantOutcome::contradicts:
      return "contradicts";
    case GrantOutcome::unknown_item:
      return "unknown_item";
    case GrantOutcome::stale_epoch:
      return "stale_epoch";
    case GrantOutcome::sale_cancelled:
      return "sale_cancelled";
    case GrantOutcome::key_used:
      return "key_used";
    case GrantOutcome::already_queued:
      return "already_queued";
    case GrantOutcome::limit_reached:
      return "limit_reached";
    case GrantOutcome::sold_out:
      return "sold_out";
    case GrantOutcome::granted:
      return "granted";
  }
  return "";
}

Outcome<> GrantPlan::read(Connection& connection, const Heads& heads) {
  batch_.reset();
  context_ = {};
  replies_.clear();
  items_.clear();
  by_id_.clear();
  keys_.clear();
  open_.clear();
  counted_.clear();
  touched_.clear();
  if (auto read = read_catalog(connection); !read) return read;
  if (auto read = read_known(connection); !read) return read;
  for (const Reservation& wanted : wanted_)
    replies_.push_back(decide(wanted));
  lay_down(heads);
  return {};
}

Outcome<> GrantPlan::read_catalog(Connection& connection) {
  std::set<std::int64_t> numbers;
  for (const Reservation& wanted : wanted_)
    numbers.insert(wanted.item.value);
  const std::vector<std::int64_t> list(numbers.begin(), numbers.end());
  auto items = read_items(connection, list);
  if (!items) return std::unexpected(items.error());
  for (sale::Item& item : *items) {
    const std::int64_t number = item.no.value;
    context_.before[number] = item.counters;
    context_.sale_of[number] = item.sale.value;
    items_.emplace(number, std::move(item));
  }
  std::set<std::int64_t> sales;
  for (const auto& [number, item] : items_)
    sales.insert(item.sale.value);
  auto admissions = read_admissions(connection, std::vector(sales.begin(), sales.end()));
  if (!admissions) return std::unexpected(admissions.error());
  admissions_ = std::move(*admissions);
  for (const auto& [number, item] : items_) {
    if (!admissions_.contains(item.sale.value)) {
      return std::unexpected(damaged("item", number, "its sale does not exist"));
    }
  }
  return {};
}

Outcome<> GrantPlan::read_known(Connection& connection) {
  OrderQuery by_id, by_key, by_user;
  std::set<std::string_view> users;
  key_bytes_.clear();
  key_bytes_.reserve(wanted_.size());
  for (const Reservation& wanted : wanted_) {
    by_id.numbers.push_back(wanted.id.value);
    users.insert(wanted.user);
    if (!wanted.request) continue;
    key_bytes_.push_back(bytes_of(wanted.request));
    by_key.blobs.emplace_back(key_bytes_.back());
  }
  by_user.texts.assign(users.begin(), users.end());
  by_id.conditions = "id IN (" + placeholders(by_id.numbers.size()) + ")";
  by_key.conditions = "request_key IN (" + placeholders(by_key.blobs.size()) + ")";
  by_user.conditions =
      "`user` IN (" + placeholders(users.size()) + ") AND (status IN (1,2,3,4) OR unit_sold = 1)";
  for (const OrderQuery* query : {&by_id, &by_key, &by_user}) {
    auto read = read_orders(connection, *query, [this](OrderRow& row) -> Result<> {
      know(row);
      return {};
    });
    if (!read) return read;
  }
  return {};
}

void GrantPlan::know(const OrderRow& row) {
  Known known;
  known.row = row;
  known.status = static_cast<sale::OrderStatus>(row.status);
  if (!by_id_.emplace(row.id, std::move(known)).second) return;  // by another query before
  if (const auto key = row.request(); key) keys_.emplace(key.high, key.low);
  if (sale::blocks_queueing(static_cast<sale::OrderStatus>(row.status))) {
    open_.emplace(row.user, row.sale_no);
  }
  if (row.holds() || row.unit_sold) counted_[{row.user, row.item_no}] += row.quantity;
}

GrantReply GrantPlan::decide(const Reservation& wanted) {
  using sale::OrderStatus;
  if (is_malformed(wanted)) return {GrantOutcome::malformed, OrderStatus::failed};
  if (const auto known = by_id_.find(wanted.id.value); known != by_id_.end()) {
    const Known& found = known->second;
    const bool same = found.reservation != nullptr ? says_the_same(*found.reservation, wanted)
                                                   : says_the_same(found.row, wanted);
    return {same ? GrantOutcome::replayed : GrantOutcome::contradicts, found.status};
  }
  const auto item = items_.find(wanted.item.value);
  if (item == items_.end()) return {GrantOutcome::unknown_item, OrderStatus::failed};
  const GrantOutcome outcome = judge(wanted, item->second);
  Known known;
  known.reservation = &wanted;
  if (outcome == GrantOutcome::granted) {
    known.status = OrderStatus::awaiting_payment;
    item->second.counters.available -= Quantity{wanted.quantity};
    item->second.counters.held += Quantity{wanted.quantity};
    touched_.insert(wanted.item.value);
    if (wanted.request) keys_.emplace(wanted.request.high, wanted.request.low);
    open_.emplace(wanted.user, item->second.sale.value);
    counted_[{wanted.user, wanted.item.value}] += wanted.quantity;
  }
  const GrantReply reply{outcome, known.status};
  by_id_.emplace(wanted.id.value, std::move(known));
  return reply;
}

GrantOutcome GrantPlan::judge(const Reservation& wanted, const sale::Item& item) const {
  const Admission& admission = admissions_.at(item.sale.value);
  if (wanted.epoch != 0 && wanted.epoch < admission.epoch) return GrantOutcome::stale_epoch;
  if (admission.cancelled) return GrantOutcome::sale_cancelled;
  if (wanted.request && keys_.contains({wanted.request.high, wanted.request.low})) {
    return GrantOutcome::key_used;
  }
  if (open_.contains({wanted.user, item.sale.value})) return GrantOutcome::already_queued;
  const auto counted = counted_.find({wanted.user, wanted.item.value});
  const std::int64_t units = counted == counted_.end() ? 0 : counted->second;
  if (units + wanted.quantity > item.per_user_limit.units) return GrantOutcome::limit_reached;
  if (item.frozen || item.counters.available.units < wanted.quantity) {
    return GrantOutcome::sold_out;
  }
  return GrantOutcome::granted;
}

void GrantPlan::lay_down(const Heads& heads) {
  sealed_.clear();
  rows_.clear();
  key_bytes_.clear();
  key_bytes_.reserve(wanted_.size());
  std::int64_t sequence = heads.history;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    const GrantOutcome outcome = replies_[i].outcome;
    if (is_kept(outcome)) add(wanted_[i], outcome, ++sequence);
  }
  if (sequence == heads.history) return;
  for (const std::int64_t number : touched_) {
    const sale::Item& item = items_.at(number);
    const sale::Counters& units = item.counters;
    rows_.add(StockFacts{number, units.stock.units, units.available.units, units.held.units,
                         units.sold.units, units.refunded.units, item.frozen ? 1 : 0});
  }
  SealFacts seal;
  seal.sequence = heads.seal + 1;
  seal.at = now_.ms;
  seal.last_history = sequence;
  seal.last_audit = heads.audit;
  seal.previous = heads.hash;
  seal.hash = chain_.seal(heads.hash, seal.sequence, seal.at, sealed_.view());
  batch_ = BatchParts{seal, sealed_.view(), rows_.view()};
}

void GrantPlan::add(const Reservation& wanted, GrantOutcome outcome, std::int64_t sequence) {
  const bool granted = outcome == GrantOutcome::granted;
  const auto event = granted ? sale::HistoryEvent::granted : sale::HistoryEvent::refused;
  sealed_.add(HistoryFacts{sequence,
                           wanted.id.value,
                           now_.ms,
                           static_cast<std::int64_t>(event),
                           0,
                           {},
                           granted ? std::string_view{} : to_text(outcome)});
  GrantFacts facts;
  facts.user = wanted.user;
  facts.item_no = wanted.item.value;
  facts.quantity = wanted.quantity;
  facts.amount = wanted.amount.minor;
  facts.created_at = wanted.created_at.ms;
  facts.expires_at = wanted.expires_at.ms;
  // A key is remembered once it made an order: after a refusal it may try again.
  if (granted && wanted.request) {
    key_bytes_.push_back(bytes_of(wanted.request));
    facts.request_key = key_bytes_.back();
  }
  sealed_.add(facts);
}

}  // namespace sluice::store
