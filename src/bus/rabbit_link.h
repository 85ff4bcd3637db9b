// A thread that keeps one connection to a RabbitMQ: connects again with growing pauses, hears what
// the broker says, and lets its heir do the work.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "bus/amqp_connection.h"
#include "bus/backoff.h"
#include "bus/wakeup.h"

namespace sluice::bus {

class RabbitLink {
 public:
  /// Milliseconds of a clock that never goes back.
  using Due = std::int64_t;

  RabbitLink(AmqpUrl url, std::string name, Wakeup& wakeup)
      : url_(std::move(url)), name_(std::move(name)), wakeup_(wakeup) {}
  virtual ~RabbitLink() = default;  ///< `stop` must have been called
  RabbitLink(const RabbitLink&) = delete;
  RabbitLink& operator=(const RabbitLink&) = delete;

  /// The first connection, on the caller's thread; then the thread begins.
  Result<> start();
  /// Asks the thread to end and waits; cuts the connection where that takes longer than `patience`.
  void stop(Span patience);
  bool connected() const { return connected_.load(std::memory_order_relaxed); }

 protected:
  // On the link's thread. An error means that the connection is lost.
  virtual Result<> on_connected(AmqpConnection& connection) = 0;
  virtual Result<> on_event(AmqpConnection& connection, AmqpEvent event) = 0;
  /// Sends what there is to send.
  virtual Result<> on_turn(AmqpConnection& connection) = 0;
  /// At every turn, connected or not. `stopping_since`: stop was asked for then. True: it may end.
  virtual bool on_idle(std::optional<Due> stopping_since) = 0;
  /// When on_turn or on_idle has something to do though nothing arrives.
  virtual std::optional<Due> next_due() const = 0;

  static Due now();
  /// Why there is no connection; empty while there is one.
  const std::string& trouble() const { return trouble_; }

 private:
  Result<> connect();
  void run();
  Result<bool> turn();
  void lose(const Error& error);
  void sleep(bool stopping);
  void set_connection(std::unique_ptr<AmqpConnection> connection);

  const AmqpUrl url_;
  const std::string name_;
  Wakeup& wakeup_;
  std::atomic<bool> connected_{false};
  std::mutex mutex_;
  std::condition_variable ended_changed_;
  bool ended_ = false;
  bool stopping_ = false;
  int descriptor_ = -1;  ///< of the connection, to cut it

  // The thread's own, once it runs.
  std::unique_ptr<AmqpConnection> connection_;
  Backoff backoff_;
  Due retry_at_ = 0;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace sluice::bus
