// The frame around a batch in the journal and the header of its file: laid down and recognised.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "store/journal.h"

namespace sluice::store {

inline constexpr std::uint32_t kJournalFormat = 1;
inline constexpr std::size_t kFrameBytes = 32;
inline constexpr std::size_t kHeaderBytes = 36;

constexpr std::size_t whole_blocks(std::size_t bytes) {
  return (bytes + kJournalBlock - 1) / kJournalBlock * kJournalBlock;
}

constexpr std::uint64_t file_bytes(std::uint64_t segment_bytes) {
  return kJournalBlock + 2 * segment_bytes;
}

/// The first bytes of the file; written once, when it is made.
struct JournalHeader {
  std::uint64_t id = 0;  ///< random; batches carry it, so that nothing else is taken for one
  std::uint64_t segment_bytes = 0;
  std::uint32_t format = kJournalFormat;

  void put(std::uint8_t* out) const;
  /// Empty where `bytes` begin with no header.
  static std::optional<JournalHeader> parse(std::span<const std::uint8_t> bytes);
};

/// Puts the frame in front of `batch`, which follows it at `out` + kFrameBytes.
void put_frame(std::uint8_t* out, std::uint64_t journal_id, std::int64_t sequence,
               std::span<const std::uint8_t> batch);

struct Frame {
  std::int64_t sequence = 0;
  std::span<const std::uint8_t> batch;

  /// The whole batch that `bytes` begin with; empty where they begin with none of this journal.
  static std::optional<Frame> parse(std::span<const std::uint8_t> bytes, std::uint64_t journal_id);
};

}  // namespace sluice::store
