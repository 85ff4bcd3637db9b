// The life of a connection: read, parse what has arrived, answer in order, write once, wait.
#include "http/session.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <exception>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace sluice::http {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kKeptBatchBytes = std::size_t{1024} * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// What a read buffer counts for against kMaxGrownBytes.
constexpr std::size_t counted(std::size_t capacity) {
  return capacity > kUncountedBufferBytes ? capacity : 0;
}

constexpr Refusal kTooSlow{408, "timeout", "The request did not arrive in time."};
constexpr Refusal kCutShort{400, "bad_request", "The request ended early."};
constexpr Refusal kDropped{500, "internal_error", "The request was not answered; this is a bug."};
constexpr Refusal kOutOfMemory{503, "overloaded", "Too many large requests at once; try again."};

}  // namespace

Session::~Session() {
  SLUICE_ASSERT(!is_linked(), "a session leaves its thread before it goes");
}

void Session::start(std::shared_ptr<Session> self, std::string remote_address) {
  self_ = std::move(self);
  remote_address_ = std::move(remote_address);
  worker_.link(*this);
  bump(worker_.counters.connections_total);
  deadline_ms_ = worker_.deadline(worker_.shared().options.header_timeout);
  start_handshake();
}

void Session::on_handshake(const Error& error) {
  --operations_;
  if (phase_ == Phase::closed) return operation_done();
  if (error) return close();
  phase_ = Phase::idle;
  // Only who has asked something may be idle: whoever just connects holds a place for nobody.
  deadline_ms_ = worker_.deadline(worker_.shared().options.header_timeout);
  read_more();
}

void Session::on_read(const Error& error, std::size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::closed) return operation_done();
  if (error == boost::asio::error::eof) return on_peer_finished();
  if (error) return close();
  if (closing_ || phase_ == Phase::streaming) {
    lingered_ += bytes;
    if (lingered_ > kMaxLingerBytes) return close();
    begin_ = end_ = 0;
    return read_more();
  }
  end_ += bytes;
  if (phase_ == Phase::busy || write_pending_) return read_more();
  process();
}

void Session::on_peer_finished() {
  peer_finished_ = true;
  if (phase_ == Phase::lingering || phase_ == Phase::streaming) return close();
  if (phase_ != Phase::busy && !write_pending_) process();
}

/// Answers whatever is complete in the buffer, writes the answers, and waits for more.
void Session::process() {
  SLUICE_ASSERT(worker_.current == nullptr, "sessions are processed one at a time");
  worker_.current = this;
  parse_buffered();
  worker_.current = nullptr;
  flush();
  after_batch();
}

void Session::parse_buffered() {
  while ((phase_ == Phase::idle || phase_ == Phase::reading) && !closing_ && !write_pending_) {
    if (begin_ == end_) {
      closing_ = peer_finished_;
      return;
    }
    switch (parser_.parse(unread(), worker_.request)) {
      case Progress::need_body:
        if (parser_.expects_continue() && !continue_sent_) {
          worker_.batch.append(kContinue);
          continue_sent_ = true;
        }
        [[fallthrough]];
      case Progress::need_head:
        if (phase_ == Phase::idle) {
          phase_ = Phase::reading;
          deadline_ms_ = worker_.deadline(worker_.shared().options.header_timeout);
        }
        if (peer_finished_) refuse(kCutShort);
        return;
      case Progress::large_body:
        if (!allow_upload()) return refuse(parser_.refusal());
        break;
      case Progress::complete:
        handle_request();
        break;
      case Progress::refused:
        return refuse(parser_.refusal());
    }
    if (worker_.batch.size() > kMaxBatchBytes) flush();
  }
}

/// Whether the service takes the large body that this head announces; if so, it has longer to come.
bool Session::allow_upload() {
  worker_.request.remote_address = remote_address_;
  if (!parser_.allow_body(worker_.service().most_body_bytes(worker_.request))) return false;
  phase_ = Phase::reading;
  deadline_ms_ = worker_.deadline(worker_.shared().options.upload_timeout);
  return true;
}

