// A database file that a room owns: created whole or not at all, one writing process, migrated,
// committed with a full sync, and given up after a write that failed for another reason than room.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "sqlite/files.h"
#include "sqlite/sqlite.h"

namespace sluice::sqlite {

/// One step from a format to the next. A migration that was released is never changed.
struct Migration {
  const char* name;
  const char* sql;
};

/// What a file is. The first migration creates the table
/// `migration(version INTEGER PRIMARY KEY, name TEXT, applied_at INTEGER)`.
struct Format {
  const char* what;             ///< for messages: "bus"
  const char* file;             ///< "bus.db"
  const char* lock;             ///< "bus.lock"
  std::int64_t application_id;  ///< in the file's header
  std::span<const Migration> migrations;
  /// The log is moved to the database when it holds this many pages, and as much is reserved for
  /// it, so that no commit has to make the file longer.
  int log_pages = 1024;
  /// False: a commit survives a crash of the process, and loss of power only after sync_log(); for
  /// a room that has another way to know what was committed. Nothing is reserved for the log then.
  bool syncs_commits = true;
};

/// Errors: not a SQLite file, another program's database, a format newer than this program knows.
Result<> identify(Connection& connection, const Format& format);

/// For readers, which cannot migrate: errors unless the file has exactly the newest format.
Result<> require_current(Connection& connection, const Format& format);

/// One thread at a time. The calling room prepares its statements on connection().
class Database {
 public:
  /// Opens or creates `<directory>/<file>`, makes what the log holds durable, applies missing
  /// migrations. Errors: a directory that cannot be made or written, a locked or foreign file, a
  /// newer format.
  static Result<std::unique_ptr<Database>> open(const std::string& directory, const Format& format);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() = default;

  Connection& connection() { return connection_; }

  enum class Failure : std::uint8_t { none, disk_full, broken };
  /// What the last transaction or checkpoint failed of. After disk_full it was rolled back as a
  /// whole and the database may be used again once there is room. After broken it may be there as
  /// a whole or not at all, and every further transaction is refused: a failed sync is not retried.
  Failure failure() const { return failure_; }

  Result<> begin();
  /// When this succeeds, the transaction survives power loss (see Format::syncs_commits).
  Result<> commit();
  /// When this succeeds, every transaction so far survives power loss, whatever readers hold back a
  /// checkpoint. A failure is final.
  Result<> sync_log();
  /// Ends a transaction in which a statement failed, and says what that means.
  Error abandon();

  /// Between transactions: moves the log to the database when it has grown past its bound.
  Result<> checkpoint_if_due();
  /// Writes one page again, for a room that wants to know whether there is room by now.
  Result<> probe();
  /// Moves and truncates the log; once, after the last transaction.
  Result<> close();

  /// Bytes of the write-ahead log, for metrics. Any thread.
  std::uint64_t log_bytes() const;
  const std::string& path() const { return path_; }

 private:
  explicit Database(const Format& format) : format_(format) {}
  Result<> open_in(const std::string& directory);
  static int committed(void* self, sqlite3*, const char*, int pages);

  const Format format_;
  std::string path_;
  FileLock lock_;
  Connection connection_;
  Statement begin_, commit_;
  Failure failure_ = Failure::none;
  std::atomic<int> log_pages_{0};
  int checkpoint_at_ = 0;
};

}  // namespace sluice::sqlite
