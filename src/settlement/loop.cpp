// The loop's thread.
#include "settlement/loop.h"

#include <pthread.h>

#include <memory>
#include <utility>

namespace sluice::settlement {

void Loop::deliver(std::vector<engine::Delivery>&& batch) {
  post([batch = std::move(batch)]() mutable {
    for (engine::Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  });
}

ThreadLoop::ThreadLoop(std::function<Instant()> clock)
    : clock_(std::move(clock)), thread_([this] { run(); }) {}

ThreadLoop::~ThreadLoop() {
  end();
}

void ThreadLoop::post(std::move_only_function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  jobs_.push_back(std::move(job));
  if (jobs_.size() == 1) arrived_.notify_one();
}

void ThreadLoop::after(Span pause, Job job) {
  const auto at = std::chrono::steady_clock::now() + std::chrono::milliseconds(pause.ms);
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  timers_.push(Timer{at, timer_count_++, std::move(job)});
  arrived_.notify_one();
}

void ThreadLoop::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    arrived_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void ThreadLoop::run() {
  pthread_setname_np(pthread_self(), "settlement");
  std::vector<Job> batch;
  std::unique_lock lock(mutex_);
  while (!ended_) {
    const auto now = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.top().at <= now) {
      jobs_.push_back(std::move(timers_.top().job));
      timers_.pop();
    }
    if (jobs_.empty()) {
      if (timers_.empty()) {
        arrived_.wait(lock);
      } else {
        const auto until = timers_.top().at;
        arrived_.wait_until(lock, until);
      }
      continue;
    }
    batch.swap(jobs_);
    lock.unlock();
    for (Job& job : batch)
      job();
    batch.clear();
    lock.lock();
  }
  // Dropped here and not in the destructor: jobs hold deliveries of a bus that ends after the desk.
  batch.swap(jobs_);
  timers_ = {};
  lock.unlock();
}

}  // namespace sluice::settlement
