// The reader thread's loop.
#include "engine/read_desk.h"

#include <pthread.h>

#include <utility>

namespace sluice::engine {

Result<std::unique_ptr<ReadDesk>> ReadDesk::open(const std::string& directory, std::size_t bound) {
  auto reader = store::Reader::open(directory);
  if (!reader) return std::unexpected(reader.error());
  return std::unique_ptr<ReadDesk>(new ReadDesk(std::move(*reader), bound));
}

ReadDesk::ReadDesk(std::unique_ptr<store::Reader> reader, std::size_t bound)
    : reader_(std::move(reader)), bound_(bound), thread_([this] { run(); }) {}

ReadDesk::~ReadDesk() {
  stop();
}

bool ReadDesk::put(Job&& job) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_.size() >= bound_) return false;
  waiting_.push_back(std::move(job));
  if (waiting_.size() == 1) arrived_.notify_one();
  return true;
}

void ReadDesk::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    arrived_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void ReadDesk::run() {
  pthread_setname_np(pthread_self(), "sluice-reader");
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job(*reader_);
    lock.lock();
  }
}

}  // namespace sluice::engine
