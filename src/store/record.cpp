// The writing side: opening and recovering, group commits, checkpoints, and what a failure means.
#include "store/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "store/batch.h"
#include "store/load.h"
#include "store/lock.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace sluice::store {
namespace {

/// The log is moved to the database when it holds this many pages (16 MiB).
constexpr int kCheckpointPages = 4096;
/// A checkpoint that a reader held back is tried again after this many more pages.
constexpr int kCheckpointRetryPages = kCheckpointPages / 4;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kFrameBytes = kPageBytes + 24;
constexpr std::uint64_t kLogHeaderBytes = 32;

constexpr const char* kSettings =
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = -1;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA secure_delete = OFF;"
    "PRAGMA foreign_keys = OFF;"  // decided in memory, audited by verify
    "PRAGMA cell_size_check = ON;"
    "PRAGMA cache_size = -8192;";  // 8 MiB: orders end mostly in the order they were made

/// A new file is made under this name and renamed when it is complete, so that an empty record.db
/// is always damage and never a creation that was cut short.
constexpr const char* kDraftSuffix = ".new";
/// The header of a SQLite file; whatever is shorter is none.
constexpr std::int64_t kHeaderBytes = 100;

Result<> create_file(const std::string& directory, const std::string& path) {
  if (::access((path + "-wal").c_str(), F_OK) == 0) {
    return fail(fmt::format(
        "{} is missing but its log {}-wal is there: restore both from a backup, or move the log "
        "away to begin anew.",
        path, path));
  }
  const std::string draft = path + kDraftSuffix;
  ::unlink(draft.c_str());
  ::unlink((draft + "-journal").c_str());
  if (auto made = make_private_file(draft); !made) return made;
  {
    auto opened = Connection::open(draft, Connection::Mode::read_write);
    if (!opened) return std::unexpected(opened.error());
    if (auto migrated = migrate(*opened); !migrated) return migrated;
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) {
    return fail(fmt::format("Renaming {} to {} failed: {}. Check the directory's owner.", draft,
                            path, std::strerror(errno)));
  }
  return sync_directory(directory);
}

/// Creates the file where there is none; refuses one that cannot be a record.
Result<> find_or_create_file(const std::string& directory, const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return create_file(directory, path);
  if (found.st_size >= kHeaderBytes) return {};
  return fail(fmt::format(
      "{} was damaged: it has {} bytes and a record has at least {}. Restore it and its log from a "
      "backup.",
      path, found.st_size, kHeaderBytes));
}

/// Makes what recovery is about to read durable: after a kill the log may hold commits that were
/// written but not synced, and whatever is answered from them must not be lost any more.
Result<> sync_log(const std::string& path) {
  const std::string log = path + "-wal";
  const int descriptor = ::open(log.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) return {};
    return fail(fmt::format("Opening {} failed: {}. Check its owner.", log, std::strerror(errno)));
  }
  const int synced = ::fsync(descriptor);
  const int why = errno;
  ::close(descriptor);
  if (synced == 0) return {};
  return fail(fmt::format("Synchronising {} failed: {}. Check the disk.", log, std::strerror(why)));
}

/// Fills the log with zeros up to the size at which it is checkpointed, so that no commit has to
/// make the file longer: a sync that also writes a new length costs about twice as much. Zeros
/// after the last frame end recovery there, as the end of the file would. Only a convenience: a
/// disk without room for it is no failure here.
void reserve_log(const std::string& path) {
  constexpr std::uint64_t kReserved = kLogHeaderBytes + (kCheckpointPages + 256) * kFrameBytes;
  const int descriptor = ::open((path + "-wal").c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat log {};
  if (::fstat(descriptor, &log) == 0) {
    const std::vector<char> zeros(std::size_t{1} << 20);
    auto at = static_cast<std::uint64_t>(log.st_size);
    while (at < kReserved) {
      const auto size = std::min<std::uint64_t>(zeros.size(), kReserved - at);
      const ssize_t written = ::pwrite(descriptor, zeros.data(), size, static_cast<off_t>(at));
      if (written <= 0) break;
      at += static_cast<std::uint64_t>(written);
    }
    ::fdatasync(descriptor);  // a failure shows again at the first commit, which does check it
  }
  ::close(descriptor);
}

Record::Failure classify(int code, int system) {
  const bool no_room = system == ENOSPC || system == EDQUOT || system == EFBIG;
  if ((code & 0xff) == SQLITE_FULL) return Record::Failure::disk_full;
  if (code == SQLITE_IOERR_WRITE && no_room) return Record::Failure::disk_full;
  // The index of the log could not grow; nothing but missing room makes that fail.
  if (code == SQLITE_IOERR_SHMSIZE) return Record::Failure::disk_full;
  return Record::Failure::broken;
}

}  // namespace

