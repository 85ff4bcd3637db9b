// The journal: a preallocated file in which a batch becomes durable with one write and one sync,
// before the record's tables have it. docs/formats/record.md lays its bytes down.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/encoder.h"

namespace sluice::store {

inline constexpr const char* kJournalFile = "journal";
/// What is written is a multiple of this, and begins at one: what direct writes want.
inline constexpr std::size_t kJournalBlock = 4096;
/// Size of each of the two halves that are written in turns.
inline constexpr std::uint64_t kSegmentBytes = std::uint64_t{16} << 20;

/// One batch in memory, as the journal has it: whole blocks, with the frame in front.
class Batch {
 public:
  /// Makes room for a batch of `size` bytes and returns where they go; keeps its memory.
  std::uint8_t* prepare(std::size_t size);
  /// Puts number, length and checksum in front, once the bytes are there.
  void seal(std::uint64_t journal_id, std::int64_t sequence);

  std::int64_t sequence() const { return sequence_; }
  std::span<const std::uint8_t> bytes() const;        ///< without frame and padding
  std::span<const std::uint8_t> blocks() const;       ///< what is written
  std::size_t capacity() const { return capacity_; }  ///< bytes of memory it keeps

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const;
  };
  std::unique_ptr<std::uint8_t, Free> memory_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::int64_t sequence_ = 0;
};

/// The system calls of the hot path, so that tests can make them fail.
class JournalDisk {
 public:
  JournalDisk() = default;
  JournalDisk(const JournalDisk&) = delete;
  JournalDisk& operator=(const JournalDisk&) = delete;
  virtual ~JournalDisk() = default;
  /// As pwrite(2).
  virtual ssize_t write(int descriptor, std::span<const std::uint8_t> bytes, std::uint64_t offset);
  /// As fdatasync(2).
  virtual int sync(int descriptor);
};

/// What a journal holds beyond the tables.
struct JournalTail {
  std::vector<Batch> batches;  ///< in order; the first follows the tables
};

/// What the bytes of a journal hold after `tables`; `path` is for the messages. Errors as below.
Result<JournalTail> parse_journal(std::span<const std::uint8_t> file, const Heads& tables,
                                  const std::string& path);

/// Reads what the journal of `directory` holds after `tables`: the longest run of whole batches,
/// each following the one before it. Nothing where there is no journal. Errors: a batch that is
/// missing or damaged although one after it is there, a journal that is not this record's, one
/// that cannot be read.
Result<JournalTail> read_journal(const std::string& directory, const Heads& tables);

/// The writing side. One thread at a time.
class Journal {
 public:
  /// Makes a new journal, or takes over the one that is there. Everything in it must be durable in
  /// the tables: it is overwritten from the start.
  static Result<std::unique_ptr<Journal>> begin(const std::string& directory,
                                                std::uint64_t segment_bytes, JournalDisk& disk);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  std::uint64_t id() const { return id_; }

  /// Whether `bytes` more can be written, if the tables hold everything up to `durable`.
  bool has_room(std::size_t bytes, std::int64_t durable) const;
  /// What the tables must hold durably before the next half can be written.
  std::int64_t waits_for() const { return segments_[1 - current_].last; }

  /// Writes and syncs; there must be room. After an error nobody knows what reached the disk, and
  /// the journal must not be used again.
  Result<> write(const Batch& batch);

  /// Takes the file away: everything in it is durable in the tables, and stays so.
  Result<> remove();

 private:
  struct Segment {
    std::uint64_t used = 0;
    std::int64_t last = 0;  ///< number of its newest batch
  };
  Journal(std::string directory, std::uint64_t segment_bytes, JournalDisk& disk)
      : directory_(std::move(directory)), segment_bytes_(segment_bytes), disk_(disk) {}
  Result<> open();
  Result<> create();
  bool take_over();

  const std::string directory_;
  const std::uint64_t segment_bytes_;
  JournalDisk& disk_;
  int descriptor_ = -1;
  std::uint64_t id_ = 0;
  std::array<Segment, 2> segments_;
  std::size_t current_ = 0;
};

}  // namespace sluice::store
