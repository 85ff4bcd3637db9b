// Reads of the cluster's record on threads of their own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "mariadb/address.h"
#include "store/cluster_reader.h"

namespace sluice::cluster {

/// A few threads with a connection each; a bounded queue in front.
class ReadPool {
 public:
  using Job = std::move_only_function<void(store::ClusterReader&)>;

  static Result<std::unique_ptr<ReadPool>> open(const mariadb::Address& record, std::size_t threads,
                                                std::size_t bound);
  ~ReadPool();

  /// False when `bound` jobs wait already, or after stop(). Any thread.
  bool put(Job&& job);
  /// Finishes what waits and joins the threads.
  void stop();

 private:
  explicit ReadPool(std::size_t bound) : bound_(bound) {}
  void run(store::ClusterReader& reader);

  const std::size_t bound_;
  std::vector<std::unique_ptr<store::ClusterReader>> readers_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::cluster
