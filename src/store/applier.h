// Carries batches that are durable in the journal into the record's tables, on a thread of its own:
// many batches in one transaction, each page then written once instead of once per batch.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "sqlite/database.h"
#include "store/journal.h"

#include "store/tables.h"

namespace sluice::store {

/// Why the tables cannot be written.
enum class Trouble : std::uint8_t { none, disk_full, broken };

class Applier {
 public:
  /// `applied`: the last seal that the tables hold, durably.
  static Result<std::unique_ptr<Applier>> create(sqlite::Database& database, std::int64_t applied);
  ~Applier();
  Applier(const Applier&) = delete;
  Applier& operator=(const Applier&) = delete;

  /// Begins the thread, at the lowest priority there is. Nobody waits for it: who needs something
  /// done does it, as everybody does where there is no thread.
  void start();
  /// Ends the thread after the transaction in hand; what waits stays in the journal.
  void stop();

  /// A batch that is durable in the journal. Writer thread.
  void add(Batch&& batch);
  /// Memory of a batch that is done with. Writer thread.
  Batch recycled();

  /// Returns when everything that was added before is in the tables, seen by every reader that
  /// begins after. Any thread.
  Result<> settle();
  /// The same, and durable there up to `sequence`. Any thread.
  Result<> settle_durably(std::int64_t sequence);
  /// Asks for it without waiting.
  void want_durable(std::int64_t sequence);
  /// Writes a batch that no journal holds into the tables, durably. After disk_full nothing of it
  /// is there. Writer thread, after settle().
  Result<> write_through(Batch&& batch);

  /// The tables hold everything up to here whatever happens. Any thread.
  std::int64_t durable() const { return durable_.load(std::memory_order_acquire); }
  Trouble trouble() const { return trouble_.load(std::memory_order_acquire); }
  /// What the last attempt failed of; empty where it did not.
  std::string failure() const;
  std::size_t waiting_bytes() const;

 private:
  explicit Applier(sqlite::Database& database) : database_(database) {}
  void run();
  bool is_due() const;
  void step(std::unique_lock<std::mutex>& lock);
  template <class Reached>
  Result<> until(std::unique_lock<std::mutex>& lock, Reached&& reached, std::int64_t* target,
                 std::int64_t sequence);
  void take_in_hand();
  Result<> write_in_hand();
  Result<> checkpoint_if_due();

  sqlite::Database& database_;
  std::unique_ptr<Tables> tables_;
  std::atomic<std::int64_t> durable_{0};
  std::atomic<Trouble> trouble_{Trouble::none};

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::deque<Batch> waiting_;
  std::vector<Batch> in_hand_;  ///< the applier's alone
  std::vector<Batch> spare_;
  std::optional<Batch> direct_;
  std::size_t waiting_bytes_ = 0;
  std::chrono::steady_clock::time_point oldest_;
  std::int64_t added_ = 0;
  std::int64_t applied_ = 0;
  std::int64_t wanted_ = 0;
  std::int64_t wanted_durable_ = 0;
  std::uint64_t attempts_ = 0;  ///< transactions that failed
  bool retry_ = false;
  bool busy_ = false;  ///< somebody is in step()
  std::string failure_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::store
