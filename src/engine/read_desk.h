// Reads of the record on a thread of their own, so that neither an event loop nor the writer ever
// waits for a page of the disk.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "store/record.h"

namespace sluice::engine {

/// One thread with one reader; a bounded queue in front.
class ReadDesk {
 public:
  using Job = std::move_only_function<void(store::Reader&)>;

  /// Opens a reader on the record of `directory` and starts the thread.
  static Result<std::unique_ptr<ReadDesk>> open(const std::string& directory, std::size_t bound);
  ~ReadDesk();

  /// False when `bound` jobs wait already, or after stop(). Any thread.
  bool put(Job&& job);

  /// Finishes what waits and joins the thread.
  void stop();

 private:
  ReadDesk(std::unique_ptr<store::Reader> reader, std::size_t bound);
  void run();

  std::unique_ptr<store::Reader> reader_;
  const std::size_t bound_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::engine
