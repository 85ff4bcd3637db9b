// The commands of one connection that wait for their replies, without the socket: which bytes go
// out, which reply belongs to which command, and what is known of each when the connection is lost.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"
#include "redis/value.h"

namespace sluice::redis {

/// What is known of a command.
enum class Fate : std::uint8_t {
  answered,  ///< `value` is the reply, which may be an error
  not_done,  ///< it was never sent whole, or refused before it ran: it has no effect
  unknown,   ///< it was sent and the reply never came: it may have been executed
};

struct Outcome {
  Fate fate = Fate::not_done;
  Value value;      ///< of answered
  std::string why;  ///< of the others: one sentence for a person
};
using Then = std::move_only_function<void(Outcome&&)>;

/// Times are of a clock that never jumps. One thread at a time; a continuation may submit.
class Pipeline {
 public:
  /// Commands that may wait, sent or not.
  explicit Pipeline(std::size_t bound) : bound_(bound) {}

  bool full() const { return waiting_.size() >= bound_; }
  bool idle() const { return waiting_.empty(); }
  /// `then` runs exactly once: in received(), lost() or expire(). Not to be called when full().
  void submit(const Command& command, Instant deadline, Then then);

  /// What the socket should take next; empty: nothing.
  std::string_view outgoing() const { return std::string_view(bytes_).substr(written_); }
  void wrote(std::size_t bytes);
  /// Runs the continuations of the replies that are whole. An error: call lost().
  Result<> received(std::string_view bytes);

  /// Whether the oldest command waits past its deadline: the connection is as good as lost, as what
  /// comes next could be a late reply.
  bool overdue(Instant now) const { return !waiting_.empty() && now >= waiting_.front().deadline; }
  /// When overdue() becomes true; empty: never.
  std::optional<Instant> next_deadline() const;

  /// Tells every command its fate: unknown where its last byte was written, as Redis runs nothing
  /// but whole commands; else not_done. A new connection may begin.
  void lost(const std::string& why);
  /// While there is no connection: tells commands past their deadline that they were not done.
  void expire(Instant now, const std::string& why);

 private:
  struct Waiting {
    std::uint64_t end = 0;  ///< bytes written up to its last one, counted since the connection
    Instant deadline;
    Then then;
  };
  std::size_t bound_;
  std::deque<Waiting> waiting_;
  std::string bytes_;
  std::size_t written_ = 0;   ///< of bytes_
  std::uint64_t before_ = 0;  ///< written and cut from the front of bytes_
  ReplyReader reader_;
};

}  // namespace sluice::redis
