// Directory creation, synchronisation, and the flock that keeps a second writer out.
#include "sqlite/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace sluice::sqlite {
namespace {

constexpr mode_t kPrivateDirectory = 0700;
constexpr mode_t kPrivateFile = 0600;

std::unexpected<Error> system_failure(std::string_view what, const std::string& path) {
  return fail(fmt::format("{} {} failed: {}. Check the path, its owner and the free space.", what,
                          path, std::strerror(errno)));
}

std::string parent_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).lexically_normal().parent_path();
  return parent.empty() ? "." : parent.string();
}

/// Synchronises and closes; leaves errno as the sync left it.
bool sync_and_close(int descriptor) {
  const int synced = ::fsync(descriptor);
  const int why = errno;
  ::close(descriptor);
  errno = why;
  return synced == 0;
}

}  // namespace

Result<> make_directory(const std::string& directory) {
  struct stat found {};
  if (::stat(directory.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return {};
    return fail(fmt::format("{} is not a directory: name one for the data.", directory));
  }
  std::error_code trouble;
  std::filesystem::create_directories(parent_of(directory), trouble);
  if (::mkdir(directory.c_str(), kPrivateDirectory) != 0 && errno != EEXIST) {
    return system_failure("Creating the directory", directory);
  }
  return sync_directory(parent_of(directory));
}

Result<> sync_directory(const std::string& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return system_failure("Opening the directory", directory);
  // Some file systems do not offer this on directories; they answer EINVAL and lose nothing by it.
  if (!sync_and_close(descriptor) && errno != EINVAL) {
    return system_failure("Synchronising the directory", directory);
  }
  return {};
}

Result<> make_private_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kPrivateFile);
  if (descriptor < 0) {
    if (errno == EEXIST) return {};
    return system_failure("Creating the file", path);
  }
  ::close(descriptor);
  return {};
}

Result<> sync_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) return {};
    return system_failure("Opening", path);
  }
  if (!sync_and_close(descriptor)) return system_failure("Synchronising", path);
  return {};
}

Result<std::optional<FileLock>> FileLock::try_acquire(const std::string& path) {
  FileLock lock;
  lock.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateFile);
  if (lock.descriptor_ < 0) return system_failure("Opening the lock file", path);
  if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    return system_failure("Locking", path);
  }
  // The lock holds even where the id cannot be written (a full disk); the message then lacks it.
  const std::string owner = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock.descriptor_, 0) == 0) {
    [[maybe_unused]] const ssize_t written =
        ::pwrite(lock.descriptor_, owner.data(), owner.size(), 0);
  }
  return lock;
}

Result<FileLock> FileLock::acquire(const std::string& path, std::string_view what) {
  auto lock = try_acquire(path);
  if (!lock) return std::unexpected(lock.error());
  if (*lock) return std::move(**lock);
  std::string owner;
  std::getline(std::ifstream(path), owner);
  owner = owner.substr(0, owner.find_first_not_of("0123456789"));
  return fail(fmt::format(
      "{} is in use by process {}: a {} has one writer at a time. Stop that process, or name "
      "another data directory.",
      parent_of(path), owner.empty() ? "(unknown)" : owner, what));
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace sluice::sqlite
