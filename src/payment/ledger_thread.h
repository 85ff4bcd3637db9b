// The thread that owns the ledger: tasks that came together share one transaction and its sync.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "payment/ledger.h"

namespace sluice::payment {

/// A piece of work on the ledger. Both steps run on its thread.
class Task {
 public:
  virtual ~Task() = default;
  /// Reads run after the transaction of their batch, and are not spoiled by its failure.
  virtual bool only_reads() const { return false; }
  /// SQLITE_OK, or the extended code of what failed; then the whole batch does.
  virtual int work(Ledger& ledger) = 0;
  /// When the work is durable, or with the reason why it is not.
  virtual void done(const std::optional<Error>& why_not) = 0;
};

class LedgerThread {
 public:
  explicit LedgerThread(std::unique_ptr<Ledger> ledger);
  ~LedgerThread();
  LedgerThread(const LedgerThread&) = delete;
  LedgerThread& operator=(const LedgerThread&) = delete;

  /// Tasks that wait; more are refused, so that a slow disk is not answered with memory.
  static constexpr std::size_t kMaxWaiting = 65'536;
  enum class Entry : std::uint8_t {
    bounded,  ///< from outside: refused where too many wait
    always,   ///< continues what was accepted before
  };
  enum class Admission : std::uint8_t { accepted, full, closed };
  /// Takes `task` only if it accepts it. Any thread.
  Admission post(std::unique_ptr<Task>& task, Entry entry);

  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }
  /// Does what waits, closes the ledger, joins. Once; from another thread.
  void stop();

 private:
  void run();
  void process(std::vector<std::unique_ptr<Task>>& batch);
  /// Says in the log when storing begins to fail, and when it works again.
  void report(const std::optional<Error>& failure);
  std::optional<Error> write(std::span<const std::unique_ptr<Task>> tasks);

  std::unique_ptr<Ledger> ledger_;
  std::atomic<bool> healthy_{true};
  bool stores_ = true;  ///< the thread's
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::unique_ptr<Task>> waiting_;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace sluice::payment