void Session::handle_request() {
  keep_alive_ = parser_.keep_alive();
  http_1_0_ = parser_.http_1_0();
  head_only_ = worker_.request.method == Method::head;
  phase_ = Phase::busy;
  deadline_ms_ = kNever;
  bump(worker_.counters.requests);
  worker_.request.remote_address = remote_address_;
  try {
    worker_.service().handle(worker_.request, Responder(self_));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // Unwinding dropped the responder, which answered 500: one bad request must not take the
    // connections of everyone else with it.
  }
  begin_ += parser_.size();
  parser_.reset();
  continue_sent_ = false;
}

void Session::answer(Response&& response) {
  if (phase_ != Phase::busy) return;
  closing_ = !keep_alive_ || response.close || worker_.stopping();
  phase_ = Phase::idle;
  deadline_ms_ = worker_.deadline(worker_.shared().options.idle_timeout);
  if (worker_.current != nullptr && worker_.current != this) {
    // Another connection's requests are being handled: its batch must not take this answer.
    std::string bytes;
    append_response(bytes, response, wire_options(!closing_));
    write_out(bytes);
    boost::asio::post(worker_.io(), [self = self_] {
      if (self->phase_ == Phase::idle && !self->write_pending_) self->process();
    });
    return;
  }
  append_response(worker_.batch, response, wire_options(!closing_));
  if (worker_.current == nullptr) process();
}

void Session::drop() {
  if (phase_ == Phase::busy) answer(problem(kDropped));
}

WireOptions Session::wire_options(bool keep_alive) const {
  return WireOptions{worker_.common_fields(), head_only_, keep_alive, http_1_0_};
}

/// Answers with a problem that this room wrote and closes; what else has arrived is not looked at.
void Session::refuse(const Refusal& refusal) {
  bump(worker_.counters.refused_requests);
  closing_ = true;
  phase_ = Phase::idle;
  head_only_ = false;
  append_response(worker_.batch, problem(refusal), wire_options(false));
}

void Session::after_batch() {
  if (closing_ && phase_ == Phase::idle && !write_pending_) return begin_linger();
  read_more();
}

void Session::flush() {
  std::string& batch = worker_.batch;
  if (batch.empty()) return;
  write_out(batch);
  batch.clear();
  if (batch.capacity() > kKeptBatchBytes) batch.shrink_to_fit();
}

void Session::write_out(std::string_view bytes) {
  if (phase_ == Phase::closed) return;
  if (write_pending_) {
    queued_.append(bytes);
    if (!count_unwritten()) close();
    return;
  }
  Error error;
  const std::size_t sent = write_now(bytes, error);
  if (error) return close();
  if (sent == bytes.size()) return;
  writing_.assign(bytes.substr(sent));
  if (!count_unwritten()) return close();
  start_pending_write();
}

/// Brings the thread's count up to date. False: too much waits for slow readers, and this
/// connection is one that adds to it.
bool Session::count_unwritten() {
  const std::size_t before = std::exchange(unwritten_, writing_.size() + queued_.size());
  worker_.unwritten_bytes = worker_.unwritten_bytes - before + unwritten_;
  return unwritten_ <= before || worker_.unwritten_bytes <= kMaxUnwrittenBytes;
}

void Session::start_pending_write() {
  written_ = 0;
  write_deadline_ms_ = worker_.deadline(worker_.shared().options.write_timeout);
  write_pending_ = true;
  start_write(writing_);
}

void Session::on_written(const Error& error, std::size_t bytes) {
  write_pending_ = false;
  if (phase_ == Phase::closed) return operation_done();
  if (error) return close();
  written_ += bytes;
  if (written_ < writing_.size()) {
    // The deadline stays: a peer that takes a byte now and then does not hold the memory longer.
    write_pending_ = true;
    return start_write(std::string_view(writing_).substr(written_));
  }
  writing_.swap(queued_);
  queued_.clear();
  count_unwritten();
  if (!writing_.empty()) return start_pending_write();
  std::string().swap(writing_);
  std::string().swap(queued_);
  written_ = 0;
  if (phase_ == Phase::streaming) return on_drained();
  if (phase_ == Phase::busy) return read_more();
  process();
}

