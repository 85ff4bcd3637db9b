// The directory of a record: made private, and locked so that one process writes at a time.
#pragma once

#include <string>

#include "base/result.h"

namespace sluice::store {

inline constexpr const char* kRecordFile = "record.db";
inline constexpr const char* kLockFile = "lock";

/// Creates `directory` (mode 0700) and its parents where missing.
Result<> make_directory(const std::string& directory);

/// Forces the names in `directory` to disk: a file that was created is found after power loss.
Result<> sync_directory(const std::string& directory);

/// Creates an empty file (mode 0600) where there is none.
Result<> make_private_file(const std::string& path);

/// An exclusive lock on `<directory>/lock` that the kernel drops when the process ends, however it
/// ends. The file holds the process id of the owner, for the message to whoever comes second.
class DirectoryLock {
 public:
  static Result<DirectoryLock> acquire(const std::string& directory);
  DirectoryLock() = default;
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

 private:
  int descriptor_ = -1;
};

}  // namespace sluice::store
