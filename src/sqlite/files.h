// What a database file needs of the file system: a private directory, durable names, and a lock
// that keeps a second process out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::sqlite {

/// Creates `directory` (mode 0700) and its parents where missing.
Result<> make_directory(const std::string& directory);

/// Forces the names in `directory` to disk: a file that was created is found after power loss.
Result<> sync_directory(const std::string& directory);

/// Creates an empty file (mode 0600) where there is none.
Result<> make_private_file(const std::string& path);

/// Forces the content of a file to disk; one that is not there is no error.
Result<> sync_file(const std::string& path);

/// An exclusive lock on a file that the kernel drops when the process ends, however it ends. The
/// file holds the process id of the owner, for the message to whoever comes second.
class FileLock {
 public:
  /// Empty: another process holds it. Errors: the file cannot be opened or locked at all.
  static Result<std::optional<FileLock>> try_acquire(const std::string& path);
  /// The same, where being held is an error too. `what` is locked, for the message: "record".
  static Result<FileLock> acquire(const std::string& path, std::string_view what);
  FileLock() = default;
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  int descriptor_ = -1;
};

}  // namespace sluice::sqlite
