// One number for everything that the record holds.
#include <bit>
#include <string_view>

#include "sale/parts.h"

namespace sluice::sale {

namespace {

/// Mixes words one after another; the same on every machine, and not meant against an adversary.
class Digest {
 public:
  void add(std::uint64_t word) {
    hash_ = std::rotl(hash_ ^ word, 27) * 0x9e37'79b9'7f4a'7c15ULL;
    hash_ ^= hash_ >> 29;
  }
  void add(std::int64_t word) { add(static_cast<std::uint64_t>(word)); }
  void add(bool flag) { add(std::uint64_t{flag}); }
  void add(Instant at) { add(at.ms); }
  void add(Money amount) { add(amount.minor); }
  void add(Quantity units) { add(units.units); }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    for (const char c : text)
      add(std::uint64_t{static_cast<unsigned char>(c)});
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0x51'1d'ce;
};

void add(Digest& digest, const Sale& sale) {
  digest.add(sale.id);
  digest.add(sale.title);
  digest.add(sale.starts_at);
  digest.add(sale.ends_at);
  digest.add(sale.hold.ms);
  digest.add(sale.paused);
  digest.add(sale.cancelled);
}

void add(Digest& digest, const Item& item) {
  digest.add(std::uint64_t{item.sale.value});
  digest.add(item.id);
  digest.add(item.title);
  digest.add(item.image_url);
  digest.add(item.description);
  digest.add(item.price);
  digest.add(item.list_price);
  digest.add(item.currency.code());
  digest.add(item.per_user_limit);
  digest.add(item.counters.stock);
  digest.add(item.counters.available);
  digest.add(item.counters.held);
  digest.add(item.counters.sold);
  digest.add(item.counters.refunded);
  digest.add(item.frozen);
}

void add(Digest& digest, const Order& order) {
  digest.add(order.id.value);
  digest.add(order.amount);
  digest.add(order.created_at);
  digest.add(order.expires_at);
  digest.add(std::uint64_t{order.item.value});
  digest.add(std::int64_t{order.quantity});
  digest.add(static_cast<std::uint64_t>(order.status));
  digest.add(static_cast<std::uint64_t>(order.reason));
  digest.add(std::uint64_t{order.close_attempts});
  digest.add(order.unit_sold);
}

}  // namespace

std::uint64_t State::digest() const {
  const Parts& in = *parts_;
  Digest digest;
  digest.add(std::uint64_t{in.sales.size()});
  for (const Sale& sale : in.sales)
    add(digest, sale);
  digest.add(std::uint64_t{in.items.size()});
  for (const Item& item : in.items)
    add(digest, item);
  digest.add(std::uint64_t{in.orders.size()});
  for (OrderSlot slot = 0; slot < in.orders.size(); ++slot) {
    add(digest, in.orders[slot]);
    digest.add(in.users.name(in.orders[slot].user));
    const RequestKey request = in.requests.key_of(slot);
    digest.add(request.high);
    digest.add(request.low);
    if (const Settlement* paid = settlement(slot); paid != nullptr) {
      digest.add(paid->transaction_id);
      digest.add(paid->paid_at);
      digest.add(paid->amount);
    }
  }
  return digest.value();
}

}  // namespace sluice::sale
