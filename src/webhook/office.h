// The thread that the desk and the sender live on.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "webhook/curl_sender.h"
#include "webhook/desk.h"
#include "webhook/source.h"
#include "webhook/webhook.h"

namespace sluice::webhook {

struct OfficeOptions {
  DeskOptions desk;
  SenderOptions sender;
};

class Office {
 public:
  /// Questions of operators that may wait; more are refused.
  static constexpr std::size_t kMaxWaiting = 256;
  using Job = std::move_only_function<void(Desk&, Instant now)>;

  /// Opens webhooks.db beside the record of the same directory, which exists, and starts.
  static Result<std::unique_ptr<Office>> open(OfficeOptions options);
  ~Office();
  Office(const Office&) = delete;
  Office& operator=(const Office&) = delete;

  /// Runs `job` on the office's thread. False: too many wait, or it stops. Any thread.
  bool post(Job&& job);
  /// Any thread; as of the last thing that happened.
  Counts counts() const;
  /// Waits a moment for what is in flight and ends; what was not answered is sent again after the
  /// next start. Once.
  void stop();

 private:
  explicit Office(const OfficeOptions& options)
      : sender_(options.sender), now_(options.sender.now) {}
  void run();
  void run_jobs();

  CurlSender sender_;
  const std::function<Instant()> now_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Desk> desk_;
  mutable std::mutex mutex_;
  std::vector<Job> jobs_;
  Counts counts_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::webhook
