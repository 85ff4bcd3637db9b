// Reads of the cluster's record on threads of their own.
#include "cluster/read_pool.h"

#include <pthread.h>

#include <utility>

namespace sluice::cluster {

Result<std::unique_ptr<ReadPool>> ReadPool::open(const mariadb::Address& record,
                                                 std::size_t threads, std::size_t bound) {
  std::unique_ptr<ReadPool> pool(new ReadPool(bound));
  for (std::size_t i = 0; i < threads; ++i) {
    auto reader = store::ClusterReader::open(record);
    if (!reader) return fail(reader.error().message);
    pool->readers_.push_back(std::move(*reader));
  }
  for (const auto& reader : pool->readers_) {
    pool->threads_.emplace_back([raw = pool.get(), &reader = *reader] { raw->run(reader); });
    pthread_setname_np(pool->threads_.back().native_handle(), "sluice-reader");
  }
  return pool;
}

ReadPool::~ReadPool() {
  stop();
}

bool ReadPool::put(Job&& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= bound_) return false;
    waiting_.push_back(std::move(job));
  }
  arrived_.notify_one();
  return true;
}

void ReadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ReadPool::run(store::ClusterReader& reader) {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    job(reader);
  }
}

}  // namespace sluice::cluster
