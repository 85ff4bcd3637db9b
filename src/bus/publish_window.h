// Which publishes wait, which are with the broker unconfirmed, what is sent again after a
// reconnection, and what its caller is told. Knows no socket and no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.h"
#include "bus/topology.h"

namespace sluice::bus {

/// A publish on its way to a broker.
struct Outgoing {
  std::string exchange;
  std::string routing_key;
  Message message;
  Confirmed then;
  std::uint32_t attempts = 0;           ///< deliveries so far, told to the next consumer
  std::optional<Span> expiration = {};  ///< of this message
  /// Declared before it is sent. A message that is returned was sent between somebody's deleting it
  /// and our hearing of it: it is sent once more.
  std::optional<QueueSpec> target = {};
};

struct WindowLimits {
  std::size_t messages = 1024;  ///< with the broker at a time
  /// Kept below what sockets buffer, so that a broker that stopped reading stops no thread of ours.
  std::size_t bytes = std::size_t{512} << 10;
  /// After this a publish fails, be it sent or not.
  Span patience = Span::seconds(10);
};

/// One thread. Publishes are confirmed or failed in `finished`, which the owner empties.
class PublishWindow {
 public:
  /// Milliseconds of a clock that never goes back.
  using Due = std::int64_t;
  struct Finished {
    Confirmed then;
    Result<> result;
    std::uint64_t cost = 0;
  };

  explicit PublishWindow(const WindowLimits& limits) : limits_(limits) {}

  void add(Outgoing outgoing, Due now);
  /// A new channel: tags begin at 1 again, and what was unconfirmed is the first to be sent.
  void connected();
  /// The broker is short of memory or disk and reads no publishes.
  void set_blocked(std::string reason) { blocked_ = std::move(reason); }

  struct Next {
    std::uint64_t tag = 0;
    const Outgoing* outgoing = nullptr;  ///< until the next call
  };
  /// The next that may be sent now; it counts as sent.
  std::optional<Next> next();
  /// What next() would give; until the next call.
  const Outgoing* first() const;
  /// Fails that one, unsent.
  void refuse(std::string why);

  // What the broker says. False: it confirms what it was not sent; the connection is of no use.
  [[nodiscard]] bool acked(std::uint64_t tag, bool multiple);
  [[nodiscard]] bool nacked(std::uint64_t tag, bool multiple);
  /// Comes before the ack of the same message.
  [[nodiscard]] bool returned(std::uint64_t tag, std::string why);

  /// Fails what waited too long; `trouble` says why, where that is known.
  void expire(Due now, const std::string& trouble);
  /// Fails everything.
  void give_up(const std::string& why);

  std::vector<Finished> take_finished() { return std::exchange(finished_, {}); }
  bool idle() const { return waiting_.empty() && unanswered_ == 0; }
  /// When `expire` has something to do next.
  std::optional<Due> next_due() const;
  std::size_t unconfirmed() const { return sent_.size(); }
  bool blocked() const { return !blocked_.empty(); }

 private:
  struct Entry {
    Outgoing outgoing;
    Due deadline = 0;
    std::uint64_t cost = 0;
    bool answered = false;   ///< its caller was told
    bool confirmed = false;  ///< the broker was heard: its tag will not be named again
    std::string returned;    ///< why it reached no queue
    bool sent_again = false;
  };

  Entry* find(std::uint64_t tag);
  template <class Settle>
  bool settle(std::uint64_t tag, bool multiple, Settle settle);
  void answer(Entry& entry, Result<> result);
  void send_again(Entry& entry);
  void drop_confirmed();

  const WindowLimits limits_;
  std::deque<Entry> waiting_;
  std::deque<Entry> sent_;  ///< consecutive tags, the first one is first_tag_
  std::uint64_t first_tag_ = 1;
  std::size_t sent_bytes_ = 0;
  std::size_t unanswered_ = 0;  ///< of sent_
  std::string blocked_;
  std::vector<Finished> finished_;
};

/// What a publish counts for in every bound on bytes.
std::uint64_t cost_of(const Outgoing& outgoing);

}  // namespace sluice::bus
