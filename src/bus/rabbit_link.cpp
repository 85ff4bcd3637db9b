// The loop of a link: work, hear, wait.
#include "bus/rabbit_link.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"

namespace sluice::bus {

namespace {

/// Heartbeats are sent and noticed only inside calls.
constexpr std::int64_t kLongestSleepMs = AmqpConnection::kHeartbeatSeconds * 1000 / 4;
/// So that the end of its patience is noticed.
constexpr std::int64_t kStoppingSleepMs = 50;

}  // namespace

RabbitLink::Due RabbitLink::now() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Result<> RabbitLink::start() {
  if (auto connected = connect(); !connected) return connected;
  thread_ = std::thread([this] { run(); });
  return {};
}

void RabbitLink::stop(Span patience) {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wakeup_.signal();
    const auto most = std::chrono::milliseconds(patience.ms);
    if (!ended_changed_.wait_for(lock, most, [this] { return ended_; }) && descriptor_ >= 0) {
      ::shutdown(descriptor_, SHUT_RDWR);  // it sits in a call that waits for the broker
    }
  }
  thread_.join();
}

Result<> RabbitLink::connect() {
  auto opened = AmqpConnection::open(url_, name_);
  if (!opened) return std::unexpected(opened.error());
  set_connection(std::move(*opened));
  if (auto ready = on_connected(*connection_); !ready) {
    set_connection(nullptr);
    return ready;
  }
  trouble_.clear();
  backoff_.reset();
  connected_.store(true, std::memory_order_relaxed);
  return {};
}

void RabbitLink::set_connection(std::unique_ptr<AmqpConnection> connection) {
  const std::lock_guard lock(mutex_);
  connection_ = std::move(connection);
  descriptor_ = connection_ ? connection_->descriptor() : -1;
}

void RabbitLink::run() {
  std::optional<Due> stopping_since;
  while (true) {
    wakeup_.clear();
    if (!stopping_since) {
      const std::lock_guard lock(mutex_);
      if (stopping_) stopping_since = now();
    }
    if (!connection_ && now() >= retry_at_) {
      if (auto connected = connect(); !connected) {
        lose(connected.error());
      } else {
        spdlog::info("RabbitMQ at {}: connected again ({})", url_.place(), name_);
      }
    }
    bool busy = false;
    if (connection_) {
      auto turned = turn();
      if (!turned) lose(turned.error());
      busy = turned && *turned;
    }
    if (on_idle(stopping_since)) break;
    if (!busy) sleep(stopping_since.has_value());
  }
  if (connection_) connection_->close();
  set_connection(nullptr);
  connected_.store(false, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  ended_ = true;
  ended_changed_.notify_all();
}

/// True: something arrived, so there may be more to send.
Result<bool> RabbitLink::turn() {
  if (auto sent = on_turn(*connection_); !sent) return std::unexpected(sent.error());
  bool busy = false;
  while (true) {
    auto event = connection_->receive();
    if (!event) return std::unexpected(event.error());
    if (!event->has_value()) return busy;
    busy = true;
    auto heard = on_event(*connection_, std::move(**event));
    if (!heard) return std::unexpected(heard.error());
  }
}

void RabbitLink::lose(const Error& error) {
  // Told once per outage, not once per attempt.
  if (trouble_.empty()) {
    spdlog::error("RabbitMQ ({}): {} It is tried again until it answers.", name_, error.message);
  }
  trouble_ = error.message;
  set_connection(nullptr);
  connected_.store(false, std::memory_order_relaxed);
  retry_at_ = now() + backoff_.next().ms;
}

void RabbitLink::sleep(bool stopping) {
  Due until = now() + (stopping ? kStoppingSleepMs : kLongestSleepMs);
  if (const auto due = next_due()) until = std::min(until, *due);
  if (!connection_) until = std::min(until, retry_at_);
  const int wait_ms = static_cast<int>(std::max<Due>(0, until - now()));
  std::array<pollfd, 2> watched{pollfd{wakeup_.descriptor(), POLLIN, 0},
                                pollfd{connection_ ? connection_->descriptor() : -1, POLLIN, 0}};
  ::poll(watched.data(), watched.size(), wait_ms);
}

}  // namespace sluice::bus
