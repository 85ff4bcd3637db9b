// A batch as flat bytes: what the hash chain covers, as it is hashed, and behind it the rows that
// change. Made once by the encoder, kept by the journal, and read back to write the record's
// tables, in normal operation and in recovery alike. docs/formats/record.md lays the bytes down.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "store/chain.h"

namespace sluice::store {

/// What changed in an order after it was granted; the newest word of a batch counts.
struct OrderFacts {
  std::int64_t id = 0;
  std::int64_t status = 0;
  std::int64_t reason = 0;
  std::int64_t has_payment = 0;  ///< 1: the next three are known
  std::int64_t paid_at = 0;
  std::int64_t paid_amount = 0;
  std::string_view transaction_id;
  std::int64_t close_attempts = 0;
  std::int64_t unit_sold = 0;
  std::int64_t last_event = 0;
};

struct StockFacts {
  std::int64_t item_no = 0;
  std::int64_t stock = 0, available = 0, held = 0, sold = 0, refunded = 0;
  std::int64_t frozen = 0;
};

struct ItemFacts {
  std::int64_t no = 0;
  std::int64_t sale_no = 0;
  std::string_view id, title, image_url, description;
  std::int64_t price = 0;
  std::int64_t list_price = 0;
  std::string_view currency;
  std::int64_t per_user_limit = 0;
};

struct SaleFacts {
  std::int64_t no = 0;
  std::string_view id, title;
  std::int64_t starts_at = 0;
  std::int64_t ends_at = 0;
  std::int64_t hold_ms = 0;
  std::int64_t paused = 0;
  std::int64_t cancelled = 0;
};

/// The seal of a batch and what stands before its rows.
struct SealFacts {
  std::int64_t sequence = 0;
  std::int64_t at = 0;
  std::int64_t last_history = 0;
  std::int64_t last_audit = 0;
  Hash previous{};
  Hash hash{};
};

/// Appends rows that are not hashed; keeps its memory from batch to batch.
class StateBytes {
 public:
  void clear() { bytes_.clear(); }
  void add(const OrderFacts& row);
  void add(const StockFacts& row);
  void add(const ItemFacts& row);
  void add(const SaleFacts& row);
  std::span<const std::uint8_t> view() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// A batch in its parts; refers to bytes of somebody else.
struct BatchParts {
  SealFacts seal;
  std::span<const std::uint8_t> sealed;  ///< rows that the hash covers
  std::span<const std::uint8_t> state;   ///< rows that change

  /// Bytes that put() needs.
  std::size_t size() const;
  void put(std::uint8_t* out) const;
  /// Empty where `bytes` are no batch. The rows themselves are not looked at.
  static std::optional<BatchParts> parse(std::span<const std::uint8_t> bytes);
};

/// Where the rows of a batch go. Every function answers SQLITE_OK to go on.
class RowSink {
 public:
  RowSink() = default;
  RowSink(const RowSink&) = delete;
  RowSink& operator=(const RowSink&) = delete;
  virtual ~RowSink() = default;
  /// `grant` is there exactly where carries_grant(row.event).
  virtual int history(const HistoryFacts& row, const GrantFacts* grant) = 0;
  virtual int audit(const AuditFacts& row) = 0;
  virtual int order(const OrderFacts& row) = 0;
  virtual int stock(const StockFacts& row) = 0;
  virtual int item(const ItemFacts& row) = 0;
  virtual int sale(const SaleFacts& row) = 0;
};

/// What read_rows() answers where the bytes are no rows; no code of SQLite.
inline constexpr int kNoRows = -1;

/// Hands every row of the batch over, hashed ones first, in order. The first answer other than
/// SQLITE_OK (0) ends it and is returned; kNoRows for bytes that cannot be rows.
int read_rows(const BatchParts& batch, RowSink& sink);

}  // namespace sluice::store
