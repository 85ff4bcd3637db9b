// The embedded bus: callers put into an inbox, one thread writes what came together as one
// transaction, then confirms and delivers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bus/backlog.h"
#include "bus/bus.h"
#include "bus/inbox.h"
#include "bus/local.h"
#include "bus/message_store.h"

namespace sluice::bus {

class LocalBus final : public Bus {
 public:
  static Result<std::unique_ptr<LocalBus>> open(const std::string& directory,
                                                const std::vector<Binding>& bindings,
                                                const LocalLimits& limits);
  ~LocalBus() override;
  LocalBus(const LocalBus&) = delete;
  LocalBus& operator=(const LocalBus&) = delete;

  void publish(std::string_view exchange, std::string_view routing_key, Message message,
               Confirmed then) override;
  Result<> consume(std::string_view queue, std::size_t prefetch, Consumer consumer) override;
  std::vector<QueueState> queues() const override;
  void recount() override {}
  bool healthy() const override { return healthy_.load(std::memory_order_relaxed); }
  void stop() override;

 private:
  struct Queue {
    std::string name;
    Backlog backlog;
    std::size_t prefetch = 0;
    Consumer consumer;
    std::atomic<bool> consumed{false};  ///< any thread
    // What other threads see of the backlog.
    std::atomic<std::uint64_t> ready{0};
    std::atomic<std::uint64_t> unacknowledged{0};
    std::atomic<std::uint64_t> parked{0};
  };
  /// A message that goes to its consumer once the batch is committed.
  struct Pick {
    std::size_t queue = 0;
    Token token;  ///< attempts as they will be
    Message message;
    bool was_ready = false;  ///< and goes back there if the batch fails
  };

  explicit LocalBus(const LocalLimits& limits);
  Result<> recover(const std::string& directory, const std::vector<Binding>& bindings);
  std::size_t declare(std::string_view queue);
  Result<> restore();

  void run();
  void process(Batch& batch);
  bool has_work(const Batch& batch) const;
  /// Writes the batch in hand as one transaction.
  Result<> write(const Batch& batch);
  int write_settled();
  int pick_ready();
  int write_publishes(const Batch& batch);
  std::optional<Error> refusal(const Publish& publish) const;
  std::size_t room(std::size_t queue) const;
  void committed(Batch& batch);
  void failed(Batch& batch, const Error& why);
  void show();
  std::optional<std::chrono::milliseconds> time_to_sleep() const;
  void finish();

  const LocalLimits limits_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<MessageStore> store_;
  std::vector<std::unique_ptr<Queue>> queues_;  ///< fixed once open
  std::map<std::string, std::size_t, std::less<>> by_name_;
  using Keys = std::map<std::string, std::vector<std::size_t>, std::less<>>;
  std::map<std::string, Keys, std::less<>> routes_;  ///< by exchange; fixed once open
  std::atomic<bool> healthy_{true};
  std::atomic<bool> stopping_{false};

  // The thread's own.
  std::int64_t next_sequence_ = 1;
  std::uint64_t total_bytes_ = 0;
  std::vector<Settled> settled_;  ///< not written yet: of this batch, and of those that failed
  std::vector<std::optional<Error>> written_;  ///< per publish of the batch: why it was refused
  std::vector<std::pair<std::size_t, Token>> fresh_;  ///< added, to be ready in their queues
  std::vector<Pick> picks_;
  std::vector<std::size_t> freed_;    ///< per queue: deliveries that the batch in hand closes
  std::vector<std::size_t> removed_;  ///< per queue: messages that it removes
  std::vector<std::size_t> picked_;   ///< per queue: deliveries that it opens
  std::vector<std::size_t> added_;    ///< per queue: messages that it adds
  std::uint64_t added_bytes_ = 0;
  std::uint64_t removed_bytes_ = 0;
  std::optional<std::int64_t> retry_at_;  ///< after a full disk
  std::thread thread_;
};

}  // namespace sluice::bus
