// Opening and recovering a room's database, its transactions and checkpoints, and what a failure
// of them means.
#include "sqlite/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::sqlite {
namespace {

constexpr std::uint64_t kFrameBytes = 4096 + 24;
constexpr std::uint64_t kLogHeaderBytes = 32;
/// What one transaction may add to the log before its bound is looked at again.
constexpr std::uint64_t kSparePages = 256;
/// The header of a SQLite file; whatever is shorter is none.
constexpr std::int64_t kHeaderBytes = 100;
/// A new file is made under this name and renamed when it is complete, so that an empty file is
/// always damage and never a creation that was cut short.
constexpr const char* kDraftSuffix = ".new";

constexpr const char* kSettings =
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = -1;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA secure_delete = OFF;"
    "PRAGMA foreign_keys = OFF;"  // decided by the room that owns the file
    "PRAGMA cell_size_check = ON;"
    "PRAGMA cache_size = -8192;";

std::int64_t wall_clock_ms() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Result<> apply(Connection& connection, const Format& format, std::size_t index) {
  const Migration& migration = format.migrations[index];
  const std::string tail = fmt::format(
      "INSERT INTO migration(version, name, applied_at) VALUES({0}, '{1}', {2});"
      "PRAGMA application_id = {3}; PRAGMA user_version = {0};",
      index + 1, migration.name, wall_clock_ms(), format.application_id);
  if (auto begun = connection.execute("BEGIN IMMEDIATE"); !begun) return begun;
  for (const char* step : {migration.sql, tail.c_str(), "COMMIT"}) {
    if (auto done = connection.execute(step); !done) {
      sqlite3_exec(connection.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
      return fail(fmt::format("Migration {} ({}) of the {} failed: {}", index + 1, migration.name,
                              format.what, done.error().message));
    }
  }
  return {};
}

Result<> migrate(Connection& connection, const Format& format) {
  const auto current = connection.integer("PRAGMA user_version");
  if (!current) return std::unexpected(current.error());
  for (auto index = static_cast<std::size_t>(*current); index < format.migrations.size(); ++index) {
    if (auto applied = apply(connection, format, index); !applied) return applied;
  }
  return {};
}

Result<> create_file(const std::string& directory, const std::string& path, const Format& format) {
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
    if (auto migrated = migrate(*opened, format); !migrated) return migrated;
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) {
    return fail(fmt::format("Renaming {} to {} failed: {}. Check the directory's owner.", draft,
                            path, std::strerror(errno)));
  }
  return sync_directory(directory);
}

Result<> find_or_create_file(const std::string& directory, const std::string& path,
                             const Format& format) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return create_file(directory, path, format);
  if (found.st_size >= kHeaderBytes) return {};
  return fail(fmt::format(
      "{} was damaged: it has {} bytes and a {} has at least {}. Restore it and its log from a "
      "backup.",
      path, found.st_size, format.what, kHeaderBytes));
}

/// Fills the log with zeros: a sync that also writes a new length costs about twice as much. Zeros
/// after the last frame end recovery there, as the end of the file would. Only a convenience: a
/// disk without room for it is no failure here.
void reserve_log(const std::string& path, int log_pages) {
  const std::uint64_t reserved =
      kLogHeaderBytes + (static_cast<std::uint64_t>(log_pages) + kSparePages) * kFrameBytes;
  const int descriptor = ::open((path + "-wal").c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat log {};
  if (::fstat(descriptor, &log) == 0) {
    const std::vector<char> zeros(std::size_t{1} << 20);
    auto at = static_cast<std::uint64_t>(log.st_size);
    while (at < reserved) {
      const auto size = std::min<std::uint64_t>(zeros.size(), reserved - at);
      const ssize_t written = ::pwrite(descriptor, zeros.data(), size, static_cast<off_t>(at));
      if (written <= 0) break;
      at += static_cast<std::uint64_t>(written);
    }
    ::fdatasync(descriptor);  // a failure shows again at the first commit, which does check it
  }
  ::close(descriptor);
}

Database::Failure classify(int code, int system) {
  const bool no_room = system == ENOSPC || system == EDQUOT || system == EFBIG;
  if ((code & 0xff) == SQLITE_FULL) return Database::Failure::disk_full;
  if (code == SQLITE_IOERR_WRITE && no_room) return Database::Failure::disk_full;
  // The index of the log could not grow; nothing but missing room makes that fail.
  if (code == SQLITE_IOERR_SHMSIZE) return Database::Failure::disk_full;
  return Database::Failure::broken;
}

}  // namespace

Result<> identify(Connection& connection, const Format& format) {
  const auto application = connection.integer("PRAGMA application_id");
  if (!application) {
    return fail(
        fmt::format("This is not a readable {}: {}", format.what, application.error().message));
  }
  const auto version = connection.integer("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  if (*application != format.application_id) {
    return fail(fmt::format(
        "{} is a database of another program (application id {:#x}, not {:#x}): name another data "
        "directory.",
        format.file, *application, format.application_id));
  }
  const auto newest = static_cast<std::int64_t>(format.migrations.size());
  if (*version > newest) {
    return fail(fmt::format(
        "The {} has format {}, this program knows formats up to {}: it was written by a newer "
        "version of Sluice. Use that version.",
        format.what, *version, newest));
  }
  return {};
}

