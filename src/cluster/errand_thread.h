// A thread that does what is posted to it, in order, and looks around at least so often.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::cluster {

using Errand = std::move_only_function<void()>;

/// What is posted is bounded by those who post: each errand answers something that its owner began.
class ErrandThread {
 public:
  ErrandThread() = default;
  ~ErrandThread() { end(); }
  ErrandThread(const ErrandThread&) = delete;
  ErrandThread& operator=(const ErrandThread&) = delete;

  /// `turn` runs after each round of errands, and when `idle` went by without one.
  void start(const char* name, std::chrono::milliseconds idle, Errand turn);
  /// Dropped without being run once the thread has ended. Any thread.
  void post(Errand errand);
  /// Has `turn` run soon. Any thread.
  void wake() {
    post([] {});
  }
  /// Runs what was posted before, then joins the thread. Not from the thread itself.
  void end();

 private:
  void run(std::chrono::milliseconds idle);

  Errand turn_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Errand> errands_;
  bool sleeps_ = false;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace sluice::cluster
