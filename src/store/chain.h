// The hash chain over the history: the exact bytes of each row and SHA-256 over batch after batch.
// Writer and verifier share this file, docs/formats/record.md describes it for everybody else.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "sale/effects.h"

struct evp_md_st;
struct evp_md_ctx_st;

namespace sluice::store {

using Hash = std::array<std::uint8_t, 32>;

/// What a history row contributes. Absent `previous` is 0, absent text is empty.
struct HistoryFacts {
  std::int64_t sequence = 0;
  std::int64_t order_id = 0;
  std::int64_t at = 0;
  std::int64_t event = 0;
  std::int64_t previous = 0;
  std::string_view actor;
  std::string_view detail;
};

/// What never changes in an order; part of its `granted` row.
struct GrantFacts {
  std::string_view user;
  std::int64_t item_no = 0;
  std::int64_t quantity = 0;
  std::int64_t amount = 0;
  std::int64_t created_at = 0;
  std::int64_t expires_at = 0;
  std::int64_t user_previous = 0;
  std::span<const std::uint8_t> request_key;  ///< 16 bytes, or none
};

/// The money of an order; part of every row whose event carries it, see carries_payment().
struct PaymentFacts {
  std::string_view transaction_id;
  std::int64_t paid_at = 0;
  std::int64_t paid_amount = 0;
};

struct AuditFacts {
  std::int64_t sequence = 0;
  std::int64_t at = 0;
  std::string_view actor;
  std::string_view action;
  std::string_view subject;
  std::string_view reason;
  std::string_view before;
  std::string_view after;
};

/// Whether the payment of the order is hashed with a row of this event. A payment, once known of
/// an order, never changes, so it can be hashed with each of these.
constexpr bool carries_payment(std::int64_t event) {
  using sale::HistoryEvent;
  return event == static_cast<std::int64_t>(HistoryEvent::paid) ||
         event == static_cast<std::int64_t>(HistoryEvent::paid_late) ||
         event == static_cast<std::int64_t>(HistoryEvent::refund_begun);
}

/// Whether what never changes in the order is hashed with a row of this event: its first.
constexpr bool carries_grant(std::int64_t event) {
  return event == static_cast<std::int64_t>(sale::HistoryEvent::granted) ||
         event == static_cast<std::int64_t>(sale::HistoryEvent::refused);
}

/// The canonical bytes of one batch; keeps its memory from batch to batch.
class BatchBytes {
 public:
  void clear() { bytes_.clear(); }
  void add(const HistoryFacts& row);
  void add(const GrantFacts& facts);    ///< right after its history row
  void add(const PaymentFacts& facts);  ///< right after its history row
  void add(const AuditFacts& row);
  std::span<const std::uint8_t> view() const { return bytes_; }

 private:
  std::uint8_t* grow(std::size_t size);

  std::vector<std::uint8_t> bytes_;
};

/// SHA-256(previous || seal sequence || at || batch).
class Chain {
 public:
  Chain();
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  Hash seal(const Hash& previous, std::int64_t sequence, std::int64_t at,
            std::span<const std::uint8_t> batch);

 private:
  evp_md_st* algorithm_;
  evp_md_ctx_st* context_;
};

}  // namespace sluice::store
