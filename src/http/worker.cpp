// One event loop and its thread: the sweep over deadlines, jobs from other threads, the stop.
#include "http/worker.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/detail/concurrency_hint.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "http/listener.h"
#include "http/session.h"

namespace sluice::http {

namespace net = boost::asio;
using Error = boost::system::error_code;
using std::chrono::milliseconds;

namespace {

/// Deadlines are looked at this often, or four times within the shortest of them.
constexpr std::int64_t kLongestSweepMs = 1000;

std::int64_t sweep_period(const ServerOptions& options) {
  const std::int64_t shortest = std::min({options.header_timeout.ms, options.upload_timeout.ms,
                                          options.idle_timeout.ms, options.write_timeout.ms});
  return std::clamp<std::int64_t>(shortest / 4, 1, kLongestSweepMs);
}

std::int64_t steady_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct Worker::Periodic {
  explicit Periodic(net::io_context& io) : timer(io) {}
  net::steady_timer timer;
  milliseconds period{0};
  std::move_only_function<void()> job;
};

struct Worker::Sessions {
  boost::intrusive::list<Session, boost::intrusive::base_hook<SessionHook>> list;
};

Worker::Worker(std::size_t index, ServerShared& shared)
    : index_(index),
      shared_(shared),
      sweep_ms_(sweep_period(shared.options)),
      // One thread runs the loop and all I/O; only post() comes from others.
      io_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      ready_set_(io_),
      sweep_timer_(io_),
      grace_timer_(io_),
      sessions_(std::make_unique<Sessions>()) {}

Worker::~Worker() = default;

void Worker::post(std::move_only_function<void()> job) {
  if (over_.load(std::memory_order_acquire)) return;
  net::post(io_, std::move(job));
}

void Worker::every(Span period, std::move_only_function<void()> job) {
  SLUICE_ASSERT(period.ms > 0, "a period is positive");
  Periodic& periodic = *periodics_.emplace_back(std::make_unique<Periodic>(io_));
  periodic.period = milliseconds(period.ms);
  periodic.job = std::move(job);
  periodic.timer.expires_after(periodic.period);
  arm(periodic);
}

void Worker::arm(Periodic& periodic) {
  periodic.timer.async_wait([this, &periodic](const Error& cancelled) {
    if (cancelled) return;
    periodic.job();
    // From now, not from when it was due: after a pause there is no burst of missed rounds.
    periodic.timer.expires_after(periodic.period);
    arm(periodic);
  });
}

void Worker::run(const ServiceFactory& factory, Listener& listener,
                 const std::function<void(std::exception_ptr)>& started) {
  // What `top -H` and profilers show; the kernel keeps 15 bytes.
  pthread_setname_np(pthread_self(), ("sluice-io-" + std::to_string(index_)).substr(0, 15).c_str());
  std::unique_ptr<Service> service;
  try {
    service = factory(*this);
  } catch (...) {
    over_.store(true, std::memory_order_release);
    return started(std::current_exception());
  }
  service_ = service.get();
  listener_ = &listener;
  sweep();
  arm_sweep();
  ready_set_.start();
  listener.start();
  started(nullptr);
  const auto work = net::make_work_guard(io_);
  io_.run();
  // What is left is cut off; cancelled operations still have to come back to their sessions.
  close_all();
  io_.restart();
  while (!sessions_->list.empty() && io_.run_one() > 0) {
  }
  over_.store(true, std::memory_order_release);
  periodics_.clear();
  service_ = nullptr;
}

void Worker::begin_stop(Span grace) {
  net::post(io_, [this, grace] { stop_now(grace); });
}

void Worker::stop_now(Span grace) {
  stopping_ = true;
  listener_->stop();
  // on_stop only marks and posts: the list does not change under the loop.
  for (Session& session : sessions_->list)
    session.on_stop();
  if (sessions_->list.empty()) return io_.stop();
  grace_timer_.expires_after(milliseconds(std::max<std::int64_t>(grace.ms, 0)));
  grace_timer_.async_wait([this](const Error& cancelled) {
    if (!cancelled) io_.stop();
  });
}

void Worker::link(Session& session) {
  sessions_->list.push_back(session);
}

void Worker::unlink(Session& session) {
  sessions_->list.erase(sessions_->list.iterator_to(session));
  shared_.connections_open.fetch_sub(1, std::memory_order_relaxed);
  if (stopping_ && sessions_->list.empty()) io_.stop();
}

void Worker::close_all() {
  for (Session& session : sessions_->list)
    session.close();
}

void Worker::arm_sweep() {
  sweep_timer_.expires_after(milliseconds(sweep_ms_));
  sweep_timer_.async_wait([this](const Error& cancelled) {
    if (cancelled) return;
    sweep();
    arm_sweep();
  });
}

void Worker::sweep() {
  now_ms_ = steady_ms();
  const std::int64_t wall = wall_ms();
  if (wall / 1000 != date_second_) {
    date_second_ = wall / 1000;
    common_fields_ = http::common_fields(Instant{wall});
  }
  // Closing posts the rest, so the list does not change under the loop.
  for (Session& session : sessions_->list)
    session.on_sweep();
}

}  // namespace sluice::http
