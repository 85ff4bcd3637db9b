// The journal's calls on the test file system: failed, remembered and cut short like SQLite's.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <stdexcept>
#include <string>

#include "sqlite/fault_vfs.h"
#include "store/frame.h"
#include "store/journal.h"

namespace sluice::store {

/// The journal is made with calls of its own, complete and synced; from then on it is written here.
class FaultyJournal final : public JournalDisk {
 public:
  using Vfs = sqlite::testing::FaultVfs;
  explicit FaultyJournal(Vfs& vfs) : vfs_(vfs) {}

  ssize_t write(int descriptor, std::span<const std::uint8_t> bytes,
                std::uint64_t offset) override {
    Vfs::Disk& disk = disk_of(descriptor);
    const bool fails = vfs_.admit(Vfs::Operation::other_write) != SQLITE_OK;
    const std::size_t allowed = fails ? bytes.size() / 2 : bytes.size();
    disk.pending.push_back({static_cast<std::int64_t>(offset),
                            {reinterpret_cast<const char*>(bytes.data()), allowed},
                            false});
    const ssize_t written = JournalDisk::write(descriptor, bytes.first(allowed), offset);
    if (!fails) return written;
    errno = vfs_.system_error();
    return -1;
  }

  int sync(int descriptor) override {
    Vfs::Disk& disk = disk_of(descriptor);
    if (vfs_.admit(Vfs::Operation::other_sync) != SQLITE_OK) {
      errno = vfs_.system_error();
      return -1;
    }
    for (const Vfs::Pending& change : disk.pending) {
      const auto at = static_cast<std::size_t>(change.offset);
      disk.durable.replace(at, change.bytes.size(), change.bytes);
    }
    disk.pending.clear();
    return JournalDisk::sync(descriptor);
  }

 private:
  /// Known by the id in its header: a new journal is another disk.
  Vfs::Disk& disk_of(int descriptor) {
    // Half a block is no direct write, and it is read here as well.
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_DIRECT);
    Vfs::Disk& disk = vfs_.disks()[kJournalFile];
    std::string header(kHeaderBytes, '\0');
    read(descriptor, header);
    if (!disk.durable.starts_with(header)) {
      struct stat found {};
      ::fstat(descriptor, &found);
      disk = {};
      disk.durable.resize(static_cast<std::size_t>(found.st_size));
      read(descriptor, disk.durable);
    }
    return disk;
  }

  static void read(int descriptor, std::string& out) {
    if (::pread(descriptor, out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) {
      throw std::runtime_error("the journal cannot be read");
    }
  }

  Vfs& vfs_;
};

}  // namespace sluice::store
