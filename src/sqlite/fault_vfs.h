// A file system for tests: passes everything on to the real one, fails where it is told to, and
// remembers what was synced, so that a power cut can be played at any moment.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::sqlite::testing {

/// The default VFS of SQLite while it lives. One at a time; databases opened through it must be
/// closed before it goes.
class FaultVfs {
 public:
  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  /// The last two are on a file that a room writes past SQLite; it asks with admit().
  enum class Operation : std::uint8_t { write, sync, other_write, other_sync };

  /// From the nth operation of that kind on (0: the next one), it fails with `code` and the
  /// system's error `system`. A failing write leaves the first half of its bytes behind.
  void fail_from(Operation operation, std::uint64_t nth, int code, int system = 0);
  /// Writes to SQLite's log pass; what is failed is the database, which checkpoints alone write.
  bool fail_database_only = false;
  void heal() { failing_ = false; }
  /// Whether a failure was delivered since fail_from().
  bool failed() const { return failed_; }

  /// What is on the disk of a machine that loses power now: everything synced, and of the rest what
  /// `seed` decides: each write kept, dropped or torn at a sector. File names without directory.
  using Image = std::map<std::string, std::string>;
  Image power_cut(std::uint64_t seed) const;

  /// Called before every write, sync and truncation.
  std::function<void()> before_operation;

  // For the C functions behind the VFS.
  struct Pending {
    std::int64_t offset = 0;
    std::string bytes;
    bool truncates = false;  ///< sets the size to `offset` instead of writing
  };
  struct Disk {
    std::string durable;
    std::vector<Pending> pending;
  };
  /// SQLITE_OK, or what this operation must fail with.
  int admit(Operation operation, bool spared = false);
  std::map<std::string, Disk>& disks() { return disks_; }
  sqlite3_vfs* real() const { return real_; }
  int system_error() const { return system_; }

 private:
  sqlite3_vfs vfs_{};
  sqlite3_vfs* real_ = nullptr;
  std::map<std::string, Disk> disks_;
  // Looked at by the threads of the rooms under test.
  std::atomic<bool> failing_{false};
  std::atomic<bool> failed_{false};
  Operation operation_ = Operation::write;
  std::uint64_t passes_ = 0;
  int code_ = 0;
  int system_ = 0;
};

/// Writes an image into a directory, which is made.
void write_image(const FaultVfs::Image& image, const std::string& directory);

}  // namespace sluice::sqlite::testing
