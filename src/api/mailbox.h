// The way back from the engine to one I/O thread.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "engine/engine.h"
#include "http/server.h"

namespace sluice::api {

/// Outlives the I/O thread it delivers to: what comes after detach() is dropped, unrun.
class Mailbox final : public engine::Mailbox {
 public:
  explicit Mailbox(http::IoThread& thread) : thread_(&thread) {}

  void deliver(std::vector<engine::Delivery>&& batch) override;
  void post(std::move_only_function<void()> job) override;

  /// From now on nothing reaches the thread. Called on that thread, when its service goes away.
  void detach();

 private:
  std::mutex mutex_;  ///< taken once per batch
  http::IoThread* thread_;
};

}  // namespace sluice::api
