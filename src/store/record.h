// The record in SQLite: one connection that writes and checkpoints, and readers of their own. The
// record is the truth; memory is rebuilt from it. The format is described in
// docs/formats/record.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"
#include "sale/effects.h"
#include "sale/state.h"
#include "sale/views.h"

namespace sluice::store {

/// The writing side. One thread at a time; the engine's writer thread owns it after start.
class Record {
 public:
  /// Opens or creates `<directory>/record.db`, applies missing migrations, takes an exclusive lock
  /// on `<directory>/lock` so that no second process writes. Errors: a directory that cannot be
  /// made or written, a locked one, a file that is not a record, a newer format than this program
  /// knows.
  static Result<std::unique_ptr<Record>> open(const std::string& directory);
  ~Record();
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  /// Feeds every sale, item and order to `state` in the order that State::restore wants, calling
  /// `progress(orders so far)` now and then.
  Result<> load(sale::State& state, const std::function<void(std::uint64_t)>& progress = {}) const;

  /// Writes everything in `effects`, reading rows from `state`, seals the batch and commits with a
  /// full sync: when this returns, the batch survives power loss. After disk_full (see failure())
  /// nothing of the batch is in the record, which may be used again. After any other error the
  /// batch may be in the record as a whole or not at all, and the record must not be used again
  /// (reliability: never retry a failed sync; stop and recover from disk).
  Result<> commit(const sale::Effects& effects, const sale::State& state, Instant now);

  enum class Failure : std::uint8_t { none, disk_full, broken };
  /// What the last commit or checkpoint failed of. After disk_full the batch was rolled back as a
  /// whole and the record may be used again once there is room; a checkpoint lost nothing.
  Failure failure() const;

  /// Moves committed pages from the write-ahead log to the database when it has grown past a bound;
  /// called between batches.
  Result<> checkpoint_if_due();

  /// Checkpoints and truncates the log; called once at shutdown, after the last commit.
  Result<> close();

  /// Bytes of the write-ahead log, for metrics.
  std::uint64_t log_bytes() const;
  std::string path() const;

 private:
  struct Parts;
  explicit Record(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// The reading side: sees committed data only. One thread at a time per reader.
class Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const std::string& directory);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<std::optional<sale::OrderView>> order(OrderId id);
  /// The shopper's orders, newest first. `newest` is where to start (the engine knows it).
  Result<sale::Page<sale::OrderView>> orders_from(OrderId newest, std::uint32_t limit);
  /// Looks at no more than a bounded number of rows per call; the page may then be short (even
  /// empty) with `next` set.
  Result<sale::Page<sale::OrderView>> search(const sale::OrderFilter& filter,
                                             const sale::PageRequest& page);
  Result<std::vector<sale::TimelineEntry>> timeline(OrderId id);
  Result<sale::Page<sale::AuditEntry>> audit(const sale::PageRequest& page);

 private:
  struct Parts;
  explicit Reader(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::store
