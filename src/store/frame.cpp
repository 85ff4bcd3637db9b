// 32 bytes in front of every batch: magic, format, journal, number, length, checksum of it all.
#include "store/frame.h"

#include "store/crc32c.h"
#include "store/wire.h"

namespace sluice::store {
namespace {

constexpr std::uint32_t kFrameMagic = 0x4A'62'6C'53;             // "SlbJ" as bytes
constexpr std::uint64_t kFileMagic = 0x6C'6E'72'4A'69'75'6C'53;  // "SluiJrnl" as bytes
constexpr std::size_t kChecksumAt = 28;

std::uint32_t checksum(std::span<const std::uint8_t> frame, std::span<const std::uint8_t> batch) {
  return crc32c(batch, crc32c(frame.first(kChecksumAt)));
}

}  // namespace

void JournalHeader::put(std::uint8_t* out) const {
  std::uint8_t* at = put_integer(out, kFileMagic);
  at = put_integer(at, format);
  at = put_integer(at, std::uint32_t{0});
  at = put_integer(at, id);
  at = put_integer(at, segment_bytes);
  put_integer(at, crc32c({out, kHeaderBytes - sizeof(std::uint32_t)}));
}

std::optional<JournalHeader> JournalHeader::parse(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  WireReader in(bytes);
  JournalHeader header;
  const auto magic = in.integer<std::uint64_t>();
  header.format = in.integer<std::uint32_t>();
  in.take(sizeof(std::uint32_t));
  header.id = in.integer<std::uint64_t>();
  header.segment_bytes = in.integer<std::uint64_t>();
  const auto sum = in.integer<std::uint32_t>();
  const bool whole = sum == crc32c(bytes.first(kHeaderBytes - sizeof sum));
  if (magic != kFileMagic || !whole) return std::nullopt;
  return header;
}

void put_frame(std::uint8_t* out, std::uint64_t journal_id, std::int64_t sequence,
               std::span<const std::uint8_t> batch) {
  std::uint8_t* at = put_integer(out, kFrameMagic);
  at = put_integer(at, std::uint32_t{0});
  at = put_integer(at, journal_id);
  at = put_integer(at, sequence);
  at = put_integer(at, static_cast<std::uint32_t>(batch.size()));
  put_integer(at, checksum({out, kChecksumAt}, batch));
}

std::optional<Frame> Frame::parse(std::span<const std::uint8_t> bytes, std::uint64_t journal_id) {
  if (bytes.size() < kFrameBytes) return std::nullopt;
  WireReader in(bytes);
  const auto magic = in.integer<std::uint32_t>();
  in.take(sizeof(std::uint32_t));
  const auto id = in.integer<std::uint64_t>();
  Frame frame;
  frame.sequence = in.integer<std::int64_t>();
  const auto length = in.integer<std::uint32_t>();
  const auto sum = in.integer<std::uint32_t>();
  if (magic != kFrameMagic || id != journal_id || length > in.left()) return std::nullopt;
  frame.batch = in.take(length);
  if (checksum(bytes, frame.batch) != sum) return std::nullopt;
  return frame;
}

}  // namespace sluice::store
