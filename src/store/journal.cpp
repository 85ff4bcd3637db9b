// Making the journal's file, and the one write and sync per batch.
#include "store/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "sqlite/files.h"
#include "store/frame.h"

namespace sluice::store {
namespace {

constexpr mode_t kPrivateFile = 0600;

std::uint64_t random_id() {
  std::uint64_t id = 0;
  while (id == 0) {
    const ssize_t got = ::getrandom(&id, sizeof id, 0);
    SLUICE_ASSERT(got == sizeof id || got < 0, "getrandom fills eight bytes or is interrupted");
  }
  return id;
}

std::unexpected<Error> system_failure(std::string_view what, const std::string& path) {
  return fail(fmt::format("{} {} failed: {}. Check the disk, its free space and the file's owner.",
                          what, path, std::strerror(errno)));
}

/// Writes all of `bytes`; false with errno set.
bool write_all(JournalDisk& disk, int descriptor, std::span<const std::uint8_t> bytes,
               std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = disk.write(descriptor, bytes, offset);
    if (written < 0) {
      if (errno == EINTR) continue;  // nothing was written
      return false;
    }
    // A direct write must go on at a whole block: what was begun of one is written again.
    const auto whole = static_cast<std::size_t>(written) / kJournalBlock * kJournalBlock;
    if (whole == 0) {
      errno = EIO;
      return false;
    }
    bytes = bytes.subspan(whole);
    offset += whole;
  }
  return true;
}

}  // namespace

void Batch::Free::operator()(std::uint8_t* memory) const {
  std::free(memory);
}

std::uint8_t* Batch::prepare(std::size_t size) {
  const std::size_t needed = whole_blocks(kFrameBytes + size);
  if (needed > capacity_) {
    const std::size_t grown = std::max(needed, 2 * capacity_);
    memory_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kJournalBlock, grown)));
    SLUICE_ASSERT(memory_ != nullptr, "memory for a batch");
    capacity_ = grown;
  }
  size_ = size;
  std::memset(memory_.get() + kFrameBytes + size, 0, needed - kFrameBytes - size);
  return memory_.get() + kFrameBytes;
}

void Batch::seal(std::uint64_t journal_id, std::int64_t sequence) {
  sequence_ = sequence;
  put_frame(memory_.get(), journal_id, sequence, bytes());
}

std::span<const std::uint8_t> Batch::bytes() const {
  return {memory_.get() + kFrameBytes, size_};
}

std::span<const std::uint8_t> Batch::blocks() const {
  return {memory_.get(), whole_blocks(kFrameBytes + size_)};
}

ssize_t JournalDisk::write(int descriptor, std::span<const std::uint8_t> bytes,
                           std::uint64_t offset) {
  return ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
}

int JournalDisk::sync(int descriptor) {
  return ::fdatasync(descriptor);
}

Result<std::unique_ptr<Journal>> Journal::begin(const std::string& directory,
                                                std::uint64_t segment_bytes, JournalDisk& disk) {
  std::unique_ptr<Journal> journal(new Journal(directory, segment_bytes, disk));
  if (!journal->take_over()) {
    if (auto created = journal->create(); !created) return std::unexpected(created.error());
  }
  if (auto opened = journal->open(); !opened) return std::unexpected(opened.error());
  return journal;
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

/// Whether a journal of the right size is there already, to be used again.
bool Journal::take_over() {
  const std::string path = directory_ + "/" + kJournalFile;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  std::array<std::uint8_t, kHeaderBytes> bytes{};
  struct stat found {};
  const bool read =
      ::pread(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) &&
      ::fstat(descriptor, &found) == 0;
  ::close(descriptor);
  const auto header = JournalHeader::parse(bytes);
  if (!read || !header || header->segment_bytes != segment_bytes_) return false;
  id_ = header->id;
  return static_cast<std::uint64_t>(found.st_size) == file_bytes(segment_bytes_);
}

/// The whole file is written with zeros, so that no later write has to allocate: allocating is what
/// needs room, and what makes a sync slow.
Result<> Journal::create() {
  const std::string path = directory_ + "/" + kJournalFile;
  const std::string draft = path + ".new";
  ::unlink(draft.c_str());
  const int descriptor = ::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kPrivateFile);
  if (descriptor < 0) return system_failure("Creating", draft);
  id_ = random_id();
  std::vector<std::uint8_t> zeros(std::size_t{1} << 20);
  std::vector<std::uint8_t> first(kJournalBlock);
  JournalHeader{id_, segment_bytes_}.put(first.data());
  JournalDisk plain;
  bool written = write_all(plain, descriptor, first, 0);
  const std::uint64_t size = file_bytes(segment_bytes_);
  for (std::uint64_t at = kJournalBlock; written && at < size;) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), size - at));
    written = write_all(plain, descriptor, std::span(zeros).first(length), at);
    at += length;
  }
  written = written && ::fsync(descriptor) == 0;
  const int why = errno;
  ::close(descriptor);
  if (!written) {
    ::unlink(draft.c_str());
    return fail(fmt::format("Reserving {} bytes for {} failed: {}. Make room on the disk.", size,
                            path, std::strerror(why)));
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return system_failure("Renaming", draft);
  return sqlite::sync_directory(directory_);
}

/// Direct writes go past the page cache, which spares the sync the search for dirty pages. Where
/// the file system refuses them (some do at open(2), some at the first write) others are as
/// durable.
Result<> Journal::open() {
  const std::string path = directory_ + "/" + kJournalFile;
  Batch first;
  std::uint8_t* block = first.prepare(0) - kFrameBytes;
  JournalHeader{id_, segment_bytes_}.put(block);
  JournalDisk plain;
  for (const int direct : {O_DIRECT, 0}) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | direct);
    if (descriptor_ >= 0) {
      // The same bytes that are there.
      if (write_all(plain, descriptor_, first.blocks(), 0)) return {};
      const int why = errno;
      ::close(std::exchange(descriptor_, -1));
      errno = why;
    }
    if (errno != EINVAL) break;
  }
  return system_failure("Opening", path);
}

bool Journal::has_room(std::size_t bytes, std::int64_t durable) const {
  const std::uint64_t needed = whole_blocks(kFrameBytes + bytes);
  if (needed > segment_bytes_) return false;
  return segments_[current_].used + needed <= segment_bytes_ || waits_for() <= durable;
}

Result<> Journal::write(const Batch& batch) {
  const auto blocks = batch.blocks();
  if (segments_[current_].used + blocks.size() > segment_bytes_) {
    current_ = 1 - current_;
    segments_[current_].used = 0;
  }
  Segment& segment = segments_[current_];
  SLUICE_ASSERT(segment.used + blocks.size() <= segment_bytes_, "has_room() was asked");
  const std::uint64_t offset = kJournalBlock + current_ * segment_bytes_ + segment.used;
  if (!write_all(disk_, descriptor_, blocks, offset) || disk_.sync(descriptor_) != 0) {
    return system_failure("Writing a batch to", directory_ + "/" + kJournalFile);
  }
  segment.used += blocks.size();
  segment.last = batch.sequence();
  return {};
}

Result<> Journal::remove() {
  const std::string path = directory_ + "/" + kJournalFile;
  ::close(std::exchange(descriptor_, -1));
  if (::unlink(path.c_str()) != 0) return system_failure("Removing", path);
  return sqlite::sync_directory(directory_);
}

}  // namespace sluice::store
