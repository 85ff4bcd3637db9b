// Which bytes go out, which reply belongs to which command, and what a lost connection leaves.
#include "redis/pipeline.h"

#include <utility>

#include "base/assert.h"

namespace sluice::redis {

void Pipeline::submit(const Command& command, Instant deadline, Then then) {
  SLUICE_ASSERT(!full(), "room for one more command");
  append_command(bytes_, command);
  waiting_.push_back({before_ + bytes_.size(), deadline, std::move(then)});
}

void Pipeline::wrote(std::size_t bytes) {
  written_ += bytes;
  SLUICE_ASSERT(written_ <= bytes_.size(), "no more was written than there was");
  if (written_ == bytes_.size()) {
    before_ += written_;
    written_ = 0;
    bytes_.clear();
  }
}

Result<> Pipeline::received(std::string_view bytes) {
  if (!reader_.feed(bytes)) return fail("Redis sent a reply that is too long");
  for (;;) {
    Result<std::optional<Value>> reply = reader_.next();
    if (!reply) return std::unexpected(reply.error());
    if (!*reply) return {};
    if (waiting_.empty() || waiting_.front().end > before_ + written_) {
      return fail("Redis sent a reply that nobody asked for");
    }
    Then then = std::move(waiting_.front().then);
    waiting_.pop_front();
    then({Fate::answered, std::move(**reply), {}});
  }
}

std::optional<Instant> Pipeline::next_deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().deadline;
}

void Pipeline::lost(const std::string& why) {
  const std::uint64_t sent = before_ + written_;
  std::deque<Waiting> waiting = std::exchange(waiting_, {});
  bytes_.clear();
  written_ = 0;
  before_ = 0;
  reader_ = ReplyReader();
  for (Waiting& one : waiting)
    one.then({one.end <= sent ? Fate::unknown : Fate::not_done, {}, why});
}

void Pipeline::expire(Instant now, const std::string& why) {
  SLUICE_ASSERT(before_ + written_ == 0, "nothing is sent while there is no connection");
  if (!overdue(now)) return;
  // Nothing is on its way, so the bytes of those that stay are made anew from where they begin.
  const std::size_t cut = [&] {
    std::size_t end = 0;
    for (const Waiting& one : waiting_) {
      if (now < one.deadline) break;
      end = one.end;
    }
    return end;
  }();
  std::deque<Waiting> over;
  while (!waiting_.empty() && waiting_.front().end <= cut) {
    over.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  bytes_.erase(0, cut);
  for (Waiting& one : waiting_)
    one.end -= cut;
  for (Waiting& one : over)
    one.then({Fate::not_done, {}, why});
}

}  // namespace sluice::redis
