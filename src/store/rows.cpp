// Laying rows down and taking them up again; the tags are letters, like those of the hash chain.
#include "store/rows.h"

#include <algorithm>

#include "store/wire.h"

namespace sluice::store {
namespace {

template <class... Fields>
void append(std::vector<std::uint8_t>& bytes, char tag, const Fields&... fields) {
  const std::size_t before = bytes.size();
  bytes.resize(before + 1 + (size_of(fields) + ...));
  bytes[before] = static_cast<std::uint8_t>(tag);
  put_all(bytes.data() + before + 1, fields...);
}

constexpr std::size_t kSealBytes = 4 * sizeof(std::int64_t) + 2 * sizeof(Hash);
constexpr std::size_t kHeadBytes = kSealBytes + sizeof(std::uint32_t);

Hash take_hash(WireReader& in) {
  Hash hash{};
  const auto bytes = in.take(hash.size());
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

int read_history(WireReader& in, RowSink& sink) {
  HistoryFacts row;
  in.get_all(row.sequence, row.order_id, row.at, row.event, row.previous, row.actor, row.detail);
  if (carries_grant(row.event)) {
    if (in.integer<std::uint8_t>() != 'O') return kNoRows;
    GrantFacts grant;
    std::string_view key;
    in.get_all(grant.user, grant.item_no, grant.quantity, grant.amount, grant.created_at,
               grant.expires_at, grant.user_previous, key);
    if (!in.ok() || (key.size() != 0 && key.size() != 16)) return kNoRows;
    grant.request_key = {reinterpret_cast<const std::uint8_t*>(key.data()), key.size()};
    return sink.history(row, &grant);
  }
  if (carries_payment(row.event) && in.peek() == 'P') {
    // Its numbers come once more with the order, among the rows that change.
    PaymentFacts payment;
    in.take(1);
    in.get_all(payment.transaction_id, payment.paid_at, payment.paid_amount);
  }
  return in.ok() ? sink.history(row, nullptr) : kNoRows;
}

int read_audit(WireReader& in, RowSink& sink) {
  AuditFacts row;
  in.get_all(row.sequence, row.at, row.actor, row.action, row.subject, row.reason, row.before,
             row.after);
  return in.ok() ? sink.audit(row) : kNoRows;
}

int read_order(WireReader& in, RowSink& sink) {
  OrderFacts row;
  in.get_all(row.id, row.status, row.reason, row.has_payment, row.paid_at, row.paid_amount,
             row.transaction_id, row.close_attempts, row.unit_sold, row.last_event);
  return in.ok() ? sink.order(row) : kNoRows;
}

int read_stock(WireReader& in, RowSink& sink) {
  StockFacts row;
  in.get_all(row.item_no, row.stock, row.available, row.held, row.sold, row.refunded, row.frozen);
  return in.ok() ? sink.stock(row) : kNoRows;
}

int read_item(WireReader& in, RowSink& sink) {
  ItemFacts row;
  in.get_all(row.no, row.sale_no, row.id, row.title, row.image_url, row.description, row.price,
             row.list_price, row.currency, row.per_user_limit);
  return in.ok() ? sink.item(row) : kNoRows;
}

int read_sale(WireReader& in, RowSink& sink) {
  SaleFacts row;
  in.get_all(row.no, row.id, row.title, row.starts_at, row.ends_at, row.hold_ms, row.paused,
             row.cancelled);
  return in.ok() ? sink.sale(row) : kNoRows;
}

}  // namespace

void StateBytes::add(const OrderFacts& row) {
  append(bytes_, 'U', row.id, row.status, row.reason, row.has_payment, row.paid_at, row.paid_amount,
         row.transaction_id, row.close_attempts, row.unit_sold, row.last_event);
}

void StateBytes::add(const StockFacts& row) {
  append(bytes_, 'K', row.item_no, row.stock, row.available, row.held, row.sold, row.refunded,
         row.frozen);
}

void StateBytes::add(const ItemFacts& row) {
  append(bytes_, 'I', row.no, row.sale_no, row.id, row.title, row.image_url, row.description,
         row.price, row.list_price, row.currency, row.per_user_limit);
}

void StateBytes::add(const SaleFacts& row) {
  append(bytes_, 'S', row.no, row.id, row.title, row.starts_at, row.ends_at, row.hold_ms,
         row.paused, row.cancelled);
}

std::size_t BatchParts::size() const {
  return kHeadBytes + sealed.size() + state.size();
}

void BatchParts::put(std::uint8_t* out) const {
  out = put_all(out, seal.sequence, seal.at, seal.last_history, seal.last_audit);
  out = std::ranges::copy(seal.previous, out).out;
  out = std::ranges::copy(seal.hash, out).out;
  out = put_integer(out, static_cast<std::uint32_t>(sealed.size()));
  out = std::ranges::copy(sealed, out).out;
  std::ranges::copy(state, out);
}

std::optional<BatchParts> BatchParts::parse(std::span<const std::uint8_t> bytes) {
  WireReader in(bytes);
  BatchParts parts;
  SealFacts& seal = parts.seal;
  in.get_all(seal.sequence, seal.at, seal.last_history, seal.last_audit);
  seal.previous = take_hash(in);
  seal.hash = take_hash(in);
  const auto sealed = in.integer<std::uint32_t>();
  parts.sealed = in.take(sealed);
  parts.state = in.take(in.left());
  if (!in.ok()) return std::nullopt;
  return parts;
}

int read_rows(const BatchParts& batch, RowSink& sink) {
  WireReader sealed(batch.sealed);
  int code = 0;
  while (code == 0 && !sealed.done()) {
    switch (sealed.integer<std::uint8_t>()) {
      case 'H':
        code = read_history(sealed, sink);
        break;
      case 'A':
        code = read_audit(sealed, sink);
        break;
      default:
        code = kNoRows;
    }
  }
  WireReader state(batch.state);
  while (code == 0 && !state.done()) {
    switch (state.integer<std::uint8_t>()) {
      case 'U':
        code = read_order(state, sink);
        break;
      case 'K':
        code = read_stock(state, sink);
        break;
      case 'I':
        code = read_item(state, sink);
        break;
      case 'S':
        code = read_sale(state, sink);
        break;
      default:
        code = kNoRows;
    }
  }
  return code;
}

}  // namespace sluice::store