Result<> require_current(Connection& connection, const Format& format) {
  if (auto known = identify(connection, format); !known) return known;
  const auto version = connection.integer("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  const auto newest = static_cast<std::int64_t>(format.migrations.size());
  if (*version == newest) return {};
  return fail(fmt::format(
      "The {} has the older format {}, this program reads format {}: start the server once to "
      "bring it up to date.",
      format.what, *version, newest));
}

Result<std::unique_ptr<Database>> Database::open(const std::string& directory,
                                                 const Format& format) {
  std::unique_ptr<Database> database(new Database(format));
  if (auto opened = database->open_in(directory); !opened) return std::unexpected(opened.error());
  return database;
}

Result<> Database::open_in(const std::string& directory) {
  if (auto made = make_directory(directory); !made) return made;
  auto lock = FileLock::acquire(directory + "/" + format_.lock, format_.what);
  if (!lock) return std::unexpected(lock.error());
  lock_ = std::move(*lock);
  path_ = directory + "/" + format_.file;
  if (auto found = find_or_create_file(directory, path_, format_); !found) return found;
  // After a kill the log may hold commits that were written but not synced; whatever is answered
  // from them must not be lost any more.
  if (auto synced = sync_file(path_ + "-wal"); !synced) return synced;
  auto opened = Connection::open(path_, Connection::Mode::read_write);
  if (!opened) return std::unexpected(opened.error());
  connection_ = std::move(*opened);
  if (auto known = identify(connection_, format_); !known) return known;
  if (auto set = connection_.execute("PRAGMA journal_mode = WAL"); !set) return set;
  if (auto set = connection_.execute(kSettings); !set) return set;
  const char* syncs =
      format_.syncs_commits ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
  if (auto set = connection_.execute(syncs); !set) return set;
  if (auto migrated = migrate(connection_, format_); !migrated) return migrated;
  for (const auto& [statement, sql] :
       {std::pair{&begin_, "BEGIN IMMEDIATE"}, std::pair{&commit_, "COMMIT"}}) {
    auto prepared = connection_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  if (format_.syncs_commits) reserve_log(path_, format_.log_pages);
  checkpoint_at_ = format_.log_pages;
  sqlite3_wal_hook(connection_.raw(), &Database::committed, this);
  return {};
}

int Database::committed(void* self, sqlite3*, const char*, int pages) {
  auto& database = *static_cast<Database*>(self);
  // Fewer pages than before: the log was begun anew, a held-back checkpoint is history.
  if (pages < database.log_pages_) database.checkpoint_at_ = database.format_.log_pages;
  database.log_pages_ = pages;
  return SQLITE_OK;
}

Result<> Database::begin() {
  if (failure_ == Failure::broken) {
    return fail(
        fmt::format("{} failed before and is not written any more: restart to recover.", path_));
  }
  failure_ = Failure::none;
  if (begin_.run() != SQLITE_OK) return std::unexpected(abandon());
  return {};
}

Result<> Database::commit() {
  if (commit_.run() != SQLITE_OK) return std::unexpected(abandon());
  return {};
}

Error Database::abandon() {
  const int system = connection_.system_error();
  failure_ = classify(connection_.extended_code(), system);
  const std::string said = connection_.error("writing a batch").message;
  // SQLite may have rolled back on its own account (it does on a full disk within a statement).
  if (connection_.in_transaction()) {
    sqlite3_exec(connection_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
    if (connection_.in_transaction()) failure_ = Failure::broken;
  }
  if (failure_ == Failure::disk_full) {
    return Error{fmt::format(
        "No room on the disk of {}: the batch was not written. Free some space; {}", path_, said)};
  }
  return Error{fmt::format(
      "Writing {} failed; whether the batch was kept shows only after a restart. Check the disk "
      "and start again. {}",
      path_, said)};
}

Result<> Database::sync_log() {
  sqlite3_file* log = nullptr;
  int code = sqlite3_file_control(connection_.raw(), "main", SQLITE_FCNTL_JOURNAL_POINTER,
                                  static_cast<void*>(&log));
  if (code == SQLITE_OK && log != nullptr && log->pMethods != nullptr) {
    code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  }
  if (code == SQLITE_OK) return {};
  failure_ = Failure::broken;
  return fail(fmt::format(
      "Synchronising the log of {} failed (SQLite code {}). Check the disk and start again.", path_,
      code));
}

Result<> Database::checkpoint_if_due() {
  if (log_pages_ < checkpoint_at_ || failure_ == Failure::broken) return {};
  const int code = sqlite3_wal_checkpoint_v2(connection_.raw(), "main", SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  // One that a reader held back is tried again when the log has grown some more.
  checkpoint_at_ = log_pages_ + format_.log_pages / 4;
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
  failure_ = classify(code, connection_.system_error());
  return std::unexpected(connection_.error("moving the log to the database"));
}

std::uint64_t Database::log_bytes() const {
  const int pages = log_pages_;
  return pages == 0 ? 0 : kLogHeaderBytes + static_cast<std::uint64_t>(pages) * kFrameBytes;
}

Result<> Database::probe() {
  if (auto begun = begin(); !begun) return begun;
  const std::string same = fmt::format("PRAGMA user_version = {}", format_.migrations.size());
  if (sqlite3_exec(connection_.raw(), same.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return std::unexpected(abandon());
  }
  return commit();
}

Result<> Database::close() {
  if (failure_ == Failure::broken) return {};
  const int code = sqlite3_wal_checkpoint_v2(connection_.raw(), "main", SQLITE_CHECKPOINT_TRUNCATE,
                                             nullptr, nullptr);
  // Busy: somebody still reads; the log stays and is recovered from at the next start.
  if ((code & 0xff) == SQLITE_BUSY) return {};
  if (code != SQLITE_OK) {
    failure_ = Failure::broken;
    return std::unexpected(connection_.error("moving the log to the database"));
  }
  log_pages_ = 0;
  connection_.checkpoint_on_close();
  return {};
}

}  // namespace sluice::sqlite
