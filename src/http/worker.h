// One event loop and its thread, with what its connections share: clock, scratch space, counters.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "http/ready_set.h"
#include "http/server.h"

namespace sluice::http {

class Listener;

/// What the threads of one server share.
struct ServerShared {
  ServerOptions options;
  std::atomic<std::uint64_t> connections_open{0};
};

/// The hook by which a session is found by its thread.
using SessionHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>>;

class Worker final : public IoThread {
 public:
  Worker(std::size_t index, ServerShared& shared);
  ~Worker() override;

  void post(std::move_only_function<void()> job) override;
  void every(Span period, std::move_only_function<void()> job) override;
  std::size_t index() const override { return index_; }

  /// The body of the thread: serves until the stop is complete. `listener` must be open.
  void run(const ServiceFactory& factory, Listener& listener,
           const std::function<void(std::exception_ptr)>& started);
  /// Any thread: stops accepting, ends the run when the last session is gone or `grace` is over.
  void begin_stop(Span grace);

  // For sessions, on this thread.
  boost::asio::io_context& io() { return io_; }
  ReadySet& ready_set() { return ready_set_; }
  ServerShared& shared() { return shared_; }
  Service& service() { return *service_; }
  bool stopping() const { return stopping_; }
  void link(Session& session);
  void unlink(Session& session);
  /// Milliseconds of a steady clock as of the last sweep: at most one sweep period old.
  std::int64_t now_ms() const { return now_ms_; }
  /// The deadline of something that starts now and may take `span`; never early.
  std::int64_t deadline(Span span) const { return now_ms_ + sweep_ms_ + span.ms; }
  const std::string& common_fields() const { return common_fields_; }

  /// Views of the request being handled; one at a time per thread.
  Request request;
  /// Responses of the session that is being processed, before they are written in one go.
  std::string batch;
  /// The session whose responses gather in `batch`, if any.
  Session* current = nullptr;
  /// Bytes of read buffers above the size that every connection has, see kMaxGrownBytes.
  std::size_t grown_bytes = 0;
  /// Bytes of responses that wait for their peers to read, see kMaxUnwrittenBytes.
  std::size_t unwritten_bytes = 0;

  /// Written by this thread alone, read by any.
  struct Counters {
    std::atomic<std::uint64_t> connections_total{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> refused_requests{0};
  };
  Counters counters;

 private:
  struct Periodic;
  void arm(Periodic& periodic);
  void arm_sweep();
  void sweep();
  void stop_now(Span grace);
  void close_all();

  const std::size_t index_;
  ServerShared& shared_;
  const std::int64_t sweep_ms_;
  boost::asio::io_context io_;
  ReadySet ready_set_;
  boost::asio::steady_timer sweep_timer_;
  boost::asio::steady_timer grace_timer_;
  std::vector<std::unique_ptr<Periodic>> periodics_;
  struct Sessions;
  std::unique_ptr<Sessions> sessions_;
  std::int64_t now_ms_ = 0;
  std::int64_t date_second_ = 0;
  std::string common_fields_;
  Service* service_ = nullptr;
  Listener* listener_ = nullptr;
  std::atomic<bool> over_{false};  ///< jobs are dropped from now on
  bool stopping_ = false;
};

/// Adds to a counter that one thread writes: no locked instruction.
inline void bump(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace sluice::http
