// A thread that does what is posted to it, in order.
#include "cluster/errand_thread.h"

#include <pthread.h>

#include <utility>

namespace sluice::cluster {

void ErrandThread::start(const char* name, std::chrono::milliseconds idle, Errand turn) {
  turn_ = std::move(turn);
  thread_ = std::thread([this, idle] { run(idle); });
  pthread_setname_np(thread_.native_handle(), name);
}

void ErrandThread::post(Errand errand) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    errands_.push_back(std::move(errand));
    if (!std::exchange(sleeps_, false)) return;
  }
  // After the lock: a thread that is woken under it would run into it at once.
  arrived_.notify_one();
}

void ErrandThread::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    sleeps_ = false;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void ErrandThread::run(std::chrono::milliseconds idle) {
  std::vector<Errand> taken;
  for (;;) {
    bool last = false;
    {
      std::unique_lock lock(mutex_);
      if (errands_.empty() && !ended_) {
        sleeps_ = true;
        arrived_.wait_for(lock, idle, [this] { return !sleeps_; });
        sleeps_ = false;
      }
      taken.swap(errands_);
      last = ended_;
    }
    for (Errand& errand : taken)
      errand();
    taken.clear();
    turn_();
    if (last) return;
  }
}

}  // namespace sluice::cluster