struct Record::Parts {
  std::string directory;
  std::string path;
  DirectoryLock lock;
  Connection connection;
  std::unique_ptr<BatchWriter> writer;
  Failure failure = Failure::none;
  int log_pages = 0;
  int checkpoint_at = kCheckpointPages;

  Result<> open();
  /// Rolls the batch back and says what is left of the record.
  Error fail_batch(int code);
  static int committed(void* self, sqlite3*, const char*, int pages);
};

Result<> Record::Parts::open() {
  if (auto found = find_or_create_file(directory, path); !found) return found;
  if (auto synced = sync_log(path); !synced) return synced;
  auto opened = Connection::open(path, Connection::Mode::read_write);
  if (!opened) return std::unexpected(opened.error());
  connection = std::move(*opened);
  if (auto known = identify(connection); !known) return known;
  if (auto set = connection.execute("PRAGMA journal_mode = WAL"); !set) return set;
  if (auto set = connection.execute(kSettings); !set) return set;
  if (auto migrated = migrate(connection); !migrated) return migrated;
  auto made = BatchWriter::create(connection);
  if (!made) return std::unexpected(made.error());
  writer = std::move(*made);
  reserve_log(path);
  sqlite3_wal_hook(connection.raw(), &Parts::committed, this);
  return {};
}

int Record::Parts::committed(void* self, sqlite3*, const char*, int pages) {
  auto& parts = *static_cast<Parts*>(self);
  // Fewer pages than before: the log was begun anew, a held-back checkpoint is history.
  if (pages < parts.log_pages) parts.checkpoint_at = kCheckpointPages;
  parts.log_pages = pages;
  return SQLITE_OK;
}

Error Record::Parts::fail_batch(int code) {
  const int system = connection.system_error();
  const std::string said = connection.error("writing a batch").message;
  failure = classify(code, system);
  if (!writer->roll_back()) failure = Failure::broken;
  if (failure == Failure::disk_full) {
    return Error{
        fmt::format("No room on the disk of {}: the batch was not written. Free some space; {}",
                    directory, said)};
  }
  return Error{fmt::format(
      "Writing the record failed; whether the batch was kept shows only after a restart. Check the "
      "disk and start again. {}",
      said)};
}

Record::Record(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Record::~Record() = default;

Result<std::unique_ptr<Record>> Record::open(const std::string& directory) {
  auto parts = std::make_unique<Parts>();
  parts->directory = directory;
  parts->path = directory + "/" + kRecordFile;
  if (auto made = make_directory(directory); !made) return std::unexpected(made.error());
  auto lock = DirectoryLock::acquire(directory);
  if (!lock) return std::unexpected(lock.error());
  parts->lock = std::move(*lock);
  if (auto opened = parts->open(); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<Record>(new Record(std::move(parts)));
}

Result<> Record::load(sale::State& state,
                      const std::function<void(std::uint64_t)>& progress) const {
  return load_state(parts_->connection, state, progress);
}

Result<> Record::commit(const sale::Effects& effects, const sale::State& state, Instant now) {
  if (parts_->failure == Failure::broken) {
    return fail("The record failed before and is not written any more: restart to recover.");
  }
  parts_->failure = Failure::none;
  if (effects.orders.empty() && effects.items.empty() && effects.sales.empty() &&
      effects.audits.empty()) {
    return {};
  }
  const int code = parts_->writer->commit(effects, state, now);
  if (code == SQLITE_OK) return {};
  return std::unexpected(parts_->fail_batch(code));
}

Record::Failure Record::failure() const {
  return parts_->failure;
}

Result<> Record::checkpoint_if_due() {
  Parts& parts = *parts_;
  if (parts.log_pages < parts.checkpoint_at || parts.failure == Failure::broken) return {};
  int in_log = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(parts.connection.raw(), "main",
                                             SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  parts.checkpoint_at = parts.log_pages + kCheckpointRetryPages;
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
  parts.failure = classify(code, parts.connection.system_error());
  return std::unexpected(parts.connection.error("moving the log to the database"));
}

Result<> Record::close() {
  Parts& parts = *parts_;
  if (parts.failure == Failure::broken) return {};
  const int code = sqlite3_wal_checkpoint_v2(parts.connection.raw(), "main",
                                             SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  // Busy: somebody still reads; the log stays and is recovered from at the next start.
  if ((code & 0xff) == SQLITE_BUSY) return {};
  if (code != SQLITE_OK) {
    parts.failure = Failure::broken;
    return std::unexpected(parts.connection.error("moving the log to the database"));
  }
  parts.log_pages = 0;
  parts.connection.checkpoint_on_close();
  return {};
}

std::uint64_t Record::log_bytes() const {
  if (parts_->log_pages == 0) return 0;
  return kLogHeaderBytes + static_cast<std::uint64_t>(parts_->log_pages) * kFrameBytes;
}

std::string Record::path() const {
  return parts_->path;
}

}  // namespace sluice::store
