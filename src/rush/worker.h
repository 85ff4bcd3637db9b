// One thread of the crowd: decides who acts when, sends it, and keeps the books of the answers.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <queue>
#include <string>
#include <vector>

#include "rush/options.h"
#include "rush/schedule.h"
#include "rush/shoppers.h"
#include "rush/tally.h"
#include "rush/target.h"
#include "rush/wire.h"

namespace sluice::rush {

/// One thing on sale, as the crowd sees it.
struct Goods {
  std::string id;
  std::string sale_id;
  std::string title;
  std::int64_t available = 0;  ///< before the run
  std::int64_t limit = 1;      ///< per shopper
};

inline constexpr std::size_t kMaxGoods = 10'000;

/// What all workers of a run share.
struct Plan {
  const Options* options = nullptr;
  Target target;
  std::vector<Goods> goods;  ///< not empty; in raw mode one entry that names no item
  std::uint64_t seed = 0;
  std::atomic<bool>* stop = nullptr;  ///< set to end arrivals early
  Timeline* timeline = nullptr;
};

/// A worker's part of the plan.
struct Share {
  double rate = 1;             ///< open
  std::uint64_t requests = 0;  ///< closed
  unsigned connections = 1;
  std::uint64_t seed = 0;
};

/// Numbers for the progress line.
struct Progress {
  OutcomeCounts outcomes{};
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t behind_ns = 0;  ///< how late the next shopper is already

  void add(const Progress& other);
};

/// Thread: everything runs on the thread that calls run(), except progress().
class Worker : private Driver {
 public:
  Worker(const Plan& plan, const Share& share, Shoppers& shoppers);

  /// Opens the connections; before run().
  Result<void> connect() { return wire_.connect_all(Span::seconds(15)); }
  /// Plays this worker's share, beginning at `start_ns` of the monotonic clock. Returns when every
  /// request has been answered or given up.
  void run(std::uint64_t start_ns);
  Progress progress() const;
  const Tally& tally() const { return tally_; }
  std::uint64_t finished_ns() const { return finished_ns_; }
  const Options& options() const { return options_; }

 private:
  /// Flag in Errand::attempt: when it was sent, the shopper knew of a grant of theirs.
  static constexpr std::uint8_t kSentAfterGrant = 0x80;
  enum class Purpose : std::uint8_t { first, second_click, second_tab, again, next_item, retry };
  struct Later {
    bool operator()(const Errand& a, const Errand& b) const {
      return a.intended_ns > b.intended_ns;
    }
  };

  void on_answer(const Errand& errand, const Answer& answer, std::uint64_t sent_ns,
                 std::uint64_t now_ns) override;
  void on_loss(const Errand& errand, Loss loss, std::uint64_t sent_ns,
               std::uint64_t now_ns) override;

  void run_open();
  void run_closed();
  void launch_due(std::uint64_t now_ns);
  void arrive(std::uint64_t intended_ns);
  bool dispatch(Errand errand, std::uint64_t now_ns);
  bool dispatch_next_closed(std::uint64_t now_ns);
  std::uint64_t next_due_ns() const;
  bool arrivals_over(std::uint64_t now_ns) const;

  void settle(const Errand& errand, const Reading& reading, const Answer& answer,
              std::uint64_t sent_ns, std::uint64_t now_ns);
  void settle_grant(const Errand& errand, const Reading& reading, std::uint64_t sent_ns);
  void add_extra_grant(const Errand& errand, OrderId order);
  void settle_replay(const Errand& errand, const Reading& reading);
  void settle_duplicate(const Errand& errand, const Reading& reading, const Answer& answer);
  void follow_up(const Errand& errand, Outcome outcome, std::uint64_t now_ns);
  void later(const Errand& errand, Purpose purpose, std::uint16_t item, std::uint64_t at_ns);

  Character character(std::uint32_t shopper) const;
  std::uint16_t first_item(double taste) const;
  std::uint16_t other_item(std::uint16_t item, std::uint32_t shopper, bool same_sale) const;
  void compose(const Errand& errand);
  void count(Outcome outcome, std::uint64_t now_ns);
  void roll_second(std::uint64_t now_ns);
  void publish(std::uint64_t now_ns);
  std::uint64_t think_ns(std::uint32_t from_ms, std::uint32_t to_ms);

  const Plan& plan_;
  const Options& options_;
  Share share_;
  Shoppers& shoppers_;
  Wire wire_;
  Schedule schedule_;
  Dice dice_;
  bool raw_ = false;
  std::vector<std::string> heads_;  ///< request up to the token, per item
  std::vector<double> cumulative_;  ///< of the items' shares of the stock
  std::string request_;
  /// Follow-ups of shoppers; at most kMaxFollowUps per shopper are waiting at a time.
  std::priority_queue<Errand, std::vector<Errand>, Later> follow_ups_;
  Tally tally_;
  Second second_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t deadline_ns_ = 0;  ///< no new requests from here on; 0: none
  std::uint64_t second_end_ns_ = 0;
  std::uint64_t published_ns_ = 0;
  std::uint64_t finished_ns_ = 0;
  std::uint64_t started_ = 0;  ///< open: shoppers who arrived; closed: requests begun
  std::size_t sold_out_items_ = 0;
  mutable std::mutex progress_mutex_;
  Progress progress_;
};

}  // namespace sluice::rush