void Session::read_more() {
  if (reading_ || peer_finished_ || phase_ == Phase::closed) return;
  switch (make_room()) {
    case Room::some:
      reading_ = true;
      return start_read(buffer_.get() + end_, capacity_ - end_);
    case Room::later:
      return;
    case Room::never:
      refuse(kOutOfMemory);
      flush();
      return after_batch();
  }
}

/// Makes space after end_, within the bounds; moves what is unread to the front if it must. Only
/// while no read is pending, because that writes to the buffer.
Session::Room Session::make_room() {
  const std::size_t size = end_ - begin_;
  if (closing_ || size == 0) begin_ = end_ = 0;
  if (end_ == 0) {
    if (capacity_ != kIdleBufferBytes) resize_buffer(kIdleBufferBytes);
    return Room::some;
  }
  // What a request announces is not made room for before it comes: announcing costs nothing.
  const std::size_t wanted =
      std::clamp(parser_.size(), size + 1, std::max(size + 1, capacity_ * 2));
  if (wanted <= capacity_ - begin_) return Room::some;
  if (wanted > capacity_ && phase_ != Phase::reading) return Room::later;
  if (wanted > capacity_) {
    const std::size_t capacity = std::max(wanted, capacity_ * 2);
    if (counted(capacity) > 0 && worker_.grown_bytes + capacity > kMaxGrownBytes)
      return Room::never;
    resize_buffer(capacity);
  } else {
    std::memmove(buffer_.get(), buffer_.get() + begin_, size);
    begin_ = 0;
    end_ = size;
  }
  return Room::some;
}

void Session::resize_buffer(std::size_t capacity) {
  const std::size_t size = end_ - begin_;
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (size > 0) std::memcpy(larger.get(), buffer_.get() + begin_, size);
  worker_.grown_bytes = worker_.grown_bytes - counted(capacity_) + counted(capacity);
  buffer_ = std::move(larger);
  capacity_ = capacity;
  begin_ = 0;
  end_ = size;
}

/// Closing at once while the peer still sends would reset the connection and could destroy the last
/// response on its way: say that nothing follows, then read until the peer closes too.
void Session::begin_linger() {
  if (peer_finished_) return close();
  if (phase_ == Phase::lingering) return;
  phase_ = Phase::lingering;
  lingered_ = 0;
  deadline_ms_ = worker_.deadline(kLingerTimeout);
  start_half_close();
  read_more();
}

void Session::on_half_closed() {
  --operations_;
  if (phase_ == Phase::closed) return operation_done();
  close();
}

void Session::on_sweep() {
  const std::int64_t now = worker_.now_ms();
  if (write_pending_) {
    if (now >= write_deadline_ms_) close();
    return;
  }
  if (now < deadline_ms_) return;
  switch (phase_) {
    case Phase::reading:
      refuse(kTooSlow);
      flush();
      return after_batch();
    case Phase::handshake:
    case Phase::idle:
    case Phase::lingering:
      return close();
    case Phase::busy:
    case Phase::streaming:
    case Phase::closed:
      return;
  }
}

void Session::on_stop() {
  if (phase_ == Phase::handshake || phase_ == Phase::streaming) return close();
  if (phase_ != Phase::idle) return;
  closing_ = true;
  if (!write_pending_) close();
}

void Session::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  close_transport();
  if (reading_ || write_pending_ || operations_ > 0) return;  // the last of them releases
  boost::asio::post(worker_.io(), [this] { release(); });
}

void Session::operation_done() {
  if (!reading_ && !write_pending_ && operations_ == 0) release();
}

void Session::release() {
  if (released_) return;
  released_ = true;
  if (hooks_) {
    const auto hooks = std::move(hooks_);
    if (hooks->closed) hooks->closed();
  }
  worker_.grown_bytes -= counted(capacity_);
  capacity_ = begin_ = end_ = 0;
  buffer_.reset();
  worker_.unwritten_bytes -= std::exchange(unwritten_, 0);
  std::string().swap(writing_);
  std::string().swap(queued_);
  drop_transport();
  worker_.unlink(*this);
  self_.reset();  // may be the end of this object
}

}  // namespace sluice::http
