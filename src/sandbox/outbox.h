// The notifications that are to be sent, and when: the provider's retry schedule under a speed, and
// the faults of delivery. No clock, socket or lock: the time is passed in.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "sandbox/faults.h"
#include "sandbox/trade.h"

namespace sluice::sandbox {

/// After an attempt that was not acknowledged the next comes so much later; 24 h 4 min in all.
inline constexpr std::array<Span, 15> kRetryAfter{
    Span::seconds(15),    Span::seconds(15),    Span::seconds(30),    Span::seconds(180),
    Span::seconds(600),   Span::seconds(1200),  Span::seconds(1800),  Span::seconds(1800),
    Span::seconds(1800),  Span::seconds(3600),  Span::seconds(10800), Span::seconds(10800),
    Span::seconds(10800), Span::seconds(21600), Span::seconds(21600)};
/// How long notifications are gathered before they are sent newest first.
inline constexpr Span kReorderWindow{100};
inline constexpr double kLeastSpeed = 0.001;
inline constexpr double kMostSpeed = 1'000'000;

/// What a notification is about.
struct Notice {
  std::uint64_t id = 0;
  std::string out_trade_no;
  std::optional<std::size_t> refund;  ///< index; empty: of the payment
  std::string event_id;               ///< the same in every repetition
  std::size_t attempts = 0;           ///< begun, the lost ones too
  bool over = false;                  ///< acknowledged or given up
  Instant last_attempt;
  Instant due;
  std::size_t sending = 0;  ///< tasks not answered yet
};

class Outbox {
 public:
  /// Due `delay` later, in real time.
  std::uint64_t post(std::string out_trade_no, std::optional<std::size_t> refund,
                     std::string event_id, Span delay, Instant now);

  struct Task {
    std::uint64_t notice = 0;
    std::size_t attempt = 0;  ///< from 1; all tasks of one attempt have one body
    Attempt::Kind kind = Attempt::Kind::sent;
  };
  /// At most `room` tasks that are due. Those of kind `dropped` are not to be sent; like all others
  /// they are to be told to answered().
  std::vector<Task> take(std::size_t room, NotifyFaults& faults, Instant now);

  enum class Then : std::uint8_t { waits, acknowledged, given_up };
  /// What became of a task; `waits` where the notice goes on. A notice that ended is forgotten once
  /// nothing of it is under way.
  Then answered(const Task& task, bool acknowledged, Instant now);

  /// When take() has something to do next; empty: never.
  std::optional<Instant> next_due(const NotifyFaults& faults, Instant now) const;
  const Notice* find(std::uint64_t id) const;
  std::size_t size() const { return notices_.size(); }

  double speed() const { return speed_; }
  /// Waiting notices are scheduled afresh.
  void set_speed(double speed);

 private:
  struct Burst {
    std::uint64_t notice = 0;
    std::size_t attempt = 0;
    std::int64_t forged = 0;
    bool sent = false;
    std::int64_t copies = 0;
  };
  void begin_attempts(NotifyFaults& faults, Instant now);
  void begin_attempt(Notice& notice, NotifyFaults& faults, Instant now, std::vector<Burst>& begun);
  void schedule(Notice& notice, Instant due);
  Span pause_after(std::size_t attempts) const;
  void forget_if_over(Notice& notice);

  std::uint64_t last_id_ = 0;
  double speed_ = 1;
  std::map<std::uint64_t, Notice> notices_;
  std::set<std::pair<Instant, std::uint64_t>> due_;
  std::deque<Burst> bursts_;
  std::deque<Task> dropped_;
};

}  // namespace sluice::sandbox
