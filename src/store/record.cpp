// The writing side: opening and recovering, group commits, checkpoints, and what a failure means.
#include "store/record.h"

#include <utility>

#include "store/batch.h"
#include "store/load.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace sluice::store {

using sqlite::Database;

struct Record::Parts {
  std::unique_ptr<Database> database;
  std::unique_ptr<BatchWriter> writer;
};

Record::Record(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Record::~Record() = default;

Result<std::unique_ptr<Record>> Record::open(const std::string& directory) {
  auto parts = std::make_unique<Parts>();
  auto database = Database::open(directory, kRecordFormat);
  if (!database) return std::unexpected(database.error());
  parts->database = std::move(*database);
  auto writer = BatchWriter::create(parts->database->connection());
  if (!writer) return std::unexpected(writer.error());
  parts->writer = std::move(*writer);
  return std::unique_ptr<Record>(new Record(std::move(parts)));
}

Result<> Record::load(sale::State& state,
                      const std::function<void(std::uint64_t)>& progress) const {
  return load_state(parts_->database->connection(), state, progress);
}

Result<> Record::commit(const sale::Effects& effects, const sale::State& state, Instant now) {
  Database& database = *parts_->database;
  const bool nothing = effects.orders.empty() && effects.items.empty() && effects.sales.empty() &&
                       effects.audits.empty();
  if (nothing && database.failure() != Database::Failure::broken) return {};
  if (auto begun = database.begin(); !begun) return begun;
  if (parts_->writer->write(effects, state, now) != SQLITE_OK) {
    return std::unexpected(database.abandon());
  }
  if (auto done = database.commit(); !done) return done;
  parts_->writer->committed();
  return {};
}

Record::Failure Record::failure() const {
  switch (parts_->database->failure()) {
    case Database::Failure::none:
      return Failure::none;
    case Database::Failure::disk_full:
      return Failure::disk_full;
    case Database::Failure::broken:
      break;
  }
  return Failure::broken;
}

Result<> Record::checkpoint_if_due() {
  return parts_->database->checkpoint_if_due();
}

Result<> Record::close() {
  return parts_->database->close();
}

std::uint64_t Record::log_bytes() const {
  return parts_->database->log_bytes();
}

std::string Record::path() const {
  return parts_->database->path();
}

}  // namespace sluice::store
