// The writing side: opening and recovering, group commits, and what a failure means.
#include "store/record.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "sqlite/database.h"
#include "store/applier.h"
#include "store/encoder.h"
#include "store/journal.h"
#include "store/load.h"
#include "store/schema.h"

namespace sluice::store {

using sqlite::Database;

namespace {

/// A journal without tables is not begun over: what it holds was acknowledged.
Result<> refuse_orphan(const std::string& directory) {
  std::error_code ignored;
  const std::string record = directory + "/" + kRecordFile;
  const std::string journal = directory + "/" + kJournalFile;
  if (std::filesystem::exists(record, ignored) || !std::filesystem::exists(journal, ignored) ||
      std::filesystem::exists(record + "-wal", ignored)) {
    return {};
  }
  return fail(fmt::format(
      "{} is missing but its journal {} is there: restore both from a backup, or move the journal "
      "away to begin anew.",
      record, journal));
}

}  // namespace

struct Record::Parts {
  std::string directory;
  RecordOptions options;
  JournalDisk real_disk;
  std::unique_ptr<Database> database;
  BatchEncoder encoder;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Applier> applier;
  Failure failure = Failure::none;
  std::int64_t asked_for = 0;  ///< the last batch that the applier was asked to make durable

  Result<> open();
  Result<> recover();
  std::size_t longest_batch() const { return options.segment_bytes / 4; }
  Failure failure_of_tables() const;
  Result<> write(Batch&& batch);
};

Result<> Record::Parts::open() {
  if (auto refused = refuse_orphan(directory); !refused) return refused;
  auto opened = Database::open(directory, kRecordFormat);
  if (!opened) return std::unexpected(opened.error());
  database = std::move(*opened);
  return recover();
}

/// Carries what the journal holds into the tables, durably, and begins the journal anew. Cut short
/// at any point it starts over: what the tables have is not carried again.
Result<> Record::Parts::recover() {
  const auto heads = Tables::heads(database->connection());
  if (!heads) return std::unexpected(heads.error());
  auto made = Applier::create(*database, heads->seal);
  if (!made) return std::unexpected(made.error());
  applier = std::move(*made);
  auto tail = read_journal(directory, *heads);
  if (!tail) return std::unexpected(tail.error());
  if (!tail->batches.empty()) {
    const std::int64_t last = tail->batches.back().sequence();
    for (Batch& batch : tail->batches)
      applier->add(std::move(batch));
    if (auto durable = applier->settle_durably(last); !durable) return durable;
  }
  const auto reached = Tables::heads(database->connection());
  if (!reached) return std::unexpected(reached.error());
  encoder.begin_at(*reached);
  JournalDisk& disk = options.disk != nullptr ? *options.disk : real_disk;
  auto begun = Journal::begin(directory, options.segment_bytes, disk);
  if (!begun) return std::unexpected(begun.error());
  journal = std::move(*begun);
  return {};
}

/// After an attempt that failed. Another thread may have found room since: no trouble is then no
/// reason to give the record up.
Record::Failure Record::Parts::failure_of_tables() const {
  return applier->trouble() == Trouble::broken ? Failure::broken : Failure::disk_full;
}

Result<> Record::Parts::write(Batch&& batch) {
  if (batch.bytes().size() > longest_batch()) {
    auto done = applier->settle();
    if (done) done = applier->write_through(std::move(batch));
    if (!done) failure = failure_of_tables();
    return done;
  }
  if (auto written = journal->write(batch); !written) {
    failure = Failure::broken;
    return fail(fmt::format("{} Whether the batch was kept shows only after a restart.",
                            written.error().message));
  }
  applier->add(std::move(batch));
  // The half that is full now is written again when this one is: the sync need not wait till then.
  if (const std::int64_t next = journal->waits_for(); next > asked_for) {
    asked_for = next;
    applier->want_durable(next);
  }
  return {};
}

Record::Record(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Record::~Record() = default;

Result<std::unique_ptr<Record>> Record::open(const std::string& directory,
                                             const RecordOptions& options) {
  auto parts = std::make_unique<Parts>();
  parts->directory = directory;
  parts->options = options;
  if (auto opened = parts->open(); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<Record>(new Record(std::move(parts)));
}

void Record::start_applier() {
  parts_->applier->start();
}

Result<> Record::load(sale::State& state, const std::function<void(std::uint64_t)>& progress) {
  if (auto settled = parts_->applier->settle(); !settled) return settled;
  LastEvents events;
  auto loaded = load_state(parts_->database->connection(), state, events, progress);
  if (loaded) parts_->encoder.begin_with(std::move(events));
  return loaded;
}

Result<> Record::make_room() {
  Parts& parts = *parts_;
  if (parts.failure == Failure::broken) {
    return fail("The record failed before and is not written any more: restart to recover.");
  }
  if (parts.applier->trouble() == Trouble::broken) {
    parts.failure = Failure::broken;
    return fail(parts.applier->failure());
  }
  parts.failure = Failure::none;
  const std::size_t most = parts.longest_batch();
  if (parts.journal->has_room(most, parts.applier->durable())) return {};
  auto made = parts.applier->settle_durably(parts.journal->waits_for());
  if (!made) parts.failure = parts.failure_of_tables();
  return made;
}

Result<> Record::commit(const sale::Effects& effects, const sale::State& state, Instant now) {
  Parts& parts = *parts_;
  if (effects.orders.empty() && effects.items.empty() && effects.sales.empty() &&
      effects.audits.empty()) {
    return {};
  }
  if (auto room = make_room(); !room) return room;
  const BatchParts encoded = parts.encoder.encode(effects, state, now);
  Batch batch = parts.applier->recycled();
  encoded.put(batch.prepare(encoded.size()));
  batch.seal(parts.journal->id(), encoded.seal.sequence);
  if (auto written = parts.write(std::move(batch)); !written) return written;
  parts.encoder.advance();
  return {};
}

Result<> Record::settle() {
  return parts_->applier->settle();
}

std::string Record::tables_trouble() const {
  return parts_->applier->failure();
}

Record::Failure Record::failure() const {
  return parts_->failure;
}

Result<> Record::close() {
  Parts& parts = *parts_;
  if (parts.failure == Failure::broken || parts.applier->trouble() == Trouble::broken) return {};
  auto settled = parts.applier->settle();
  parts.applier->stop();
  if (!settled) return settled;
  if (auto closed = parts.database->close(); !closed) {
    parts.failure = Failure::broken;
    return closed;
  }
  // Somebody still reads: log and journal stay, and are recovered from at the next start.
  if (parts.database->log_bytes() > 0) return {};
  return parts.journal->remove();
}

std::uint64_t Record::log_bytes() const {
  return parts_->applier->waiting_bytes() + parts_->database->log_bytes();
}

std::string Record::path() const {
  return parts_->database->path();
}

}  // namespace sluice::store
