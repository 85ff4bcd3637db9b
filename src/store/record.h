// The record: a journal in which batches become durable, the tables in SQLite that they are carried
// into, and readers of their own. The record is the truth; memory is rebuilt from it. The format is
// described in docs/formats/record.md.
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

class JournalDisk;

struct RecordOptions {
  /// The journal is twice as long. A batch of more than a quarter of it goes past the journal.
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;
  JournalDisk* disk = nullptr;  ///< null: the real one; tests put one that fails
};

/// The writing side. One thread at a time unless said otherwise; the engine's writer thread owns it
/// after start.
class Record {
 public:
  /// Opens or creates the record of `directory`, applies missing migrations and carries into the
  /// tables what the journal of a killed server holds. Takes an exclusive lock on
  /// `<directory>/lock` so that no second process writes. Errors: a directory that cannot be made
  /// or written, a locked one, a file that is not a record, a newer format than this program
  /// knows, a damaged journal.
  static Result<std::unique_ptr<Record>> open(const std::string& directory,
                                              const RecordOptions& options = {});
  ~Record();
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  /// From now on a thread of its own carries batches into the tables. Without it the writer's does.
  void start_applier();

  /// Feeds every sale, item and order to `state` in the order that State::restore wants, calling
  /// `progress(orders so far)` now and then.
  Result<> load(sale::State& state, const std::function<void(std::uint64_t)>& progress = {});

  /// Whether another batch finds room in the journal; waits for the applier to make some. Asked
  /// before commands are applied to memory, so that a full disk never leaves memory ahead of the
  /// record. The error says why not, see failure(); after disk_full it is to be asked again.
  Result<> make_room();

  /// Writes everything in `effects`, reading rows from `state`, seals the batch and syncs: when
  /// this returns, the batch survives power loss. After disk_full (see failure(); only a batch that
  /// is too long for the journal meets it) nothing of the batch is in the record, which may be used
  /// again. After any other error the batch may be in the record as a whole or not at all, and the
  /// record must not be used again (reliability: never retry a failed sync; stop and recover from
  /// disk).
  Result<> commit(const sale::Effects& effects, const sale::State& state, Instant now);

  /// Returns when readers see everything that was committed before. Any thread. The error says why
  /// the tables cannot be written at present.
  Result<> settle();

  /// Why batches cannot be carried into the tables at present; commits go on while the journal has
  /// room. Empty: nothing is wrong.
  std::string tables_trouble() const;

  enum class Failure : std::uint8_t { none, disk_full, broken };
  /// What the last make_room() or commit() failed of.
  Failure failure() const;

  /// Carries everything into the tables, moves it out of SQLite's log and removes the journal;
  /// called once at shutdown, after the last commit. Where that fails nothing is lost: the next
  /// start does it.
  Result<> close();

  /// Bytes of the write-ahead log of the tables, and of the batches that they wait for; for
  /// metrics. Any thread.
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
