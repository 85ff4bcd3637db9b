// Turns what commands left to be done into the bytes of a batch; nothing here touches a disk.
#include "store/encoder.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace sluice::store {
namespace {

std::array<std::uint8_t, 16> key_bytes(const sale::RequestKey& key) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(key.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(key.low >> (56 - 8 * i));
  }
  return bytes;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json_field(std::string& out, std::string_view name, std::string_view value) {
  out += out.empty() ? '{' : ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

void close_json_object(std::string& out) {
  out += out.empty() ? "{}" : "}";
}

}  // namespace

BatchParts BatchEncoder::encode(const sale::Effects& effects, const sale::State& state,
                                Instant now) {
  next_ = heads_;
  sealed_.clear();
  rows_.clear();
  event_of_.resize(state.order_count());
  add_catalog(effects, state);
  for (const sale::OrderChange& change : effects.orders) {
    ++next_.history;
    if (change.event == sale::HistoryEvent::granted) {
      add_grant(change, state);
    } else {
      add_change(change, state);
    }
  }
  for (const sale::Audit& audit : effects.audits)
    add_audit(audit);
  next_.hash = chain_.seal(heads_.hash, ++next_.seal, now.ms, sealed_.view());
  const SealFacts seal{next_.seal, now.ms, next_.history, next_.audit, heads_.hash, next_.hash};
  return {seal, sealed_.view(), rows_.view()};
}

void BatchEncoder::add_catalog(const sale::Effects& effects, const sale::State& state) {
  const auto distinct = [this] {
    std::sort(numbers_.begin(), numbers_.end());
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
  };
  numbers_.clear();
  for (const SaleNo sale : effects.sales)
    numbers_.push_back(sale.value);
  distinct();
  for (const std::uint32_t number : numbers_)
    add_sale(state.sales()[number]);
  // Text and prices of an item change by operators' commands only, and each of those is audited; a
  // batch without audit rows touches the counters alone.
  const bool definitions = !effects.audits.empty();
  numbers_.clear();
  for (const ItemNo item : effects.items)
    numbers_.push_back(item.value);
  distinct();
  for (const std::uint32_t number : numbers_) {
    const sale::Item& item = state.items()[number];
    if (definitions) add_definition(item);
    add_stock(item);
  }
}

void BatchEncoder::add_sale(const sale::Sale& sale) {
  SaleFacts row;
  row.no = sale.no.value;
  row.id = sale.id;
  row.title = sale.title;
  row.starts_at = sale.starts_at.ms;
  row.ends_at = sale.ends_at.ms;
  row.hold_ms = sale.hold.ms;
  row.paused = sale.paused ? 1 : 0;
  row.cancelled = sale.cancelled ? 1 : 0;
  rows_.add(row);
}

void BatchEncoder::add_definition(const sale::Item& item) {
  ItemFacts row;
  row.no = item.no.value;
  row.sale_no = item.sale.value;
  row.id = item.id;
  row.title = item.title;
  row.image_url = item.image_url;
  row.description = item.description;
  row.price = item.price.minor;
  row.list_price = item.list_price.minor;
  row.currency = item.currency.code();
  row.per_user_limit = item.per_user_limit.units;
  rows_.add(row);
}

void BatchEncoder::add_stock(const sale::Item& item) {
  const sale::Counters& counters = item.counters;
  rows_.add(StockFacts{item.no.value, counters.stock.units, counters.available.units,
                       counters.held.units, counters.sold.units, counters.refunded.units,
                       item.frozen ? 1 : 0});
}

void BatchEncoder::add_grant(const sale::OrderChange& change, const sale::State& state) {
  const sale::Order& order = state.order(change.slot);
  const sale::RequestKey request = state.request_key(change.slot);
  const auto key = key_bytes(request);
  GrantFacts facts;
  facts.user = state.user_name(order.user);
  facts.item_no = order.item.value;
  facts.quantity = order.quantity;
  facts.amount = order.amount.minor;
  facts.created_at = order.created_at.ms;
  facts.expires_at = order.expires_at.ms;
  if (order.previous_of_user != sale::kNoOrder) {
    facts.user_previous = state.order(order.previous_of_user).id.value;
  }
  if (request) facts.request_key = key;
  sealed_.add(HistoryFacts{next_.history, order.id.value, change.at.ms,
                           static_cast<std::int64_t>(change.event), 0, change.actor,
                           change.detail});
  sealed_.add(facts);
  event_of_.set(change.slot, next_.history);
}

void BatchEncoder::add_change(const sale::OrderChange& change, const sale::State& state) {
  const sale::Order& order = state.order(change.slot);
  const sale::Settlement* money = state.settlement(change.slot);
  const auto event = static_cast<std::int64_t>(change.event);
  sealed_.add(HistoryFacts{next_.history, order.id.value, change.at.ms, event,
                           event_of_.get(change.slot), change.actor, change.detail});
  if (money != nullptr && carries_payment(event)) {
    sealed_.add(PaymentFacts{money->transaction_id, money->paid_at.ms, money->amount.minor});
  }
  event_of_.set(change.slot, next_.history);

  OrderFacts row;
  row.id = order.id.value;
  row.status = static_cast<std::int64_t>(order.status);
  row.reason = static_cast<std::int64_t>(order.reason);
  if (money != nullptr) {
    row.has_payment = 1;
    row.paid_at = money->paid_at.ms;
    row.paid_amount = money->amount.minor;
    row.transaction_id = money->transaction_id;
  }
  row.close_attempts = order.close_attempts;
  row.unit_sold = order.unit_sold ? 1 : 0;
  row.last_event = next_.history;
  rows_.add(row);
}

void BatchEncoder::add_audit(const sale::Audit& audit) {
  before_.clear();
  after_.clear();
  for (const sale::FieldChange& change : audit.changes) {
    append_json_field(before_, change.field, change.before);
    append_json_field(after_, change.field, change.after);
  }
  close_json_object(before_);
  close_json_object(after_);
  sealed_.add(AuditFacts{++next_.audit, audit.at.ms, audit.actor, audit.action, audit.subject,
                         audit.reason, before_, after_});
}

}  // namespace sluice::store
