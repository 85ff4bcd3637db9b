// The C face of the test file system, and the arithmetic of a power cut.
#include "sqlite/fault_vfs.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <random>

namespace sluice::sqlite::testing {
namespace {

constexpr std::size_t kSector = 512;

/// Followed in memory by the file of the real VFS.
struct File {
  sqlite3_file base;
  FaultVfs* vfs;
  FaultVfs::Disk* disk;  ///< null for files that no power cut is played on (the shared memory)
  bool is_database;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
FaultVfs& of(sqlite3_vfs* vfs) {
  return *static_cast<FaultVfs*>(vfs->pAppData);
}

void write_at(std::string& content, std::int64_t offset, std::string_view bytes) {
  const auto at = static_cast<std::size_t>(offset);
  if (content.size() < at + bytes.size()) content.resize(at + bytes.size());
  std::memcpy(content.data() + at, bytes.data(), bytes.size());
}

void replay(std::string& content, const FaultVfs::Pending& change) {
  if (change.truncates) {
    content.resize(static_cast<std::size_t>(change.offset));
  } else {
    write_at(content, change.offset, change.bytes);
  }
}

int close_file(sqlite3_file* file) {
  return of(file).real()->pMethods->xClose(of(file).real());
}

int read_file(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  return of(file).real()->pMethods->xRead(of(file).real(), out, size, offset);
}

int write_file(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  File& self = of(file);
  const bool spared = self.vfs->fail_database_only && !self.is_database;
  const int verdict = self.vfs->admit(FaultVfs::Operation::write, spared);
  const int allowed = verdict == SQLITE_OK ? size : size / 2;
  if (allowed == 0) return verdict;
  if (self.disk != nullptr) {
    self.disk->pending.push_back(
        {offset, {static_cast<const char*>(bytes), static_cast<std::size_t>(allowed)}, false});
  }
  const int code = self.real()->pMethods->xWrite(self.real(), bytes, allowed, offset);
  return verdict == SQLITE_OK ? code : verdict;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  File& self = of(file);
  if (self.vfs->before_operation) self.vfs->before_operation();
  if (self.disk != nullptr) self.disk->pending.push_back({size, {}, true});
  return self.real()->pMethods->xTruncate(self.real(), size);
}

int sync_file(sqlite3_file* file, int flags) {
  File& self = of(file);
  const int verdict = self.vfs->admit(FaultVfs::Operation::sync);
  if (verdict != SQLITE_OK) return verdict;
  if (self.disk != nullptr) {
    for (const auto& change : self.disk->pending)
      replay(self.disk->durable, change);
    self.disk->pending.clear();
  }
  return self.real()->pMethods->xSync(self.real(), flags);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return of(file).real()->pMethods->xFileSize(of(file).real(), size);
}
int lock_file(sqlite3_file* file, int level) {
  return of(file).real()->pMethods->xLock(of(file).real(), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return of(file).real()->pMethods->xUnlock(of(file).real(), level);
}
int check_lock(sqlite3_file* file, int* out) {
  return of(file).real()->pMethods->xCheckReservedLock(of(file).real(), out);
}
int control(sqlite3_file* file, int operation, void* argument) {
  const FaultVfs& vfs = *of(file).vfs;
  if (operation == SQLITE_FCNTL_LAST_ERRNO && vfs.failed()) {
    *static_cast<int*>(argument) = vfs.system_error();
    return SQLITE_OK;
  }
  return of(file).real()->pMethods->xFileControl(of(file).real(), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return of(file).real()->pMethods->xSectorSize(of(file).real());
}
int characteristics(sqlite3_file* file) {
  return of(file).real()->pMethods->xDeviceCharacteristics(of(file).real());
}
int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
  return of(file).real()->pMethods->xShmMap(of(file).real(), region, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return of(file).real()->pMethods->xShmLock(of(file).real(), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
  of(file).real()->pMethods->xShmBarrier(of(file).real());
}
int shm_unmap(sqlite3_file* file, int remove) {
  return of(file).real()->pMethods->xShmUnmap(of(file).real(), remove);
}

const sqlite3_io_methods kMethods = {
    2,         close_file,  read_file,  write_file, truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_lock, control,    sector_size,   characteristics, shm_map,
    shm_lock,  shm_barrier, shm_unmap,  nullptr,    nullptr};

std::string base_name(const char* path) {
  return std::filesystem::path(path).filename().string();
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* out, int flags, int* out_flags) {
  FaultVfs& self = of(vfs);
  File* file = new (static_cast<void*>(out)) File{};
  const int code = self.real()->xOpen(self.real(), name, file->real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  file->base.pMethods = &kMethods;
  file->vfs = &self;
  file->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  constexpr int kOnDisk = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
  if (name == nullptr || (flags & kOnDisk) == 0) return SQLITE_OK;
  const auto [disk, is_new] = self.disks().try_emplace(base_name(name));
  if (is_new) {
    std::ifstream content(name, std::ios::binary);
    disk->second.durable.assign(std::istreambuf_iterator<char>(content), {});
  }
  file->disk = &disk->second;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  FaultVfs& self = of(vfs);
  // Cleared and not erased: an open file may still point here.
  if (const auto disk = self.disks().find(base_name(name)); disk != self.disks().end()) {
    disk->second = {};
  }
  return self.real()->xDelete(self.real(), name, sync_directory);
}

int last_error(sqlite3_vfs* vfs, int size, char* text) {
  const FaultVfs& self = of(vfs);
  return self.failed() ? self.system_error() : self.real()->xGetLastError(self.real(), size, text);
}

}  // namespace

FaultVfs::FaultVfs() : real_(sqlite3_vfs_find(nullptr)) {
  vfs_ = *real_;
  vfs_.zName = "sluice-fault";
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.xOpen = open_file;
  vfs_.xDelete = delete_file;
  vfs_.xGetLastError = last_error;
  sqlite3_vfs_register(&vfs_, 1);
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
}

void FaultVfs::fail_from(Operation operation, std::uint64_t nth, int code, int system) {
  operation_ = operation;
  passes_ = nth;
  code_ = code;
  system_ = system;
  failed_ = false;
  failing_ = true;
}

int FaultVfs::admit(Operation operation, bool spared) {
  if (before_operation) before_operation();
  if (spared || !failing_ || operation != operation_) return SQLITE_OK;
  if (passes_ > 0) {
    --passes_;
    return SQLITE_OK;
  }
  failed_ = true;
  return code_;
}

FaultVfs::Image FaultVfs::power_cut(std::uint64_t seed) const {
  std::mt19937_64 random(seed);
  Image image;
  for (const auto& [name, disk] : disks_) {
    std::string content = disk.durable;
    for (const Pending& change : disk.pending) {
      const auto fate = random() % 4;
      if (fate == 0) continue;
      Pending kept = change;
      if (fate == 1 && !kept.bytes.empty()) {
        // Torn: a middle part of whole sectors reached the disk, counted from the file's start.
        const std::size_t skip = random() % kept.bytes.size() / kSector * kSector;
        const std::size_t length = std::min(kept.bytes.size() - skip, kSector * (1 + random() % 4));
        kept.bytes = kept.bytes.substr(skip, length);
        kept.offset += static_cast<std::int64_t>(skip);
      }
      replay(content, kept);
    }
    image.emplace(name, std::move(content));
  }
  return image;
}

void write_image(const FaultVfs::Image& image, const std::string& directory) {
  std::filesystem::create_directories(directory);
  for (const auto& [name, content] : image) {
    // An empty log or journal and none are the same to SQLite, an absent one is the usual case.
    if (content.empty() && !name.ends_with(".db")) continue;
    std::ofstream(std::filesystem::path(directory) / name, std::ios::binary)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  }
}

}  // namespace sluice::sqlite::testing
