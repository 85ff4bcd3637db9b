// Canonical bytes: little-endian 64-bit integers, texts with a 32-bit length in front.
#include "store/chain.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "store/wire.h"

namespace sluice::store {

std::uint8_t* BatchBytes::grow(std::size_t size) {
  const std::size_t before = bytes_.size();
  bytes_.resize(before + size);
  return bytes_.data() + before;
}

void BatchBytes::add(const HistoryFacts& row) {
  std::uint8_t* out = grow(1 + 5 * size_of(row.at) + size_of(row.actor) + size_of(row.detail));
  *out++ = 'H';
  put_all(out, row.sequence, row.order_id, row.at, row.event, row.previous, row.actor, row.detail);
}

void BatchBytes::add(const GrantFacts& facts) {
  const std::string_view key(reinterpret_cast<const char*>(facts.request_key.data()),
                             facts.request_key.size());
  std::uint8_t* out = grow(1 + size_of(facts.user) + 6 * size_of(facts.amount) + size_of(key));
  *out++ = 'O';
  put_all(out, facts.user, facts.item_no, facts.quantity, facts.amount, facts.created_at,
          facts.expires_at, facts.user_previous, key);
}

void BatchBytes::add(const PaymentFacts& facts) {
  std::uint8_t* out = grow(1 + size_of(facts.transaction_id) + 2 * size_of(facts.paid_at));
  *out++ = 'P';
  put_all(out, facts.transaction_id, facts.paid_at, facts.paid_amount);
}

void BatchBytes::add(const AuditFacts& row) {
  std::uint8_t* out =
      grow(1 + 2 * size_of(row.at) + size_of(row.actor) + size_of(row.action) +
           size_of(row.subject) + size_of(row.reason) + size_of(row.before) + size_of(row.after));
  *out++ = 'A';
  put_all(out, row.sequence, row.at, row.actor, row.action, row.subject, row.reason, row.before,
          row.after);
}

Chain::Chain() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
  SLUICE_ASSERT(algorithm_ != nullptr && context_ != nullptr, "OpenSSL offers SHA-256");
}

Chain::~Chain() {
  EVP_MD_CTX_free(context_);
  EVP_MD_free(algorithm_);
}

Hash Chain::seal(const Hash& previous, std::int64_t sequence, std::int64_t at,
                 std::span<const std::uint8_t> batch) {
  std::array<std::uint8_t, 2 * sizeof(std::int64_t)> head{};
  put(put(head.data(), sequence), at);
  Hash hash{};
  unsigned size = 0;
  const bool done = EVP_DigestInit_ex2(context_, algorithm_, nullptr) == 1 &&
                    EVP_DigestUpdate(context_, previous.data(), previous.size()) == 1 &&
                    EVP_DigestUpdate(context_, head.data(), head.size()) == 1 &&
                    EVP_DigestUpdate(context_, batch.data(), batch.size()) == 1 &&
                    EVP_DigestFinal_ex(context_, hash.data(), &size) == 1;
  SLUICE_ASSERT(done && size == hash.size(), "SHA-256 of a batch");
  return hash;
}

}  // namespace sluice::store
