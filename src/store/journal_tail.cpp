// Reading a journal back: the longest run of batches that follows the tables, and whether anything
// after it says that it should have been longer.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "store/frame.h"
#include "store/journal.h"

namespace sluice::store {
namespace {

/// The bytes of a whole file; none where there is no file.
Result<std::optional<std::vector<std::uint8_t>>> read_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) return std::nullopt;
    return fail(fmt::format("Opening {} failed: {}. Check its owner.", path, std::strerror(errno)));
  }
  std::vector<std::uint8_t> bytes;
  struct stat found {};
  bool whole = ::fstat(descriptor, &found) == 0;
  if (whole) bytes.resize(static_cast<std::size_t>(found.st_size));
  for (std::size_t at = 0; whole && at < bytes.size();) {
    const ssize_t got =
        ::pread(descriptor, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    whole = got > 0 || (got < 0 && errno == EINTR);
    if (got > 0) at += static_cast<std::size_t>(got);
  }
  const int why = errno;
  ::close(descriptor);
  if (!whole) {
    return fail(fmt::format("Reading {} failed: {}. Check the disk.", path, std::strerror(why)));
  }
  return bytes;
}

/// What is to be done about a journal that cannot be used as it is.
constexpr const char* kRemedy =
    "Acknowledged orders may be missing from record.db. Copy the whole directory before anything "
    "else, and see \"When the journal is damaged\" in docs/operating.md.";

class TailReader {
 public:
  TailReader(std::span<const std::uint8_t> file, const JournalHeader& header, const Heads& tables,
             const std::string& path)
      : file_(file), header_(header), tables_(tables), path_(path) {}

  Result<JournalTail> read() {
    for (const std::size_t segment : {0U, 1U})
      walk(segment);
    std::ranges::sort(found_, {}, &Frame::sequence);
    if (auto chained = check_chain(); !chained) return std::unexpected(chained.error());
    if (auto ended = check_end(); !ended) return std::unexpected(ended.error());
    JournalTail tail;
    for (const Frame& frame : found_) {
      Batch batch;
      std::ranges::copy(frame.batch, batch.prepare(frame.batch.size()));
      batch.seal(header_.id, frame.sequence);
      tail.batches.push_back(std::move(batch));
    }
    return tail;
  }

 private:
  /// What there is of a segment; less than its size where the file was cut.
  std::span<const std::uint8_t> segment(std::size_t number) const {
    const std::uint64_t from = kJournalBlock + number * header_.segment_bytes;
    if (from >= file_.size()) return {};
    const auto rest = file_.subspan(from);
    return rest.first(std::min<std::uint64_t>(rest.size(), header_.segment_bytes));
  }

  /// Batches from the segment's start on, while their numbers grow: what follows after was written
  /// before, when the segment was in use the last time.
  void walk(std::size_t number) {
    auto rest = segment(number);
    std::int64_t before = 0;
    while (const auto frame = Frame::parse(rest, header_.id)) {
      if (frame->sequence <= before) break;
      before = frame->sequence;
      if (before > tables_.seal) found_.push_back(*frame);
      rest = rest.subspan(std::min(rest.size(), whole_blocks(kFrameBytes + frame->batch.size())));
    }
  }

  Result<> check_chain() {
    Chain chain;
    std::int64_t expected = tables_.seal;
    Hash hash = tables_.hash;
    for (const Frame& frame : found_) {
      ++expected;
      if (frame.sequence != expected) {
        return fail(fmt::format("{}: batch {} is missing, and batch {} is there. {}", path_,
                                expected, frame.sequence, kRemedy));
      }
      const auto parts = BatchParts::parse(frame.batch);
      const bool follows =
          parts && parts->seal.sequence == expected && parts->seal.previous == hash &&
          parts->seal.hash == chain.seal(hash, expected, parts->seal.at, parts->sealed);
      if (!follows) {
        return fail(fmt::format(
            "{}: batch {} does not follow the one before it in the hash chain: the journal belongs "
            "to another record.db. {}",
            path_, expected, kRemedy));
      }
      hash = parts->seal.hash;
    }
    last_ = expected;
    return {};
  }

  /// A batch is only written when the one before it is durable. So a later one that is there shows
  /// that the end of the run is damage, and not a write that was cut short.
  Result<> check_end() const {
    for (const std::size_t number : {0U, 1U}) {
      const auto bytes = segment(number);
      for (std::size_t at = 0; at < bytes.size(); at += kJournalBlock) {
        const auto frame = Frame::parse(bytes.subspan(at), header_.id);
        if (!frame || frame->sequence <= last_) continue;
        return fail(fmt::format("{}: batch {} is damaged or missing, and batch {} is there. {}",
                                path_, last_ + 1, frame->sequence, kRemedy));
      }
    }
    return {};
  }

  std::span<const std::uint8_t> file_;
  const JournalHeader& header_;
  const Heads& tables_;
  const std::string& path_;
  std::vector<Frame> found_;  ///< after the tables
  std::int64_t last_ = 0;
};

}  // namespace

Result<JournalTail> parse_journal(std::span<const std::uint8_t> file, const Heads& tables,
                                  const std::string& path) {
  const auto header = JournalHeader::parse(file);
  if (!header) return fail(fmt::format("{}: its header is damaged. {}", path, kRemedy));
  if (header->format != kJournalFormat) {
    return fail(fmt::format(
        "{} has format {}, and this program knows {}: start the version of Sluice that wrote it, "
        "and stop it in order.",
        path, header->format, kJournalFormat));
  }
  return TailReader(file, *header, tables, path).read();
}

Result<JournalTail> read_journal(const std::string& directory, const Heads& tables) {
  const std::string path = directory + "/" + kJournalFile;
  const auto file = read_file(path);
  if (!file) return std::unexpected(file.error());
  if (!*file) return JournalTail{};
  return parse_journal(**file, tables, path);
}

}  // namespace sluice::store
